# SPDX-License-Identifier: MIT
"""thingsboard.md 8.1, A1-A13: connecting, offers and what they are made of, checksums."""

import itertools

import pytest

from simulator.clouds import mqtt
from simulator.clouds.thingsboard.checksums import ALGORITHMS, checksum
from simulator.clouds.thingsboard.subscriptions import Subscriptions
from tests.agent.harness import GOOD, TITLE, firmware, small_app

FILTERS = {
    "v1/devices/me/attributes",
    "v1/devices/me/attributes/response/+",
    "v2/fw/response/+/chunk/+",
    "v2/sw/response/+/chunk/+",
    "v2/fw/error",
    "v1/devices/me/rpc/request/+",
}
ZERO_TOP = ("CRC32", "MURMUR3_32", "MURMUR3_128")


def test_a01_every_connect_is_clean_and_followed_by_subscribe_request_and_current_version(world):
    world.fault("connect:close")  # so there are two of them
    world.wait(lambda: world.told("current_fw_version"))
    connect = world.seen("connect")[0]
    assert connect["clean"] and connect["protocol"] == "3.1.1"
    kinds = [e["event"] for e in world.cloud.events if e["event"] in ("connect", "subscribe", "attribute_request")]
    assert kinds == ["connect", "subscribe", "attribute_request"]
    assert set(world.seen("subscribe")[0]["filters"]) == FILTERS
    keys = ["title", "version", "tag", "size", "checksum_algorithm", "checksum", "url"]
    wanted = [f"{kind}_{key}" for kind in ("fw", "sw") for key in keys] + ["ota_forced", "ota_enabled"]
    assert sorted(world.seen("attribute_request")[0]["shared_keys"]) == sorted(wanted)
    assert (world.told("current_fw_title"), world.told("current_fw_version")) == ([TITLE], ["1.0.0"])
    topics = [packet.topic for _, packet in world.wire if isinstance(packet, mqtt.Publish)]
    assert [topic.rpartition("/")[0] for topic in topics] == ["v1/devices/me/attributes/request", "v1/devices/me"]


def test_a01_after_a_lost_link_everything_is_subscribed_again(world):
    world.wait(lambda: world.seen("attribute_response"))
    world.device.session.close(0x83, "maintenance")
    world.wait(lambda: len(world.seen("attribute_response")) == 2)
    assert len(world.seen("connect")) == len(world.seen("subscribe")) == 2
    assert [event["clean"] for event in world.seen("connect")] == [True, True]
    assert set(world.seen("subscribe")[1]["filters"]) == FILTERS
    assert world.told("current_fw_version") == ["1.0.0"] * 2
    world.offer()
    world.wait("UPDATED")


def test_a01_attributes_that_nobody_answers_are_asked_for_again_then_over_a_new_connection(world):
    world.fault("attributesx*:drop")
    world.pass_time(25)
    assert (len(world.seen("attribute_request")), len(world.seen("connect"))) == (3, 1)
    world.pass_time(60)
    assert len(world.seen("connect")) > 1
    assert world.logged("ota offline code=attributes_unanswered")
    world.clear_faults()
    world.offer()
    world.wait("UPDATED")


@pytest.mark.parametrize("refused", sorted(FILTERS))
def test_a02_a_refused_filter_is_a_warning(world, monkeypatch, refused):
    grant = Subscriptions.add
    monkeypatch.setattr(
        Subscriptions, "add", lambda self, name, *rest: 0x80 if name == refused else grant(self, name, *rest)
    )
    world.offer()
    world.wait("UPDATED")
    assert world.logged("code=subscription_refused") == len(world.seen("subscribe")) == 2  # before and after the reset
    assert world.states == [*GOOD]


def test_a03_nothing_assigned_means_no_chunk_request(world):
    world.settle()
    assert world.seen("attribute_response")[0]["body"] == {}
    assert not world.seen("chunk_request")
    assert world.states == []


def test_a03_an_offer_without_a_version_is_none(world):
    world.device.shared.update({"fw_title": TITLE, "fw_size": 1000, "fw_checksum": "ab" * 32})
    world.settle()
    assert not world.seen("chunk_request")
    assert world.states == []


def test_a04_the_same_push_while_busy_or_done_starts_no_second_download(world):
    package = world.offer()
    present, _ = package.attributes()
    world.wait("DOWNLOADING")
    world.push(**present)
    world.wait("UPDATED")
    world.push(**present)
    world.settle()
    assert world.states == [*GOOD]
    assert world.downloaded == package.size


@pytest.mark.parametrize("moment", ["before", "during", "after", "alone"])
def test_a05_deleted_url_and_tag_change_nothing(world, moment):
    world.wait(lambda: world.seen("attribute_response"))
    if moment in ("before", "alone"):
        world.delete("fw_url", "fw_tag")
    if moment != "alone":
        world.offer(tag="thermometer 1.1.0")
        world.wait("DOWNLOADING" if moment == "during" else "UPDATED")
        world.delete("fw_tag", "fw_url")
        if moment == "during":
            world.wait("UPDATED")
    world.settle()
    assert world.states == ([] if moment == "alone" else [*GOOD])


@pytest.mark.parametrize("order", ["deleted-first", "update-first"])
def test_a05_either_order_of_the_two_pushes_gives_one_update(make_world, order):
    world = make_world(push_order=order)
    world.wait(lambda: world.seen("attribute_response"))
    world.offer()
    world.wait("UPDATED")
    assert world.states == [*GOOD]


@pytest.mark.parametrize("order", ["deleted-first", "update-first"])
def test_a05_what_a_link_does_without_is_not_taken_for_a_change_of_the_package_before(make_world, order):
    world = make_world(push_order=order)
    world.offer("1.0.0", firmware("1.0.0"))
    world.wait("UPDATED")  # it runs already
    world.offer("1.1.0", url="http://files.example/1.1.0.bin")  # size and checksum are deleted
    world.wait("FAILED")
    world.settle()
    assert world.states == ["UPDATED", "FAILED"]
    assert world.errors == ["bad_size: None"]


@pytest.mark.parametrize("offset", [0, 4 * 4096])
def test_a06_unassigned_while_downloading_stops_and_keeps_what_runs(world, offset):
    world.offer()
    world.wait_flash("write", offset)
    world.unassign()
    world.wait("FAILED")
    world.settle()
    assert world.states == ["DOWNLOADING", "FAILED"]
    assert world.errors == ["unassigned"]
    assert world.runs == ("1.0.0", "ota_0")
    assert not world.seen("chunk_request")[-1]["at_ms"] > world.seen("unassigned")[0]["at_ms"] + 1000


def test_a07_an_unrelated_push_leaves_the_offer_alone(world):
    world.offer()
    world.wait("DOWNLOADING")
    world.push(interval=5)
    world.delete("interval", "unknown")
    world.wait("UPDATED")
    assert world.states == [*GOOD]


def test_a08_a_partial_push_makes_the_agent_ask_for_the_whole_offer(world):
    first = world.offer("1.0.0", firmware("1.0.0"))
    world.wait("UPDATED")  # it runs already
    second = world.cloud.add_package(TITLE, "1.4.1", firmware("1.4.1"))
    asked = len(world.seen("attribute_request"))
    world.device.shared.update(second.attributes()[0])
    world.device.packages["FIRMWARE"] = second
    world.push(fw_version="1.4.1")
    world.wait("UPDATED")
    assert len(world.seen("attribute_request")) > asked
    assert world.runs == ("1.4.1", "ota_1")
    assert first.size  # the first one was never downloaded
    assert world.downloaded == second.size


def test_a08_a_partial_push_alone_never_makes_a_mixed_offer(world):
    package = world.offer("1.0.0", firmware("1.0.0"))
    world.wait("UPDATED")
    world.fault("attributesx*:drop")
    world.push(fw_checksum="00" * 32, fw_size=package.size)
    world.pass_time(300)
    assert not world.seen("chunk_request")
    assert world.states == ["UPDATED"]


@pytest.mark.parametrize("missing", ["fw_size", "fw_checksum_algorithm", "fw_title"])
def test_a08_a_push_that_lacks_one_thing_is_no_offer_yet(make_world, missing):
    world = make_world()
    package = world.cloud.add_package(TITLE, "1.4.1", firmware("1.4.1"))
    world.settle(10)
    world.device.shared.update(package.attributes()[0])
    world.device.packages["FIRMWARE"] = package
    world.push(**{key: value for key, value in package.attributes()[0].items() if key != missing})
    world.wait("UPDATED")
    assert "FAILED" not in world.states


def test_a08_a_push_of_a_url_alone_is_not_an_unassignment(world):
    world.offer("1.0.0", firmware("1.0.0"))
    world.wait("UPDATED")
    asked = len(world.seen("attribute_request"))
    world.push(fw_url="http://files.example/app.bin")
    world.settle(30)
    assert len(world.seen("attribute_request")) > asked
    assert "nothing_assigned" not in "".join(world.tell())


def test_a09_the_version_that_runs_is_reported_once_and_not_downloaded(world):
    package = world.offer("1.0.0", firmware("1.0.0"))
    world.wait("UPDATED")
    world.push(**package.attributes()[0])
    world.device.session.close(0x83, "restart")
    world.settle(120)
    assert world.states == ["UPDATED"]
    assert world.told("current_fw_version")[-1] == "1.0.0"
    assert not world.seen("chunk_request")


@pytest.mark.parametrize(("runs", "offered"), [("1.1", "1.10"), ("1.10", "1.1"), ("1.1.0", "1.1")])
def test_a10_versions_are_compared_whole(make_world, runs, offered):
    world = make_world(firmware(runs))
    world.offer(offered)
    world.wait("UPDATED")
    assert world.runs == (offered, "ota_1")


@pytest.mark.parametrize("size", [None, 0, -5, "133824", 1.5, True, 1 << 40, 0x180000 + 1])
def test_a11_an_impossible_size_is_refused_without_download(world, size):
    offer = {"title": TITLE, "version": "2.0.0", "checksum": "ab" * 32, "checksum_algorithm": "SHA256", "size": size}
    world.device.shared.update({"fw_" + key: value for key, value in offer.items() if value is not None})
    world.wait("FAILED")
    world.settle()
    assert world.states == ["FAILED"]
    assert world.errors[0].split(":")[0] == ("slot_too_small" if size == 0x180001 else "bad_size")
    assert not world.seen("chunk_request")


def test_a12_an_unknown_algorithm_is_refused_before_download(world):
    package = world.cloud.add_package(TITLE, "2.0.0", small_app(4096))
    world.device.shared.update(package.attributes()[0] | {"fw_checksum_algorithm": "SHA3"})
    world.wait("FAILED")
    world.settle()
    assert world.ends == ["FAILED"]
    assert world.errors == ["checksum_unsupported: SHA3"]
    assert not world.seen("chunk_request")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA256", "CRC32", "MURMUR3_32", "MURMUR3_128"])
def test_a12_every_quick_algorithm_carries_a_whole_update(world, algorithm):
    world.offer(algorithm=algorithm)
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")


@pytest.mark.parametrize(("algorithm", "size"), [("SHA384", 1024), ("SHA512", 4112)])
def test_a12_the_slow_algorithms_verify_a_small_image(world, algorithm, size):
    world.offer(data=small_app(size), algorithm=algorithm)
    world.wait("VERIFIED")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a12_every_algorithm_notices_a_flipped_bit(world, algorithm):
    world.fault("chunkx*:corrupt")
    world.offer(data=small_app(512), algorithm=algorithm)
    world.wait("FAILED")
    assert world.errors[0].startswith("checksum_mismatch")
    assert "VERIFIED" not in world.states


@pytest.mark.parametrize("text", ["{:>66}", "{}  ", "0X{}"])
def test_a12_case_blanks_and_0x_do_not_matter(world, text):
    package = world.cloud.add_package(TITLE, "1.1.0", small_app(1024))
    world.device.packages["FIRMWARE"] = package  # assigned without the queue, which would write its own text
    world.device.shared.update(package.attributes()[0] | {"fw_checksum": text.format(package.checksum.upper())})
    world.wait("VERIFIED")


def test_a12_a_truncated_checksum_is_refused(world):
    package = world.cloud.add_package(TITLE, "1.1.0", firmware("1.1.0"))
    world.device.shared.update(package.attributes()[0] | {"fw_checksum": package.checksum[:-2]})
    world.wait("FAILED")
    assert world.errors == ["bad_checksum: SHA256"]


@pytest.mark.parametrize("algorithm", ZERO_TOP)
def test_a13_a_checksum_that_ends_in_zeros_verifies(world, algorithm):
    app = small_app(8192)  # bytes behind the image are allowed
    tails = (app + number.to_bytes(4, "big") for number in itertools.count())
    data = next(data for data in tails if checksum(algorithm, data).endswith("00"))
    world.offer("1.1.0", data, algorithm=algorithm)
    world.wait("VERIFIED")
