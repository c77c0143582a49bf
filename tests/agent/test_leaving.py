# SPDX-License-Identifier: MIT
"""An application that restarts its board or lets it sleep, in good order, on a trial and at other times."""

from pathlib import Path

import pytest

from simulator.board.errors import EspError
from simulator.board.flash import Defect
from simulator.board.partition_table import Partition
from simulator.board.partitions import FAIL
from tests.agent.harness import GOOD, World, firmware
from tests.agent.test_power_cuts import Knife
from tests.agent.test_trial import states_in_otadata


@pytest.fixture
def product(make_world) -> World:
    return make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 60})


class NoProgram(Defect):
    """The driver says that it cannot write to a partition. `hits` counts."""

    def __init__(self, row: Partition) -> None:
        self._row = row
        self.hits = 0

    def change(self, kind: str, address: int, old: bytes, new: bytes) -> bytes:
        if kind == "program" and 0 <= address - self._row.offset < self._row.size:
            self.hits += 1
            raise EspError(*FAIL)
        return new


def leaves(version: str, how: str) -> bytes:
    """The product, but at its first boot it leaves ten steps after its start, whatever the cloud has said by then."""
    main = (Path(__file__).parent / "products" / "controls" / "main.py").read_text()
    step = f"""    for number, _ in enumerate(agent.steps()):
        if number == 10 and agent.on_trial:
            {how}
"""
    return firmware(version, main.replace("    for _ in agent.steps():\n", step))


def trial_without_cloud(world: World, app: bytes) -> World:
    """`app` begins its trial, and the cloud is out of reach."""
    world.offer("1.1.0", app)
    world.wait("UPDATING")
    world.twin.board.site.is_up = False
    world.wait_log("ota trial")
    return world


WAYS = ["agent.restart_soon()", "agent.sleep_soon(5000)"]


@pytest.mark.parametrize("how", WAYS)
def test_who_leaves_in_good_order_on_a_trial_is_still_on_trial_until_the_cloud_is_reached(product, how):
    world = trial_without_cloud(product, leaves("1.1.0", how))
    world.wait_until(lambda: world.logged("ota trial") == 4)
    assert not world.logged("ota confirmed")
    world.twin.board.site.is_up = True
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_1")
    assert world.ends == ["UPDATED"]
    world.twin.cut()
    world.settle()
    assert world.runs == ("1.1.0", "ota_1")


@pytest.mark.parametrize("how", WAYS)
def test_who_leaves_again_and_again_and_never_reaches_the_cloud_is_not_kept(product, how):
    world = trial_without_cloud(product, leaves("1.1.0", how))
    world.wait_log("ota rolling_back why=cloud not reached")
    assert world.logged("ota trial") == 11
    world.twin.board.site.is_up = True
    world.wait("FAILED")
    assert world.errors == ["rolled_back: cloud not reached"]
    assert world.runs == ("1.0.0", "ota_0")


def test_who_sleeps_on_a_trial_by_itself_again_and_again_is_not_kept(product):
    world = trial_without_cloud(product, leaves("1.1.0", "machine.deepsleep(5000)"))
    world.wait_log("ota rolling_back why=it went to sleep again and again")
    assert world.logged("ota trial") == 12
    world.twin.board.site.is_up = True
    world.wait("FAILED")
    assert world.errors == ["rolled_back: it went to sleep again and again"]
    assert world.runs == ("1.0.0", "ota_0")


@pytest.mark.parametrize("how", WAYS)
def test_a_crash_after_that_is_the_end_of_the_trial(product, how):
    world = trial_without_cloud(
        product, leaves("1.1.0", f"machine.reset() if 'leaves' in journal.get('job') else {how}")
    )
    world.wait_log("ota failed")
    assert world.logged("ota trial") == 2
    world.twin.board.site.is_up = True
    world.wait(lambda: world.errors)
    assert world.errors == ["rolled_back: it crashed or was reset"]


def test_a_reset_that_is_not_in_good_order_is_the_end_of_the_trial(product):
    product.offer("1.1.0", leaves("1.1.0", "machine.reset()"))
    product.wait("FAILED")
    assert product.errors == ["rolled_back: it crashed or was reset"]


@pytest.mark.parametrize("how", WAYS)
def test_who_leaves_on_a_trial_but_is_not_well_has_a_few_starts_to_become_so(make_world, how):
    world = make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 60, "health": 1})
    world.offer("1.1.0", leaves("1.1.0", how))
    world.wait("FAILED")
    assert world.logged("ota trial") == 11
    assert world.errors == ["rolled_back: health check failed"]
    assert world.states == [*GOOD[:4], "FAILED"]


def test_flash_that_does_not_take_it_keeps_the_board_awake_until_the_trial_is_over(product):
    world = trial_without_cloud(product, leaves("1.1.0", "agent.restart_soon()"))
    defect = NoProgram(world.partition("otadata"))
    world.twin.flash.defects.append(defect)
    world.wait_log("ota warning code=trial_not_kept")
    world.settle(5)
    assert world.logged("ota trial") == defect.hits == 1
    world.twin.flash.defects.clear()
    world.twin.board.site.is_up = True
    world.wait("UPDATED")
    world.settle(15)
    assert world.logged("ota reset") == 2  # into the trial, and what had to wait for its end
    assert world.runs == ("1.1.0", "ota_1")
    assert world.logged("ota trial") == 1


def test_software_that_leaves_in_good_order_is_still_on_trial(make_world):
    unwell = {"trial_s": 60, "health": 1}
    world = make_world(firmware("1.0.0", product="controls"), settings=unwell, heap="112k")  # software and who decides
    world.offer_software("2.0.0")
    world.wait_log("ota trial")
    world.settle(5)
    world.call("restart")
    world.wait_log("ota trial")
    assert world.twin.story.software == ("2.0.0", "a")
    world.wait("FAILED", key="sw_state")
    assert world.told("sw_error") == ["rolled_back: health check failed"]
    assert world.software_states == [*GOOD[:4], "FAILED"]


STRIDE = 6  # on each interpreter other cuts


@pytest.mark.parametrize("part", [0, 3])
def test_power_that_goes_meanwhile_ends_the_trial_or_not_but_never_confirms(make_world, interpreter, part):
    at = 1 + part + ("micropython32", "micropython", "cpython").index(interpreter.name)
    app = leaves("1.1.0", "agent.restart_soon()")
    while True:
        world = make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 60})
        trial_without_cloud(world, app)
        knife = Knife(world.twin.flash, at)
        world.settle(25)
        world.twin.flash.on_op = None
        assert not world.logged("ota confirmed")
        assert world.runs in (("1.1.0", "ota_1"), ("1.0.0", "ota_0"))
        world.twin.board.site.is_up = True
        world.settle(60)
        assert not states_in_otadata(world) & {0, 1}
        assert set(world.ends) == {"UPDATED" if world.runs[0] == "1.1.0" else "FAILED"}
        assert set(world.errors) <= {"rolled_back: power was lost"}
        assert not world.logged("Traceback")
        world.twin.board.close()
        if knife.count < at:
            break
        at += STRIDE
    assert knife.count > STRIDE


def test_restarts_in_good_order_are_no_crashes(product):
    product.settle(10)
    for boots in range(2, 6):
        product.call("restart")
        product.settle(10)
        assert product.twin.story.boots == boots
    nvs = product.twin.chip.nvs
    assert nvs.get_i32(nvs.open("ota"), "crashes") == 0
