# SPDX-License-Identifier: MIT
"""The bootloader could not start what otadata selects (esp32.md 3.3): repaired first, or no rollback would work."""

import pytest

from simulator.breakage import package
from tests.agent.harness import GOOD, World

SHORT = {"trial_s": 60}


def spoil(world: World, label: str) -> None:
    """A flipped bit in an app: the bootloader will refuse it."""
    world.twin.flash.program(world.partition(label).offset + 5000, bytes(16))


def a_bad_update_rolls_back(world: World, version: str) -> None:
    before = world.runs
    world.offer(version, package("crash", version, 800_000))
    world.wait_log("ota failed")
    world.settle()
    assert world.errors[-1] == "rolled_back: it was not confirmed in time"
    assert world.runs == before


def a_good_update_works(world: World, version: str) -> None:
    world.offer(version)
    world.wait("UPDATED")
    assert world.runs[0] == version


@pytest.mark.parametrize("record", ["both valid", "only the failed one"])
def test_after_a_fallback_an_unconfirmed_update_really_rolls_back(make_world, record):
    world = make_world(settings=SHORT)
    a_good_update_works(world, "1.1.0")
    world.settle()
    world.twin.cut()
    world.twin.flash.power_on()
    spoil(world, "ota_1")
    if record == "only the failed one":
        world.twin.flash.erase(world.partition("otadata").offset, 4096)
    world.settle()
    assert world.runs == ("1.0.0", "ota_0")
    assert world.logged("code=fallback_repaired") == 1
    assert world.told("current_fw_version")[-1] == "1.0.0"
    a_bad_update_rolls_back(world, "1.2.0")
    a_good_update_works(world, "1.3.0")
    world.settle()
    assert world.logged("code=fallback_repaired") == 1


def test_a_fallback_to_the_second_slot_is_repaired_too(make_world):
    world = make_world(settings=SHORT)
    a_good_update_works(world, "1.1.0")
    a_good_update_works(world, "1.2.0")  # in ota_0
    world.settle()
    world.twin.cut()
    world.twin.flash.power_on()
    spoil(world, "ota_0")
    world.settle()
    assert world.runs == ("1.1.0", "ota_1")
    a_bad_update_rolls_back(world, "1.3.0")


def test_an_image_that_spoils_before_its_first_boot_is_reported_as_not_bootable(make_world):
    world = make_world(settings=SHORT)
    world.offer("1.1.0")
    world.wait_log("ota reset")
    spoil(world, "ota_1")
    world.wait("FAILED")
    assert world.states == [*GOOD[:4], "FAILED"]
    assert world.errors == ["not_bootable: the bootloader refused it"]
    assert world.runs == ("1.0.0", "ota_0")
    a_bad_update_rolls_back(world, "1.2.0")
    a_good_update_works(world, "1.3.0")


def test_a_power_cut_at_any_step_of_the_repair_is_repaired_at_the_next_boot(make_world):
    world = make_world(settings=SHORT)
    a_good_update_works(world, "1.1.0")
    world.settle()
    world.twin.cut()
    world.twin.flash.power_on()
    spoil(world, "ota_1")
    world.wait_log("ota warning code=fallback_repaired")  # said before it is done
    world.twin.cut()
    world.settle()
    assert world.logged("code=fallback_repaired") == 2
    a_bad_update_rolls_back(world, "1.2.0")


def test_otadata_erased_while_running_is_no_reason_to_stop(make_world):
    """The bootloader then starts the first slot and writes the first record anew."""
    world = make_world(settings=SHORT)
    a_good_update_works(world, "1.1.0")
    world.settle()
    world.twin.cut()
    world.twin.flash.power_on()
    world.twin.flash.erase(world.partition("otadata").offset, 8192)
    world.settle()
    assert world.runs == ("1.0.0", "ota_0")
    a_bad_update_rolls_back(world, "1.2.0")
    a_good_update_works(world, "1.3.0")
