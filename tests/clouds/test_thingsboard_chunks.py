# SPDX-License-Identifier: MIT
"""The download over MQTT, its odd ends and its traps (thingsboard.md 4.1: M11-M15, M17)."""

import pytest

from simulator.clouds.thingsboard import ThingsBoard
from tests.clouds.peer import World


@pytest.fixture
def package(cloud, device, world, firmware):
    package = cloud.add_package("thermo", "1.0.0", data=firmware)
    world.do(cloud.assign, device, package)
    return package


@pytest.fixture
def peer(world, level, package):
    peer = world.peer(level)
    peer.take()
    return peer


def test_m11_size_is_remembered_per_request_id(peer, firmware):
    peer.chunk("1", 0, 4000).chunk("1", 1, "").chunk("1", 2, -5).chunk("1", 2, 0)
    assert peer.messages() == [firmware[:4000], firmware[4000:8000], firmware[8000:], firmware[8000:]]
    peer.chunk("01", 0, "")  # another id: no size, so the whole file
    assert peer.messages() == [firmware]


def test_m11_request_id_is_pinned_to_its_package_for_fw_and_sw(world, cloud, device, peer, firmware):
    peer.chunk("1", 0, 4096).take()
    world.do(cloud.assign, device, cloud.add_package("thermo", "2", data=b"2" * 9000))
    world.do(cloud.assign, device, cloud.add_package("app", "1", data=b"app", type="SOFTWARE"))
    peer.chunk("1", 1, 4096).chunk("1", 0, 3, prefix="sw").chunk("2", 0, 3, prefix="sw").chunk("3", 0, 3)
    assert [(m["topic"], m["payload"]) for m in peer.take("publish")] == [
        ("v2/fw/response/1/chunk/1", firmware[4096:8192]),
        ("v2/sw/response/1/chunk/0", firmware[:3]),
        ("v2/sw/response/2/chunk/0", b"app"),
        ("v2/fw/response/3/chunk/0", b"222"),
    ]


def test_m11_size_and_pin_are_lost_on_reconnect(world, level, cloud, device, peer):
    peer.chunk("1", 0, 4096)
    world.do(cloud.assign, device, cloud.add_package("thermo", "2", data=b"2" * 9000))
    again = world.peer(level)
    again.chunk("1", 0, "")
    assert again.messages() == [b"2" * 9000]


def test_m12_chunks_remainder_and_empty_past_the_end(peer, firmware):
    for index in range(4):
        peer.chunk("1", index, 4096)
    peer.chunk("1", 1_000, 4096)
    assert peer.messages() == [firmware[:4096], firmware[4096:8192], firmware[8192:], b"", b""]
    assert not peer.closed


def test_m12_exact_multiple_has_a_full_last_chunk(peer, firmware):
    peer.chunk("1", 1, 5000).chunk("1", 2, 5000)
    assert peer.messages() == [firmware[5000:], b""]


def test_m12_size_0_is_the_whole_file_for_any_index(peer, firmware):
    peer.chunk("1", 0, 0).chunk("1", 7, "")
    assert peer.messages() == [firmware, firmware]


def test_m12_whole_file_may_be_larger_than_any_packet_from_the_device(world, level, cloud, device):
    big = bytes(1_672_800)
    world.do(cloud.assign, device, cloud.add_package("big", "1", data=big))
    assert world.peer(level).chunk("1", 0, 0).messages() == [big]


def test_m12_offset_beyond_32_bits_is_acknowledged_and_then_silence(peer):
    peer.chunk("1", 0, 65_536).take()
    peer.chunk("1", 2_147_483_647, 65_536)
    assert [e["kind"] for e in peer.take()] == ["puback"]
    assert not peer.closed


def error_then_close(peer, level: int) -> bytes:
    """The text on the error topic; asserts that nothing else came, least of all a PUBACK."""
    sent = peer.take()
    assert [e["kind"] for e in sent] == ["publish", "disconnect"][: 2 if level == 5 else 1]
    assert sent[0]["topic"] == "v2/fw/error"
    assert peer.closed
    return sent[0]["payload"]


@pytest.mark.parametrize("prefix", ["fw", "sw"])
def test_m13_nothing_assigned_is_not_found(world, level, prefix):
    peer = world.peer(level)
    peer.take()
    assert error_then_close(peer.chunk("1", 0, 4096, prefix), level) == b"NOT_FOUND"


def test_m13_url_package_is_failure(world, level, cloud, device):
    world.do(cloud.assign, device, cloud.add_package("t", "1", url="http://host/f"))
    peer = world.peer(level)
    peer.take()
    assert error_then_close(peer.chunk("1", 0), level) == b"FAILURE"


@pytest.mark.parametrize("prefix", ["fw", "sw"])
def test_m13_more_than_65536_is_too_large(level, peer, prefix):
    assert error_then_close(peer.chunk("1", 0, 65_537, prefix), level) == b"PAYLOAD_TOO_LARGE"


def test_m13_exactly_65536_is_served(peer, firmware):
    assert peer.chunk("1", 0, 65_536).messages() == [firmware]


@pytest.mark.parametrize("payload", ['"4096"', "4096\n", "4k", " 4096", "4096.0", "2147483648", "9" * 5000, "²"])
def test_m14_payload_that_is_no_integer_closes_without_a_message(level, peer, payload):
    peer.chunk("1", 0, payload)
    assert peer.closed
    assert peer.take() == ([{"kind": "disconnect", "reason": 0x8B}] if level == 5 else [])


def test_m14_index_beyond_32_bits_closes_without_a_message(level, peer):
    peer.chunk("1", 2_147_483_648)
    assert peer.closed
    assert peer.take("publish") == []


def test_m14_number_with_a_plus_sign_is_an_integer(peer, firmware):
    assert peer.chunk("1", 0, "+5").messages() == [firmware[:5]]


def test_m15_puback_comes_before_the_chunk(peer):
    peer.chunk("1", 0).chunk("1", 1)
    assert [e["kind"] for e in peer.take()] == ["puback", "publish"] * 2


def test_m15_request_of_qos_0_gets_no_puback(peer):
    assert [e["kind"] for e in peer.chunk("1", 0, qos=0).take()] == ["publish"]


def test_first_requests_of_an_id_may_be_answered_out_of_order_later_ones_not(world, level, peer):
    orders = set()
    for request_id in range(20):
        for index in range(4):
            peer.publish(f"v2/fw/request/{request_id}/chunk/{index}", "100")
        assert peer.take("publish") == []  # the look-up takes its time
        world.wait(5)
        orders.add(tuple(m["topic"][-1] for m in peer.take("publish")))
        for index in range(4):
            peer.publish(f"v2/fw/request/{request_id}/chunk/{index}", "100")
        assert [m["topic"][-1] for m in peer.take("publish")] == list("0123")
    assert len(orders) > 1


def test_look_up_of_a_connection_that_went_is_forgotten(world, level, cloud, peer):
    peer.publish("v2/fw/request/1/chunk/0", "100")
    cloud.lost(peer.conn, world.now_ms)
    cloud.take()
    world.wait(10)
    assert peer.take("publish") == []


@pytest.mark.parametrize("size", [4096, 0])
def test_m17_expired_and_pinned_is_empty_until_a_new_request_id(level, firmware, size):
    cloud = ThingsBoard(cache_ttl_ms=1000)
    device, world = cloud.add_device("dev", "T"), World(cloud)
    world.do(cloud.assign, device, cloud.add_package("t", "1", data=firmware))
    peer = world.peer(level)
    piece = firmware[: size or None]
    assert peer.chunk("1", 0, size).messages() == [piece]
    world.wait(1000)
    assert peer.chunk("1", 0, size).messages() == ([b""] if size else [])
    assert peer.chunk("2", 0, size).chunk("1", 0, size).messages() == [piece, piece]


def test_m17_the_eleventh_package_evicts_the_first(world, level, cloud, device, peer, firmware):
    peer.chunk("first", 0).chunk("0", 0, 1).take()
    for number in range(1, 11):
        world.do(cloud.assign, device, cloud.add_package("t", str(number), data=b"x"))
        peer.chunk(str(number), 0)
    peer.take()
    assert peer.chunk("0", 0, 1).messages() == [b""]
