# SPDX-License-Identifier: MIT
"""Firmware that was confirmed and crashes later: while it is watched, the board goes back to the one from before."""

from simulator.board.flash import SECTOR
from tests.agent.harness import GOOD, TITLE, World, firmware


def watched(make_world, **settings) -> World:
    """A board that was updated from 1.0.0 to 1.1.0."""
    world = make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 30, "watch_s": 86400, **settings})
    world.offer("1.1.0", firmware("1.1.0", product="controls"))
    world.wait("UPDATED")
    world.settle(70)
    return world


def crash(world: World, seconds: float = 70) -> None:
    """The product crashes, and runs again for so long."""
    world.call("crash")
    world.settle(seconds)


def test_three_crashes_in_a_day_bring_the_image_from_before_back_and_the_cloud_hears_why(make_world):
    world = watched(make_world)
    for _ in range(2):
        crash(world)
        assert world.runs == ("1.1.0", "ota_1")
    world.call("restart")
    world.settle(70)
    world.twin.cut()
    world.settle(70)
    assert world.runs == ("1.1.0", "ota_1")  # neither was a crash
    crash(world)
    assert world.runs == ("1.0.0", "ota_0")
    assert world.states == [*GOOD, "FAILED"]
    assert world.errors == ["rolled_back: 3 crashes while it was watched"]
    for _ in range(4):
        crash(world, 20)
    assert world.runs == ("1.0.0", "ota_0")
    assert world.states == [*GOOD, "FAILED"]


def test_crashes_after_the_time_do_not_count(make_world):
    world = watched(make_world, watch_s=500, watch_crashes=2)
    for _ in range(3):
        crash(world)  # a boot counts for ten minutes, where there is no clock
    assert world.runs == ("1.1.0", "ota_1")
    assert world.ends == ["UPDATED"]


def test_the_image_from_before_has_suffered_so_what_crashes_goes_on_as_well_as_it_can(make_world):
    world = watched(make_world, watch_crashes=1)
    row = world.partition("ota_0")
    world.twin.flash.erase(row.offset + 64 * SECTOR, SECTOR)
    for _ in range(3):
        crash(world)
    assert world.runs == ("1.1.0", "ota_1")
    assert world.logged("ota warning code=image_refused") == 1
    assert world.ends == ["UPDATED"]


def test_what_came_in_the_place_of_the_image_from_before_and_was_not_what_was_promised_is_no_way_back(make_world):
    world = watched(make_world)
    wrong = firmware("6.6.6", product="controls")
    world.cloud.add_package(TITLE, "6.6.6", wrong)
    world.fault(f"chunkx*:from={TITLE} 6.6.6")
    world.offer("1.2.0", firmware("1.2.0", product="controls"))
    world.wait("FAILED")
    world.unassign()
    world.clear_faults()
    world.settle(5)
    assert world.slot_holds("ota_0", wrong)
    for _ in range(3):
        crash(world, 20)
    assert world.logged("ota warning code=slot_overwritten") == 1
    assert world.runs == ("1.1.0", "ota_1")
    assert len(world.errors) == 1


def test_nothing_is_watched_where_nobody_wants_it(make_world):
    world = watched(make_world, watch_s=0)
    for _ in range(5):
        crash(world, 20)
    assert world.runs == ("1.1.0", "ota_1")
