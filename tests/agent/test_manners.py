# SPDX-License-Identifier: MIT
"""Manners: what has failed is not tried again for nothing, flash is not worn out, a fleet does not start at once."""

import zlib
from datetime import UTC, datetime

from simulator.breakage import FIRMWARE, package
from tests.agent.events import ask, said
from tests.agent.harness import GOOD, World, firmware

SMALL = 800_000
EPOCH_2000 = 946_684_800
_HEAP = "104k"  # who decides when, and one offer on top of another, with line numbers
_CRASHING = """
from ota import install

def crash(*_):
    import machine

    machine.reset()

install.Install._first = install.Install.first = crash
"""


def set_clock(world: World, text: str) -> int:
    """Somebody sets the board's clock, UTC. Returns the unix second."""
    second = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    world.twin.chip.set_time(second - EPOCH_2000)
    return second


def product(make_world, **settings) -> World:
    world = make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 30, **settings}, heap=_HEAP)
    world.wait(lambda: world.seen("attribute_response"))
    return world


def test_what_has_failed_is_tried_again_when_somebody_forces_it_or_it_has_another_content(make_world):
    world = product(make_world)
    world.offer("1.1.0", package("crash", "1.1.0", SMALL))
    world.wait("FAILED")
    world.settle(60)
    assert world.ends == ["FAILED"]
    world.call("force")
    world.wait("FAILED")
    assert world.states == [*GOOD[:4], "FAILED"] * 2
    world.call("force")
    world.wait("DOWNLOADING")
    world.cloud.packages.clear()
    world.offer("1.1.0", firmware("1.1.0"))
    world.wait("UPDATED")


def test_flash_that_was_erased_often_enough_today_rests_and_nobody_can_force_it(make_world):
    world = product(make_world, wear_budget=2)
    for version in ("1.1.0", "1.2.0"):
        world.offer(version, firmware(version, product="controls"))
        world.wait("UPDATED")
    world.offer("1.3.0")
    world.settle()
    ask(world, "force")
    world.push(ota_forced=True)
    world.settle()
    assert world.ends == ["UPDATED"] * 2
    assert said(world, "reason")[-1] == "wear_budget"


def test_flash_rests_to_the_end_of_the_day_where_the_day_is_known(make_world):
    world = product(make_world, wear_budget=1)
    midnight = set_clock(world, "2026-01-15 23:57") + 180
    world.offer("1.1.0", firmware("1.1.0", product="controls"))
    world.wait("UPDATED")
    world.offer("1.2.0", firmware("1.2.0", product="controls"))
    world.settle()
    assert (said(world, "reason")[-1], said(world, "until")[-1]) == ("wear_budget", midnight)
    assert world.ends == ["UPDATED"]
    world.wait("DOWNLOADING", timeout_s=180)
    assert 0 <= world.twin.chip.time() + EPOCH_2000 - midnight <= 2
    world.wait("UPDATED")


def test_what_has_failed_is_free_at_the_first_boot_after_its_time(make_world):
    world = product(make_world, quarantine_s=200)
    set_clock(world, "2026-01-15 12:00")
    world.offer("1.1.0", package("crash", "1.1.0", SMALL))
    world.wait("FAILED")
    for text in ("12:03", "12:06"):  # a cut takes the clock away
        assert world.ends == ["FAILED"]
        world.twin.cut()
        world.pass_time(0.1)
        set_clock(world, "2026-01-15 " + text)
        world.settle(20)
    world.wait("FAILED")
    assert world.states == [*GOOD[:4], "FAILED"] * 2


def test_rate_limit_releases_that_change_all_the_time_erase_no_more_than_a_day_may(make_world):
    world = product(make_world, wear_budget=3)
    for number in range(8):
        world.offer(f"1.1.{number}")
        world.settle(15)
    assert world.states.count("DOWNLOADING") == 3
    assert said(world, "reason")[-1] == "wear_budget"


def test_a_fleet_starts_over_the_span_of_its_settings_and_a_reset_does_not_start_it_anew(make_world):
    world = product(make_world, spread_s=1077)
    turn_s = zlib.crc32(b"esp32-" + world.twin.chip.mac.hex().encode()) % 1077
    world.offer("1.1.0")
    world.settle(20)
    assert said(world, "reason")[-1] == "spread"
    world.twin.cut()  # a boot counts for ten minutes
    world.settle(turn_s - 600 - 40)
    assert world.states == []
    world.wait("UPDATED", timeout_s=120)


def test_an_update_that_crashes_the_board_each_time_is_given_up(make_world):
    world = make_world(firmware("1.0.0", _CRASHING + (FIRMWARE / "main.py").read_text()))
    world.offer()
    world.wait("FAILED", timeout_s=900)
    boots = world.twin.story.boots
    world.settle(60)
    assert world.errors == ["started_too_often: 10 times without an end"]
    assert world.twin.story.boots == boots


def test_an_offer_that_was_taken_back_and_is_made_again_has_all_its_attempts(make_world):
    world = make_world(firmware("1.0.0", _CRASHING + (FIRMWARE / "main.py").read_text()))
    offered = world.offer()
    world.wait_until(lambda: world.twin.story.boots >= 9, 900, "boots")
    world.unassign()
    world.wait(lambda: world.logged("reason=nothing_assigned") >= 1)
    boots = world.twin.story.boots
    world.assign(offered)
    world.wait("FAILED", timeout_s=900)
    assert world.errors == ["started_too_often: 10 times without an end"]
    assert world.twin.story.boots - boots == 10
