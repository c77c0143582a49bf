# SPDX-License-Identifier: MIT
"""Faults of reliability.md, section 2, that come from the product around the agent: see docs/faults.md."""

from tests.agent.harness import GOOD, firmware

BUSY = firmware("1.1.0", product="busy")


def busy(make_world, **settings):
    world = make_world(firmware("1.0.0", product="busy"), settings=settings)
    world.offer("1.1.0", BUSY)
    return world


def resets(world) -> list[str]:
    return [event["why"] for event in world.twin.story.events if event["event"] == "reset"]


def test_f170_a_watchdog_of_five_seconds_is_fed_during_all_work(make_world):
    world = busy(make_world, dog_ms=5000)
    world.wait("UPDATED")
    world.settle(60)
    assert world.states == [*GOOD]
    assert resets(world) == ["machine.reset"]


def test_f171_a_product_that_holds_the_cpu_for_ten_seconds_only_delays_the_update(make_world):
    world = busy(make_world, nap_ms=10_000)
    world.fault("chunkx*:delay=1500")
    world.wait("UPDATED", 1200)
    world.settle()
    assert world.states == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")
    assert world.downloaded < len(BUSY) + 8 * 4096  # what was on its way at a nap, perhaps


def test_f174_deep_sleep_in_the_midst_of_a_download_goes_on_where_it_was(make_world):
    world = make_world(firmware("1.0.0", product="busy"), settings={"awake_ms": 15_000})
    world.fault("chunkx*:delay=3000")
    world.offer("1.1.0")
    world.wait("UPDATED", 3600)
    world.settle()
    assert world.runs == ("1.1.0", "ota_1")
    assert list(dict.fromkeys(world.states)) == [*GOOD]
    assert len(resets(world)) > 3
    assert world.logged("ota erasing") == 1
    assert world.downloaded < 2 * len(firmware("1.1.0"))
