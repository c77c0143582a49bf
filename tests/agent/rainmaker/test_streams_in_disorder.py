# SPDX-License-Identifier: MIT
"""Blocks of a stream that come out of order, and what accidents leave of them; more to test_items_r35_r36.py.

What no service would send is in unit/test_aws_stream.py, each cut of a download in unit/test_scatter.py.
"""

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from simulator.board import tear
from tests.agent.rm_world import GOOD, PROGRESS, RainMakerWorld, firmware

SECTOR = 4096
DATA = firmware("1.1.0")
BLOCKS = -(-len(DATA) // SECTOR)
DISORDER = [f"block={index}:reorder" for index in (3, 4, 11, 16, 30, 31, 33, 47, 50)]
STRIDE = 8  # of the flash operations at which the power is cut


@pytest.fixture
def world(make_world: Callable[..., RainMakerWorld]) -> RainMakerWorld:
    """A board that prefers streams, and a cloud that brings blocks out of order."""
    return streaming(make_world)


def streaming(make_world: Callable[..., RainMakerWorld], **server: object) -> RainMakerWorld:
    world = make_world(settings={"streams": 1, "ways": 1}, **server)
    for fault in DISORDER:
        world.cloud.add_fault(fault)
    return world


def only_stream(world: RainMakerWorld) -> None:
    """Takes the URL out of all offers: each attempt has to go by stream."""
    world.cloud.add_fault("otaurlx*:omit=url")


def asked(world: RainMakerWorld) -> list[tuple[int, int, int]]:
    """(block size, first block, number) of each request."""
    return [(event["l"], event["o"], event["n"]) for event in world.seen("stream_request") if "l" in event]


def sent(world: RainMakerWorld) -> list[int]:
    """Blocks that were sent, without beginnings of images; in order, and as often as they were."""
    blocks = world.seen("block")
    return [event["index"] for event in blocks if event["length"] in (SECTOR, len(DATA) % SECTOR)]


def ends_well(world: RainMakerWorld) -> None:
    world.wait("success")
    assert world.runs == ("1.1.0", "ota_1")
    assert world.slot_holds("ota_1", DATA)
    assert world.web.asked == []


def test_r35_beginning_first_then_batches_and_blocks_in_any_order(world) -> None:
    world.offer()
    ends_well(world)
    assert world.statuses() == [*GOOD]
    assert asked(world) == [(289, 0, 1), *((4096, first, 16) for first in range(0, BLOCKS, 16))]
    assert sorted(sent(world)) == list(range(BLOCKS))
    assert sent(world)[:4] == [0, 1, 2, 5]


@pytest.mark.parametrize("fault", ["drop", "truncate=10", "extend=5000", "extend=60000", "empty"])
def test_r35_block_that_is_missing_or_wrong_is_asked_for_again_after_ten_seconds(world, fault: str) -> None:
    world.cloud.add_fault(f"block=21:{fault}")
    world.offer()
    ends_well(world)
    assert world.statuses() == [*GOOD]
    times = [event["at_ms"] for event in world.seen("stream_request")]
    assert sum(10_000 <= after - before <= 11_000 for before, after in pairwise(times)) == 1
    assert len(world.seen("block", index=21)) == 1 + (fault != "drop")


def test_r35_block_under_the_number_of_another_is_found_by_the_md5(world) -> None:
    world.cloud.add_fault("block=21:other-index")
    world.offer()
    ends_well(world)
    assert world.logged("code=checksum_mismatch") == 1
    assert sent(world).count(50) == 2


def test_r35_duplicates_are_written_once(world) -> None:
    world.cloud.add_fault("blockx*:duplicate")
    world.offer()
    ends_well(world)
    assert len(sent(world)) == 2 * BLOCKS - len(DISORDER)
    assert max(world.erases("ota_1")) == 1


def test_r36_refusal_fails_the_attempt_at_once_and_the_next_takes_up_what_is_there(world) -> None:
    only_stream(world)
    world.offer()
    world.wait(lambda: 20 in sent(world))
    world.cloud.add_fault("answer:reject=InternalError")
    ends_well(world)
    assert world.statuses() == [PROGRESS, "failed", *GOOD]
    assert world.infos("failed") == ["stream_rejected: InternalError"]
    assert len(sent(world)) <= BLOCKS + 17
    assert world.logged("ota erasing") == 1


def test_r36_lost_link_costs_what_was_ahead_and_a_block(world) -> None:
    only_stream(world)
    world.offer()
    world.wait(lambda: 20 in sent(world))
    world.node.session.close(0x80, "the broker restarts")
    ends_well(world)
    assert asked(world).count((289, 0, 1)) == 1
    assert world.logged("ota erasing") == 1
    assert len(sent(world)) <= BLOCKS + 20


def test_r36_power_cut_costs_what_was_ahead_and_a_block(world) -> None:
    world.offer()
    world.wait(lambda: 20 in sent(world))
    world.twin.cut()
    ends_well(world)
    assert asked(world).count((289, 0, 1)) == 1
    assert world.logged("ota resuming offset=") == 1
    assert world.logged("ota erasing") == 1
    assert len(sent(world)) <= BLOCKS + 20


def test_r36_another_md5_of_the_same_job_begins_at_the_start(world) -> None:
    world.cloud.add_fault("otaurl:md5")
    world.offer()
    world.wait(lambda: 20 in sent(world))
    world.twin.cut()
    ends_well(world)
    assert asked(world).count((289, 0, 1)) == 2
    assert world.logged("ota erasing") == 2


def test_r36_stream_that_stays_silent_after_a_new_connection_fails_and_works_later(world) -> None:
    only_stream(world)
    world.cloud.add_fault("resumedx3:silent")
    world.offer()
    world.wait(lambda: 20 in sent(world))
    world.node.session.close(0x80, "the broker restarts")
    ends_well(world)
    assert world.statuses() == [PROGRESS, "failed", PROGRESS, "failed", *GOOD]
    assert len(world.seen("stream_request", fault="silent")) == 3


def test_r36_image_of_another_product_is_refused_by_its_beginning(world) -> None:
    data = firmware("1.1.0").replace(b"thermometer", b"hygrometer\0")
    world.offer(data=data)
    world.wait("rejected")
    assert asked(world) == [(289, 0, 1)]
    assert not world.erased


class Knife:
    """Cuts the power at one flash operation of the spare slot, torn in one of four ways."""

    def __init__(self, world: RainMakerWorld, at: int) -> None:
        row = world.partition("ota_1")
        self._slot = range(row.offset, row.offset + row.size)
        self._left = at
        rng = random.Random(at)
        self._erase, self._program = tear.erase(rng), tear.program(rng)
        self._way = at % 4
        world.twin.flash.on_op = self

    def __call__(self, kind: str, address: int, size: int) -> Callable[[bytes, bytes], bytes] | None:
        if address not in self._slot:
            return None
        self._left -= 1
        if self._left:
            return None
        torn = self._erase if kind == "erase" else self._program
        return (tear.after, tear.prefix(0.5), torn, torn)[self._way]


@pytest.mark.parametrize("part", range(STRIDE))
def test_power_cut_at_any_operation_of_a_stream_in_disorder(make_world, part: int, interpreter) -> None:
    """Of each interpreter other cuts; the second one soon after the first meets what that has left."""
    at = BLOCKS + 1 + part * 7 + ("micropython32", "micropython", "cpython").index(interpreter.name)
    world = streaming(make_world)
    world.offer()
    world.wait_log("ota downloading")
    for more in (at, 1 + part % 7):
        Knife(world, more)
        world.wait(lambda: world.twin.why == "power_cut")
        world.twin.why = ""
    ends_well(world)
    assert len(set(world.statuses())) == 2
    assert not world.logged("Traceback")
    assert len(sent(world)) <= BLOCKS + 2 * 36
