# SPDX-License-Identifier: MIT
"""Lines so slow that a chunk takes seconds or minutes, and lines that falter: nothing is asked for twice on them."""

import pytest

from tests.agent.harness import World, firmware, small_app
from tests.agent.lines import NarrowLine

V1, V2 = (firmware(version, product="controls") for version in ("1.0.0", "1.1.0"))
SIZES = pytest.mark.parametrize("chunk", [4096, 65536])
SMALL = 20 * 4096


def behind(make_world, line: NarrowLine, chunk: int, size: int = SMALL, **server) -> World:
    """A world behind this line, and an update under way that need not start."""
    world = make_world(V1, settings={"chunk": chunk}, **server)
    world.twin.net.faults.append(line)
    world.offer("1.1.0", small_app(size))
    world.wait("DOWNLOADING")
    return world


def asked(world: World) -> list[tuple[int, int]]:
    """(request id, index) of each chunk that was asked for, in order."""
    return [(event["request_id"], event["index"]) for event in world.seen("chunk_request")]


def once_each(world: World) -> bool:
    """Whether no chunk was asked for twice."""
    return len(asked(world)) == len(set(asked(world)))


@SIZES
def test_very_slow_line_brings_each_chunk_once_and_the_application_runs(make_world, chunk):
    line = NarrowLine(200)
    world = behind(make_world, line, chunk)
    told = len(world.told("pause_ms"))
    world.wait("DOWNLOADED", 1000)
    assert max(world.told("pause_ms")[told:]) <= 400
    assert once_each(world)
    assert world.downloaded == SMALL
    assert len(world.seen("connect")) == 1
    assert line.backlog_s(world.twin.clock.now_ms()) <= 1  # nothing is left that would be in front of the next login


@SIZES
def test_line_that_becomes_slow_has_little_under_way(make_world, chunk):
    line = NarrowLine(20_000)
    world = behind(make_world, line, chunk, 3 * SMALL)
    world.wait(lambda: world.downloaded >= SMALL)
    line.bytes_a_second = 400
    backlog = 0.0
    while "DOWNLOADED" not in world.states:
        world.pass_time(1)
        backlog = max(backlog, line.backlog_s(world.twin.clock.now_ms()))
    assert backlog <= (max(chunk, 16_384) + 8192 + 500) / 400
    assert once_each(world)
    assert len(world.seen("connect")) == 1


@SIZES
@pytest.mark.parametrize("at_s", [2.5, 20, 47])
def test_slow_line_that_stalls_for_half_a_minute_goes_on_where_it_was(make_world, chunk, at_s):
    line = NarrowLine(700)
    world = behind(make_world, line, chunk)
    line.outage = (world.twin.clock.now_ms() + at_s * 1000, world.twin.clock.now_ms() + (at_s + 30) * 1000)
    told = len(world.told("pause_ms"))
    world.wait("DOWNLOADED", 1000)
    assert max(world.told("pause_ms")[told:]) <= 400
    assert once_each(world)
    assert world.downloaded == SMALL
    assert len(world.seen("connect")) == 1


@SIZES
def test_fast_line_that_stalls_for_half_a_minute_is_made_again(make_world, chunk):
    """Here the application waits as long as a call on a connection may: ten seconds."""
    line = NarrowLine(20_000)
    world = behind(make_world, line, chunk, 3 * SMALL)
    line.outage = (world.twin.clock.now_ms() + 5000, world.twin.clock.now_ms() + 35_000)
    world.wait("DOWNLOADED", 1000)
    assert once_each(world)
    assert len(world.seen("connect")) <= 2 + 1  # a login in vain while the line is down
    assert world.downloaded <= 3 * SMALL + max(chunk, 16_384)


@SIZES
def test_line_that_breaks_every_minute_gets_there(make_world, chunk):
    """A line that never holds long enough for the whole chunk."""
    line = NarrowLine(700)
    world = behind(make_world, line, chunk)
    while not world.logged("ota downloaded"):
        world.pass_time(60)
        if world.device.session:
            world.device.session.close(0x83, "restart")
        assert world.twin.clock.now_ms() < 900_000
    assert world.slot_holds("ota_1", small_app(SMALL)[: SMALL - 4096])


def test_lost_chunk_is_asked_for_again_when_nothing_more_comes(make_world):
    world = make_world(V1)
    world.twin.net.faults.append(NarrowLine(700))
    world.fault("chunk=3:drop")
    world.offer("1.1.0", small_app(SMALL))
    world.wait("DOWNLOADED", 1000)
    assert [index for _, index in asked(world)] == [*range(4), *range(3, 20)]
    assert len(world.seen("connect")) == 1


@SIZES
def test_update_that_is_called_off_on_a_slow_line_leaves_nothing_in_the_way(make_world, chunk):
    line = NarrowLine(700)
    world = behind(make_world, line, chunk)
    world.pass_time(30)
    assert "DOWNLOADED" not in world.states
    start = world.twin.clock.now_ms()
    world.call("cancel")
    world.wait("FAILED")
    assert world.errors == ["cancelled"]
    assert len(world.seen("connect")) == 2
    assert world.twin.clock.now_ms() - start <= (chunk + 4096) * 1000 / 700 + 15_000
