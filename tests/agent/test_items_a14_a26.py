# SPDX-License-Identifier: MIT
"""thingsboard.md 8.1, A14-A26: chunks that come wrong, late, twice or never; links that go; offers that change."""

import itertools

import pytest

from simulator.breakage import TITLE
from simulator.clouds import mqtt
from simulator.clouds.thingsboard.checksums import checksum
from tests.agent.harness import GOOD, SECTOR, World, firmware, small_app
from tests.agent.web import Web

LAST = (len(firmware("1.1.0")) - 1) // SECTOR
URL = "http://files.example/app.bin"


@pytest.fixture
def patient(make_world) -> World:
    """A board that looks up every other second only, for stories that take hours."""
    return make_world(firmware("1.0.0", product="controls"), settings={"step_ms": 2000})


def request_ids(world) -> list[str]:
    """The request ids of chunk requests, in the order of their first use in each session."""
    return list(dict.fromkeys(event["request_id"] for event in world.seen("chunk_request")))


def finishes(world) -> None:
    """The update ends well, with the right bytes in flash."""
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")
    assert world.slot_holds("ota_1", firmware("1.1.0"))


def finishes_as_often_as_told(world) -> None:
    """As `finishes`, for stories in which the offer changes: DOWNLOADING is told for each."""
    world.wait("UPDATED")
    assert world.states == ["DOWNLOADING", *GOOD]
    assert world.slot_holds("ota_1", firmware("1.1.0"))


def test_a14_every_attempt_has_a_request_id_of_its_own(world):
    world.fault("chunk=2:close", "chunk=4:empty", "chunk=6x*:corrupt")
    world.offer()
    world.wait("FAILED")
    ids = request_ids(world)
    assert len(ids) == 4  # start, link lost, empty chunk, second try
    assert all(text.isdigit() and str(int(text)) == text for text in ids)
    assert not set(ids) & {str(event["request_id"]) for event in world.seen("attribute_request")}


def test_a14_two_updates_in_one_session_never_share_a_request_id(world):
    world.offer("2.0.0", small_app(4096), checksum=None)
    world.fault("chunkx*:corrupt")
    world.wait("FAILED")
    first = request_ids(world)
    world.clear_faults()
    world.offer("1.1.0")
    world.wait("VERIFIED")
    assert not set(first) & set(request_ids(world)[len(first) :])
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_1")


def test_a14_every_boot_starts_from_another_number(world):
    world.wait(lambda: world.seen("attribute_request"))
    for number in (2, 3):
        world.twin.cut()
        world.wait(lambda number=number: len(world.seen("attribute_request")) == number)
    assert len({event["request_id"] for event in world.seen("attribute_request")}) > 1  # 16 bits of chance, thrice


@pytest.mark.parametrize("chunk", [512, 4096, 16384, 65536])
def test_a15_every_request_says_its_size_in_bare_digits(make_world, chunk):
    world = make_world(settings={"chunk": chunk})
    world.offer()
    finishes(world)
    payloads = {
        packet.payload
        for _, packet in world.wire
        if isinstance(packet, mqtt.Publish) and packet.topic.startswith("v2/fw/request/")
    }
    assert payloads == {b"%d" % chunk}


@pytest.mark.parametrize(("setting", "size"), [(-1, 512), (0, 512), (511, 512), (65537, 65536), (1 << 30, 65536)])
def test_a15_a_size_that_no_server_takes_is_never_asked_for(make_world, setting, size):
    world = make_world(settings={"chunk": setting})
    world.offer()
    finishes(world)
    assert {event["size"] for event in world.seen("chunk_request")} == {size}
    assert not world.seen("download_error")


@pytest.mark.parametrize("index", [0, 1, 7, LAST])
@pytest.mark.parametrize("fault", ["duplicate", "other-id", "other-index"])
def test_a16_answers_nobody_asked_for_are_ignored(world, fault, index):
    world.fault(f"chunk={index}:{fault}")
    world.offer()
    finishes(world)


def test_a16_answers_of_the_other_type_are_ignored(world):
    world.offer()
    world.wait_flash("write", 2 * SECTOR)
    number = request_ids(world)[-1]
    for index in range(LAST + 1):
        world.device.session.publish(f"v2/sw/response/{number}/chunk/{index}", b"\xe9" * SECTOR)
    finishes(world)
    assert request_ids(world) == [number]


@pytest.mark.parametrize("index", [0, 7, LAST])
@pytest.mark.parametrize("fault", ["truncate=1", "truncate=4096", "extend=1", "extend=5000"])
def test_a17_a_chunk_of_another_length_is_asked_for_again(world, fault, index):
    world.fault(f"chunk={index}:{fault}")
    world.offer()
    finishes(world)


def test_a18_an_empty_chunk_is_asked_for_with_a_new_request_id(world):
    world.fault("chunk=5:empty")
    world.offer()
    finishes(world)
    assert len(request_ids(world)) == 2


def test_a18_a_cache_that_expires_in_mid_download_is_survived(make_world):
    world = make_world(cache_ttl_ms=1000)  # erasing takes longer than that
    world.offer()
    finishes(world)
    assert len(request_ids(world)) >= 2


def test_a18_empty_chunks_for_ever_end_in_one_failed(world):
    world.fault("chunk=5x*:empty")
    world.offer()
    world.wait("FAILED", 1800)
    world.settle(300)
    assert world.ends == ["FAILED"]
    assert world.errors[0].startswith("broken_chunks")
    assert len([e for e in world.seen("chunk_request") if e["index"] == 5]) < 60
    assert world.runs == ("1.0.0", "ota_0")


@pytest.mark.parametrize("chunk", [4096, 8192])
def test_a19_an_exact_multiple_of_the_chunk_size_ends_without_asking_past_the_end(make_world, chunk):
    world = make_world(settings={"chunk": chunk})
    data = firmware("1.1.0")
    data += bytes(-len(data) % 8192)
    world.offer(data=data)
    world.wait("UPDATED")
    assert max(event["index"] for event in world.seen("chunk_request")) == len(data) // chunk - 1


@pytest.mark.parametrize("fault", ["drop", "mute"])
@pytest.mark.parametrize("index", [0, 9, LAST])
def test_a20_silence_is_waited_out_and_the_chunk_asked_for_again(world, fault, index):
    world.fault(f"chunk={index}:{fault}")
    world.offer()
    finishes(world)
    times = [event["at_ms"] for event in world.seen("chunk_request", index=index)]
    if index == LAST or index == 0:  # nothing comes behind it that would tell earlier
        assert 5000 <= times[1] - times[0] <= 15000


def test_a20_silence_for_ever_ends_in_one_failed_after_growing_pauses(patient):
    world = patient
    world.fault("chunk=3x*:drop")
    world.offer()
    world.wait("FAILED", 7200)
    world.settle(600)
    assert world.ends == ["FAILED"]
    assert world.errors[0].startswith("chunk_silence")
    times = [event["at_ms"] for event in world.seen("chunk_request", index=3)]
    assert len(times) < 40
    pauses = [b - a for a, b in itertools.pairwise(times[1:5])]  # after chunk 4 has told that 3 is missing
    assert pauses[0] >= 5000
    assert all(b >= 1.9 * a for a, b in itertools.pairwise(pauses))


@pytest.mark.parametrize("error", ["NOT_FOUND", "FAILURE", "SOMETHING NEW"])
def test_a21_an_error_from_the_server_means_reconnect_and_read_the_attributes(world, error):
    world.fault(f"chunk=4:error={error}")
    world.offer()
    finishes(world)
    assert len(world.seen("connect")) == 3  # at the start, after the error, after the reboot
    assert len(world.seen("attribute_request")) == 3


def test_a21_payload_too_large_halves_the_chunk(make_world):
    world = make_world(settings={"chunk": 65536})
    world.fault("chunk=0x2:error=PAYLOAD_TOO_LARGE")  # a server, or what is in front of it, with a limit of its own
    world.offer()
    finishes(world)
    assert [event["size"] for event in world.seen("chunk_request")][:3] == [65536, 32768, 16384]


def test_a21_failure_of_a_package_that_became_a_url_leads_to_the_url(make_world):
    world = make_world(
        queue_ms=20_000
    )  # meanwhile the server refuses chunks, and the attributes are still the old ones
    data = firmware("1.2.0")
    web = Web(data)
    world.twin.net.serve("files.example", 80, web)
    world.offer("1.1.0")
    world.wait_flash("write", 2 * SECTOR)
    world.offer("1.2.0", url=URL, size=len(data), algorithm="SHA256", checksum=checksum("SHA256", data))
    world.device.session.close(0x83, "the request id's pin goes with it")
    world.wait("UPDATED")
    assert {event["error"] for event in world.seen("download_error")} == {"FAILURE"}
    assert web.requests == [0]
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.2.0", "ota_1")


def test_a21_an_error_for_ever_ends_in_one_failed(world):
    world.fault("chunkx*:error=FAILURE")
    world.offer()
    world.wait("FAILED", 3600)
    world.settle(600)
    assert world.ends == ["FAILED"]
    assert world.errors == ["server_error: failure"]


def test_a22_a_close_without_a_word_is_a_lost_link(world):
    world.fault("chunk=0:close", "chunk=9:close", f"chunk={LAST}:close")
    world.offer()
    finishes(world)
    assert len(world.seen("connect")) == 5


def test_a22_a_server_that_always_hangs_up_at_one_chunk_is_given_up(patient):
    world = patient
    world.fault("chunk=1x*:close")
    world.offer(data=small_app(8192))
    world.wait("FAILED", 2 * 3600)
    world.settle(600)
    assert world.ends == ["FAILED"]
    assert world.logged("hint=duplicate credentials")
    assert world.runs == ("1.0.0", "ota_0")


def test_a23_pings_go_on_while_chunks_trickle_in(world):
    world.fault("chunkx*:delay=7000")  # a slow network
    world.offer()
    world.wait("UPDATED", 1800)
    start = next(at for at, packet in world.wire if isinstance(packet, mqtt.Publish) and "chunk/0" in packet.topic)
    end = next(at for at, packet in world.wire if getattr(packet, "payload", b"").find(b"DOWNLOADED") >= 0)
    pings = [at for at, packet in world.wire if packet == mqtt.Plain("pingreq") and start < at < end]
    assert end - start > 60_000
    assert max(b - a for a, b in zip([start, *pings], [*pings, end], strict=True)) <= 60_000
    assert world.states == [*GOOD]


def test_a23_a_short_inactivity_limit_never_cuts_a_slow_download(make_world):
    world = make_world(inactivity_ms=45_000)
    world.fault("chunkx*:delay=7000")
    world.offer()
    world.wait("UPDATED", 1800)
    assert not world.seen("close", by="cloud")


def test_a23_pings_go_on_while_a_link_is_fetched_slowly(make_world):
    world = make_world(inactivity_ms=45_000)
    web = Web(small_app(20_000))
    web.pace_ms, web.piece = 600, 100
    world.twin.net.serve("files.example", 80, web)
    world.offer(url=URL, size=20_000, algorithm="SHA256", checksum=checksum("SHA256", web.data))
    start = world.twin.now_ms
    world.wait("DOWNLOADED", 1800)
    assert world.twin.now_ms - start > 100_000
    assert not world.seen("close", by="cloud")


@pytest.mark.parametrize("index", [1, 8, LAST])
def test_a24_a_lost_link_resumes_with_a_new_request_id(world, index):
    world.fault(f"chunk={index}:close")
    package = world.offer()
    finishes(world)
    assert world.downloaded <= package.size + SECTOR * 5  # what was under way
    assert len(request_ids(world)) == 2


def test_a24_a_changed_package_starts_from_the_beginning(world):
    world.offer("1.1.0")
    world.wait_flash("write", 8 * SECTOR)
    world.offer("1.2.0")
    world.device.session.close(0x83, "restart")
    world.wait("UPDATED")
    assert world.runs == ("1.2.0", "ota_1")
    assert world.slot_holds("ota_1", firmware("1.2.0"))


def test_a24_other_bytes_under_the_same_names_start_from_the_beginning(world):
    data = firmware("1.1.0")
    old = world.offer("1.1.0", data[:-1] + bytes([data[-1] ^ 1]))  # of the same size
    world.wait_flash("write", 8 * SECTOR)
    world.cloud.packages.remove(old)
    world.device.packages.pop("FIRMWARE")  # without the push that unassigning brings: only the link tells
    new = world.cloud.add_package(TITLE, "1.1.0", data)
    world.device.packages["FIRMWARE"] = new
    world.device.shared.update(new.attributes()[0])
    world.device.session.close(0x83, "restart")
    finishes_as_often_as_told(world)
    last = request_ids(world)[-1]
    assert min(event["index"] for event in world.seen("chunk_request", request_id=last)) == 0


def test_a25_a_mismatch_is_tried_once_more_and_reported_once(world):
    world.fault("chunk=5x*:corrupt")
    package = world.offer()
    world.wait("FAILED")
    world.settle(600)
    assert world.states == ["DOWNLOADING", "DOWNLOADED", "DOWNLOADING", "DOWNLOADED", "FAILED"]
    assert world.errors == ["checksum_mismatch: SHA256"]
    assert world.downloaded == 2 * package.size
    assert world.twin.story.boots == 1


def test_a25_a_mismatch_by_accident_ends_well(world):
    world.fault("chunk=5:corrupt")
    world.offer()
    world.wait("UPDATED")
    assert world.states == ["DOWNLOADING", "DOWNLOADED", *GOOD]
    assert len(world.seen("attribute_request")) == 3  # at the start, before the second try, after the reboot


@pytest.mark.parametrize(("queue_ms", "ends"), [(5000, ["UPDATED"]), (60_000, ["FAILED", "UPDATED"])])
def test_a25_new_bytes_under_old_metadata_lead_to_the_new_package(make_world, queue_ms, ends):
    world = make_world(queue_ms=queue_ms)  # the window in which attributes are old and bytes are new
    world.offer("1.1.0")
    world.wait_flash("write", 2 * SECTOR)
    world.device.session.close(0x83, "the request id's pin goes with it")
    world.offer("1.2.0")
    world.wait("UPDATED")
    assert world.ends == ends
    assert world.runs == ("1.2.0", "ota_1")


def test_a25_a_link_lost_between_two_tries_is_no_verdict(world):
    world.fault("chunk=5:corrupt")
    world.offer()
    world.wait_log("ota warning code=checksum_mismatch")
    world.pass_time(2)
    world.device.session.close(0x83, "restart")
    world.wait("UPDATED")
    assert world.ends == ["UPDATED"]


@pytest.mark.parametrize("offset", [0, 1, 20])
def test_a26_another_package_during_the_download_takes_its_place(make_world, offset):
    world = make_world(queue_ms=10)
    world.offer("1.1.0")
    world.wait_flash("write", offset * SECTOR)
    world.offer("1.2.0")
    world.wait("UPDATED")
    world.settle()
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.2.0", "ota_1")
    assert world.slot_holds("ota_1", firmware("1.2.0"))


def test_a26_bytes_of_another_package_in_the_middle_are_never_activated(world):
    world.cloud.add_package(TITLE, "1.2.0", firmware("1.2.0"))
    world.fault(f"chunk={LAST}x*:from={TITLE} 1.2.0")
    world.offer("1.1.0")
    world.wait("FAILED")
    world.settle()
    assert world.errors == ["checksum_mismatch: SHA256"]
    assert world.twin.story.boots == 1


def test_a26_reassigned_by_the_server_in_mid_request_ends_with_the_new_one(make_world):
    world = make_world(queue_ms=10)
    world.cloud.add_package(TITLE, "1.2.0", firmware("1.2.0"))
    world.fault(f"chunk=7:reassign={TITLE} 1.2.0")
    world.offer("1.1.0")
    world.wait("UPDATED")
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.2.0", "ota_1")
