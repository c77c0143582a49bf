# SPDX-License-Identifier: MIT
"""MQTT streams over lines so slow that a block takes seconds, and over lines that falter."""

from collections import Counter

from tests.agent.lines import NarrowLine
from tests.agent.rm_world import RainMakerWorld

BLOCK = 4096
STREAMS = {"streams": 1, "ways": 1}


def under_way(make_world, line: NarrowLine) -> RainMakerWorld:
    """A world whose node gets an image by stream over this line, from the first block on."""
    world = make_world(settings=STREAMS)
    world.cloud.add_fault("otaurl:omit=url")
    world.twin.net.faults.append(line)
    world.offer("1.1.0")
    world.wait_log("ota erasing")
    return world


def sent(world: RainMakerWorld) -> Counter[int]:
    """How often each block of the image was sent, without the beginning of the first."""
    return Counter(event["index"] for event in world.seen("block") if event["length"] > 289)


def test_slow_line_brings_each_block_once(make_world) -> None:
    line = NarrowLine(700)
    world = under_way(make_world, line)
    backlog = 0.0
    while not world.logged("ota downloaded"):
        world.pass_time(1)
        backlog = max(backlog, line.backlog_s(world.twin.clock.now_ms()))
    assert set(sent(world).values()) == {1}
    assert backlog <= 2 * (BLOCK + 200) / 700 + 2
    world.wait("success")
    assert world.runs == ("1.1.0", "ota_1")
    assert len(world.seen("connect")) == 2


def test_slow_line_that_stalls_for_half_a_minute_brings_each_block_once(make_world) -> None:
    line = NarrowLine(700)
    world = under_way(make_world, line)
    now = world.twin.clock.now_ms()
    line.outage = (now + 100_000, now + 130_000)
    world.wait_until(lambda: bool(world.logged("ota downloaded")), 1500)
    assert max(sent(world).values()) <= 2  # what was in the midst of a read when the line fell silent comes again
    assert sum(sent(world).values()) - len(sent(world)) <= 2


def test_line_that_becomes_slow_is_asked_for_little_at_a_time(make_world) -> None:
    line = NarrowLine(20_000)
    world = under_way(make_world, line)
    world.wait_flash("write", 30 * BLOCK)
    line.bytes_a_second = 700
    world.wait_until(lambda: bool(world.logged("ota downloaded")), 1500)
    assert set(sent(world).values()) == {1}
