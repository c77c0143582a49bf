# SPDX-License-Identifier: MIT
"""Manners: what has failed is not tried again for nothing, flash is not worn out, a fleet does not start at once."""

import zlib

from simulator.breakage import FIRMWARE, package
from tests.agent.events import ask, said
from tests.agent.harness import GOOD, World, firmware

SMALL = 800_000
_CRASHING = """
from ota import install

def crash(*_):
    import machine

    machine.reset()

install.Install._first = install.Install.first = crash
"""


def product(make_world, **settings) -> World:
    world = make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 30, **settings})
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
