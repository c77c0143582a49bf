# SPDX-License-Identifier: MIT
"""An application that crashes again and again: its board can be reached and mended nevertheless."""

from tests.agent.events import said
from tests.agent.harness import APP, GOOD, World, application, firmware

SW = "sw_state"
BROKEN = "safe_mode: RuntimeError: the sensor is not there"


NEEDS_A_SENSOR = b"""
import esp32

try:
    esp32.NVS("product").get_i32("broken")
    is_broken = True
except OSError:
    is_broken = False
if is_broken:
    raise RuntimeError("the sensor is not there")
"""


def needs_a_sensor(version: str) -> dict[str, bytes]:
    """An application that does not start once its sensor is broken."""
    files = application(version)
    files["app.py"] = NEEDS_A_SENSOR + files["app.py"]
    return files


def crashes_later(version: str) -> dict[str, bytes]:
    """An application that passes its trial, and raises ten seconds later."""
    files = application(version)
    later = b"""
    def tick(self):
        from ota.port import ticks_diff, ticks_ms

        self._started = getattr(self, "_started", ticks_ms())
        if ticks_diff(ticks_ms(), self._started) > 10000:
            raise RuntimeError("a late bug")
        self._tick()

    def _tick("""
    files["app.py"] = files["app.py"].replace(b"\n    def tick(", later)
    return files


def test_an_application_that_cannot_start_leaves_an_agent_that_says_so_and_brings_a_better_one(make_world):
    world: World = make_world(firmware("1.0.0", product="broken"))
    world.wait(lambda: BROKEN in said(world, "error"))
    assert world.twin.story.boots == 4
    world.settle(120)
    assert world.twin.story.boots == 4
    assert world.states == []
    world.offer("1.1.0")
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    world.settle(80)
    world.twin.cut()
    world.settle(20)
    assert world.runs == ("1.1.0", "ota_1")
    assert world.told("temperature")
    assert world.logged("ota safe_mode") == 1


def test_confirmed_software_that_crashes_gives_way_to_the_tree_from_before_and_is_left_alone(make_world):
    world: World = make_world()
    world.offer_software("2.0.0")
    world.wait("UPDATED", key=SW)
    world.settle(70)
    world.offer_software("2.1.0", crashes_later("2.1.0"))
    world.wait("UPDATED", key=SW)
    world.wait("FAILED", key=SW)
    world.settle(70)
    assert world.told("sw_error") == ["rolled_back: RuntimeError: a late bug"]
    assert world.twin.story.software == ("2.0.0", "a")
    assert world.told("app")[-1] == "2.0.0 sensor of 2.0.0"
    assert world.software_states == [*GOOD, *GOOD, "FAILED"]
    assert world.told("current_sw_title")[-1] == APP
    boots = world.twin.story.boots
    world.twin.cut()
    world.settle(20)
    assert world.twin.story.boots == boots + 1
    assert world.twin.story.software == ("2.0.0", "a")


def test_two_software_trees_that_cannot_start_any_more_give_way_to_what_the_firmware_brings(make_world):
    world: World = make_world()
    for version in ("2.0.0", "2.1.0"):
        world.offer_software(version, needs_a_sensor(version))
        world.wait("UPDATED", key=SW)
    world.settle(70)
    nvs = world.twin.chip.nvs
    nvs.set_i32(nvs.open("product"), "broken", 1)
    boots = world.twin.story.boots
    world.twin.cut()
    world.wait("FAILED", key=SW)
    assert world.twin.story.boots == boots + 7
    world.wait("FAILED", key=SW)  # what is on offer has crashed first: it is tried once more
    assert world.told("sw_error") == ["rolled_back: RuntimeError: the sensor is not there"] * 2
    boots = world.twin.story.boots
    world.settle(120)
    assert world.twin.story.boots == boots
    assert world.told("temperature")
    world.offer_software("2.2.0")
    world.wait("UPDATED", key=SW)
    world.settle(20)
    assert world.twin.story.software[0] == "2.2.0"
    assert world.told("app")[-1] == "2.2.0 sensor of 2.2.0"
    assert world.twin.story.boots == boots + 1
