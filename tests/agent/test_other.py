# SPDX-License-Identifier: MIT
"""Back to what the other slot holds, on the application's word: no download, but a trial, and the cloud is told."""

from pathlib import Path

import pytest

from simulator.board.flash import SECTOR
from tests.agent.events import ask
from tests.agent.harness import GOOD, World, firmware
from tests.agent.test_power_cuts import Knife
from tests.agent.test_trial import states_in_otadata

PRODUCT = Path(__file__).parent / "products" / "controls" / "main.py"
ONLY_ONCE = """
import esp32

memory = esp32.NVS("product")
try:
    memory.get_i32("boots")
    raise RuntimeError("it cannot start any more")
except OSError:
    memory.set_i32("boots", 1)
    memory.commit()

"""


@pytest.fixture
def updated(make_world) -> World:
    """A board with 1.0.0 in one slot and 1.1.0, which is on offer and runs, in the other."""
    return update(make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 30}))


def update(world: World) -> World:
    world.offer("1.1.0", firmware("1.1.0", product="controls"))
    world.wait("UPDATED")
    world.settle()
    return world


def test_the_other_image_is_tried_and_stays_and_what_was_left_is_not_fetched_again(updated):
    requests = len(updated.seen("chunk_request"))
    updated.call("boot_other")
    updated.wait("FAILED")
    updated.settle()
    assert updated.logged("ota trial") == 2
    assert updated.errors == ["rolled_back: it spills"]
    assert updated.runs == ("1.0.0", "ota_0")
    updated.twin.cut()
    updated.settle()
    assert updated.runs == ("1.0.0", "ota_0")
    assert updated.states == [*GOOD, "FAILED"]
    assert len(updated.seen("chunk_request")) == requests
    updated.call("force")
    updated.wait("UPDATED")
    assert updated.runs == ("1.1.0", "ota_1")


def test_an_other_image_that_does_not_work_any_more_gives_way_to_the_one_that_was_left(make_world):
    world = update(make_world(firmware("1.0.0", ONLY_ONCE + PRODUCT.read_text()), settings={"trial_s": 30}))
    world.call("boot_other")
    world.wait_log("ota warning code=not_returned error=rolled_back: it was not confirmed in time")
    world.settle()
    assert world.runs == ("1.1.0", "ota_1")
    assert world.states == [*GOOD]  # what the cloud has ordered runs


def test_a_slot_without_an_image_is_refused_and_so_is_one_that_an_update_is_to_fill(make_world):
    world = make_world(firmware("1.0.0", product="controls"))
    world.wait(lambda: world.seen("attribute_response"))
    assert ask(world, "boot_other") == "not_an_image"
    world.offer("1.1.0")
    world.wait("DOWNLOADING")
    world.settle(2)
    assert ask(world, "boot_other") == "update_under_way"
    world.wait("UPDATED")


def test_an_image_that_was_taken_back_when_it_was_whole_is_no_way_back(updated):
    updated.call("hold")
    updated.settle(2)
    updated.offer("1.2.0", firmware("1.2.0", product="controls"))
    updated.wait("VERIFIED")
    updated.settle(3)
    updated.unassign()
    updated.wait("FAILED")
    updated.call("release")
    assert updated.slot_holds("ota_0", firmware("1.2.0", product="controls"))
    assert ask(updated, "boot_other") == "slot_overwritten"
    updated.twin.cut()
    updated.settle()
    assert ask(updated, "boot_other") == "slot_overwritten"
    assert updated.runs == ("1.1.0", "ota_1")


def test_an_image_that_has_suffered_in_flash_is_refused(updated):
    row = updated.partition("ota_0")
    sector = bytearray(updated.twin.flash.read(row.offset + 64 * SECTOR, SECTOR))
    sector[100] ^= 1
    updated.twin.flash.erase(row.offset + 64 * SECTOR, SECTOR)
    updated.twin.flash.program(row.offset + 64 * SECTOR, bytes(sector))
    boots = updated.twin.story.boots
    assert str(ask(updated, "boot_other")).startswith("image_refused")
    updated.twin.cut()
    updated.settle()
    assert updated.twin.story.boots == boots + 1
    assert updated.runs == ("1.1.0", "ota_1")
    assert updated.ends == ["UPDATED"]


def test_what_is_on_trial_is_not_left(make_world):
    world = make_world(firmware("1.0.0", product="controls"), settings={"health": 1, "trial_s": 60})
    world.offer("1.1.0", firmware("1.1.0", product="controls"))
    world.wait_log("ota trial")
    world.wait_log("ota idle reason=unconfirmed")
    assert ask(world, "boot_other") == "unconfirmed"


STRIDE = 6  # on each interpreter other cuts


@pytest.mark.parametrize("part", [0, 3])
def test_power_that_goes_on_the_way_leaves_one_of_both_confirmed_and_an_end_that_is_true(make_world, interpreter, part):
    at = 1 + part + ("micropython32", "micropython", "cpython").index(interpreter.name)
    while True:
        world = update(make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 30}))
        knife = Knife(world.twin.flash, at)
        world.call("boot_other")
        world.settle(60)
        world.twin.flash.on_op = None
        world.settle(60)
        assert not states_in_otadata(world) & {0, 1}
        assert not world.logged("Traceback")
        if world.runs == ("1.0.0", "ota_0"):
            assert set(world.errors) == {"rolled_back: it spills"}  # told again, if the cut came before that was noted
        else:
            assert world.runs == ("1.1.0", "ota_1")
            assert world.errors == []
        world.twin.board.close()
        if knife.count < at:
            break
        at += STRIDE
    assert world.runs == ("1.0.0", "ota_0")
    assert knife.count > STRIDE
