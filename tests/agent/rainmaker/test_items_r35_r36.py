# SPDX-License-Identifier: MIT
"""Items 35 and 36 of rainmaker.md section 11: images by MQTT streams, and two ways to one image."""

import pytest

from simulator.breakage import FIRMWARE
from tests.agent.board_world import firmware
from tests.agent.rm_world import GOOD, PROGRESS, RainMakerWorld

BLOCK = 4096
PATIENCE_S = 10
BOTH = {"streams": 1, "ways": 1}


@pytest.fixture
def streaming(make_world) -> RainMakerWorld:
    """A node that is offered streams and URLs, and takes streams first."""
    return make_world(settings=BOTH)


def requests(world: RainMakerWorld) -> list[tuple]:
    """(block size, first block, count, with a bitmap) of each request for a stream."""
    asked = world.seen("stream_request")
    return [(event["l"], event.get("o", 0), event.get("n"), event["has_bitmap"]) for event in asked]


def test_r35_header_first_then_batches_by_bitmap(streaming: RainMakerWorld) -> None:
    streaming.offer("1.1.0")
    streaming.wait("success")
    first, *batches = requests(streaming)
    assert first == (289, 0, 1, False)
    assert batches == [(BLOCK, 16 * i, 16, True) for i in range(len(batches))]
    assert len(batches) == -(-len(streaming.web.data) // (16 * BLOCK))
    assert streaming.statuses() == [*GOOD]
    assert streaming.web.asked == []


@pytest.mark.parametrize("blocks", ["base64", "hex"])
def test_r35_streams_in_json_where_the_maker_wants_to_read_along(make_world, blocks: str) -> None:
    world = make_world(settings={"streams": 2, "ways": 1}, json_blocks=blocks)
    world.offer("1.1.0")
    world.wait("success")
    assert {event["format"] for event in world.seen("stream_request")} == {"json"}
    assert world.web.asked == []


def test_r35_blocks_out_of_order_twice_and_not_at_all(streaming: RainMakerWorld) -> None:
    for rule in ("block=2:reorder", "block=5:duplicate", "block=19:drop", "block=35:corrupt", "block=40:truncate=7"):
        streaming.cloud.add_fault(rule)
    streaming.cloud.add_fault("block=9:other-index")
    streaming.offer("1.1.0")
    streaming.wait(lambda: len(streaming.statuses()) >= 2)
    assert (BLOCK, 16, 16, True) in requests(streaming)
    streaming.wait("success")
    assert streaming.runs == ("1.1.0", "ota_1")


def test_r35_missing_block_is_asked_for_after_ten_seconds(streaming: RainMakerWorld) -> None:
    streaming.cloud.add_fault("block=19:drop")
    streaming.offer("1.1.0")
    streaming.wait("success")
    times = [event["at_ms"] for event in streaming.seen("stream_request") if event.get("o") == 16]
    assert len(times) == 2
    assert PATIENCE_S * 1000 <= times[1] - times[0] <= (PATIENCE_S + 2) * 1000
    assert streaming.statuses() == [*GOOD]


def test_r35_three_silent_rounds_are_a_failure(make_world) -> None:
    world = make_world(settings=BOTH)
    world.cloud.add_fault("otaurl:omit=url")
    world.cloud.add_fault("answerx9:silent")
    world.offer("1.1.0")
    world.wait(lambda: world.statuses().count("failed") == 3)
    assert world.infos("failed") == ["stream_silence: block 0"] * 3
    assert len(world.seen("stream_request")) == 9
    world.wait("success")


@pytest.mark.parametrize("cause", ["rejected", "disconnect"])
@pytest.mark.parametrize("md5", [True, False])
def test_r36_attempt_fails_at_once_and_resumes_only_with_an_md5(make_world, cause: str, md5: bool) -> None:
    world = make_world(settings=BOTH, send_md5=md5)
    world.cloud.add_fault("otaurl:omit=url")
    world.offer("1.1.0")
    world.wait_flash("write", 20 * BLOCK)
    if cause == "rejected":
        world.cloud.add_fault("answer:reject=InternalError")
    else:
        world.node.session.close(0x80, "the broker restarts")
    seen = len(requests(world))
    world.wait("failed")
    assert world.infos("failed")[0].startswith("stream_rejected" if cause == "rejected" else "link_lost")
    world.wait("success")
    assert world.statuses() == [PROGRESS, "failed", *GOOD]
    again = requests(world)[seen + (cause == "rejected") :]
    assert ((289, 0, 1, False) in again) is not md5


def test_r36_stream_of_other_bytes_begins_anew(streaming: RainMakerWorld) -> None:
    streaming.offer("1.1.0")
    streaming.wait_flash("write", 20 * BLOCK)
    streaming.twin.cut()
    job = next(iter(streaming.cloud.jobs.values()))
    job.image = streaming.cloud.add_image("other.bin", firmware("1.2.0"), "1.2.0")
    streaming.wait("success")
    assert requests(streaming).count((289, 0, 1, False)) == 2
    assert streaming.runs == ("1.2.0", "ota_1")


@pytest.mark.parametrize("ways", [1, 2])
def test_r10_each_of_two_ways_takes_over_when_the_other_fails(make_world, ways: int) -> None:
    world = make_world(settings={"streams": 1, "ways": ways})
    if ways == 1:
        world.cloud.add_fault("answer:reject=ResourceNotFound")
    else:
        world.web.status = "404 Not Found"
    world.offer("1.1.0")
    world.wait("success")
    assert world.statuses() == [PROGRESS, "failed", *GOOD]
    assert bool(requests(world)) and bool(world.web.asked)


@pytest.mark.parametrize(("largest", "streams"), [(30_000, True), (110_000, False)])
def test_r10_way_is_chosen_by_the_memory_that_a_second_session_would_need(make_world, largest, streams) -> None:
    kinds = f"[(9000, 8000, 7000, 6000), (2, {largest}, {largest}, 1)]"
    heap = f"import esp32\nesp32.HEAP_DATA = 4\nesp32.idf_heap_info = lambda kind: {kinds}\n"
    world = make_world(firmware("1.0.0", heap + (FIRMWARE / "main.py").read_text()), settings={"streams": 1})
    world.offer("1.1.0")
    world.wait("success")
    assert bool(requests(world)) == streams


def test_r10_one_way_alone_is_enough(make_world) -> None:
    world = make_world(settings={"streams": 1, "ways": 2})
    world.cloud.add_fault("otaurl:omit=url")
    world.offer("1.1.0")
    world.wait("success")
    assert world.web.asked == []
