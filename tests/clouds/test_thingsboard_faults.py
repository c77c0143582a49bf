# SPDX-License-Identifier: MIT
"""M27: misbehaviour on demand, each rule once with and once without its effect."""

import json

import pytest

from simulator.clouds.thingsboard import Rule
from simulator.errors import UserError

SIZE = 1000


@pytest.fixture
def peer(world, level, cloud, device, firmware):
    world.do(cloud.assign, device, cloud.add_package("thermo", "1", data=firmware))
    cloud.add_package("thermo", "2", data=b"2" * 10_000)
    world.wait(600)
    peer = world.peer(level)
    peer.take()
    return peer


def downloads(peer) -> list[tuple[str, bytes]]:
    return [(m["topic"], m["payload"]) for m in peer.take("publish")]


def good(index: int, firmware: bytes) -> tuple[str, bytes]:
    return f"v2/fw/response/1/chunk/{index}", firmware[index * SIZE :][:SIZE]


@pytest.mark.parametrize(
    ("action", "spoiled"),
    [
        ("empty", lambda chunk: [chunk[:0]]),
        ("truncate=16", lambda chunk: [chunk[:-16]]),
        ("extend=3", lambda chunk: [chunk + b"\xa5" * 3]),
        ("duplicate", lambda chunk: [chunk, chunk]),
        ("drop", lambda chunk: []),
        ("corrupt", lambda chunk: [chunk[:500] + bytes((chunk[500] ^ 1,)) + chunk[501:]]),
        ("from=thermo 2", lambda chunk: [b"2" * SIZE]),
    ],
)
def test_m27_chunk_is_spoiled_as_often_as_told_and_no_other(peer, cloud, firmware, action, spoiled):
    cloud.add_fault(f"chunk=3x2:{action}")
    topic, chunk = good(3, firmware)
    expected = [(topic, data) for data in spoiled(chunk)]
    assert downloads(peer.chunk("1", 2, SIZE)) == [good(2, firmware)]
    for _ in range(2):
        peer.chunk("1", 3, SIZE)
        assert downloads(peer) == expected
    assert downloads(peer.chunk("1", 3, SIZE)) == [good(3, firmware)]


def test_m27_drop_is_puback_and_silence_mute_is_silence(peer, cloud):
    cloud.add_fault("chunk=0:drop")
    assert [e["kind"] for e in peer.chunk("1", 0).take()] == ["puback"]
    cloud.add_fault("chunk=0:mute")
    assert peer.chunk("1", 0).take() == []


def test_m27_rule_without_index_and_for_ever_hits_every_chunk(peer, cloud):
    cloud.add_fault("chunkx*:empty")
    for index in range(5):
        peer.chunk("1", index, SIZE)
    assert [payload for _, payload in downloads(peer)] == [b""] * 5


def test_m27_delayed_chunk_comes_late_and_so_out_of_order(peer, cloud, world, firmware):
    peer.chunk("1", 9, SIZE).take()
    cloud.add_fault("chunk=0:delay=50")
    peer.chunk("1", 0, SIZE).chunk("1", 1, SIZE)
    assert downloads(peer) == [good(1, firmware)]
    world.wait(50)
    assert downloads(peer) == [good(0, firmware)]


def test_m27_answer_under_another_id_or_index(peer, cloud):
    cloud.add_fault("chunk=0:other-id")
    cloud.add_fault("chunk=1:other-index")
    peer.chunk("1", 0, SIZE).chunk("1", 1, SIZE)
    assert [topic for topic, _ in downloads(peer)] == ["v2/fw/response/10/chunk/0", "v2/fw/response/1/chunk/2"]


def test_m27_error_of_any_text_closes(peer, cloud):
    cloud.add_fault("chunk=2:error=NOT_FOUND")
    peer.chunk("1", 2)
    assert downloads(peer) == [("v2/fw/error", b"NOT_FOUND")]
    assert peer.closed


def test_m27_close_at_a_chunk_says_nothing(peer, cloud, level):
    cloud.add_fault("chunk=2:close")
    assert [e["kind"] for e in peer.chunk("1", 2).take()] == ["disconnect"] * (level == 5)
    assert peer.closed


def test_m27_reassign_at_a_chunk_shows_to_the_next_request_id(peer, cloud, device, firmware):
    peer.chunk("1", 0, SIZE).take()
    cloud.add_fault("chunk=1:reassign=thermo 2")
    peer.chunk("1", 1, SIZE).chunk("2", 0, SIZE)
    assert [payload for _, payload in downloads(peer)] == [good(1, firmware)[1], b"2" * SIZE]
    assert device.package("FIRMWARE").version == "2"


def test_m27_attribute_request_without_an_answer(peer, cloud, world):
    for rule, kinds in (("attributes:drop", ["puback"]), ("attributes:mute", [])):
        cloud.add_fault(rule)
        peer.publish("v1/devices/me/attributes/request/1", "{}")
        world.wait(1000)
        assert [e["kind"] for e in peer.take()] == kinds


def test_m27_attribute_answer_late(peer, cloud, world):
    cloud.add_fault("attributes:delay=50")
    peer.publish("v1/devices/me/attributes/request/1", "{}")
    assert [e["kind"] for e in peer.take()] == ["puback"]
    world.wait(50)
    assert "shared" in json.loads(peer.messages()[0])


@pytest.mark.parametrize(("code", "code_5"), [(1, 0x84), (2, 0x85), (3, 0x88), (4, 0x86), (5, 0x87)])
def test_m27_connect_refused_with_a_code(cloud, world, level, code, code_5):
    cloud.add_fault(f"connect:refuse={code}")
    peer = world.peer(level)
    assert peer.take()[0]["code"] == (code_5 if level == 5 else code)
    assert peer.closed
    assert world.peer(level).take()[0]["code"] == 0


def test_m27_connect_without_an_answer_or_closed(cloud, world, level):
    cloud.add_fault("connect:mute")
    peer = world.peer(level)
    assert (peer.take(), peer.closed) == ([], False)
    cloud.add_fault("connect:close")
    assert world.peer(level).closed


@pytest.mark.parametrize("where", ["subscribe", "telemetry"])
def test_m27_no_acknowledgement(cloud, peer, where):
    def talk() -> list[str]:
        if where == "telemetry":
            peer.publish("v1/devices/me/telemetry", "{}")
        else:
            peer.send(b"\x82" + (b"\x07\0\1\0" if peer.level == 5 else b"\x06\0\1") + b"\0\1a\0")
        return [e["kind"] for e in peer.take()]

    cloud.add_fault(f"{where}:mute")
    assert talk() == []
    assert talk() == ["puback" if where == "telemetry" else "suback"]


def test_m27_two_rules_for_one_chunk_both_work(peer, cloud, firmware):
    cloud.add_fault("chunk=0:truncate=10")
    cloud.add_fault("chunk=0:duplicate")
    peer.chunk("1", 0, SIZE)
    assert [payload for _, payload in downloads(peer)] == [firmware[: SIZE - 10]] * 2


def test_m27_rule_is_read_as_written():
    assert Rule.parse("chunk=12x3:delay=250") == Rule("chunk", "delay", "250", 12, 3)
    assert Rule.parse("chunkx*:empty") == Rule("chunk", "empty", "", None, None)
    assert Rule.parse("connect:refuse=3") == Rule("connect", "refuse", "3", None, 1)


@pytest.mark.parametrize(
    "text",
    [
        *("", "chunk", "chunk:", "chunk:explode", "nowhere:drop", "chunk=x:drop", "telemetry=3:mute", "connect:refuse"),
        *("connect:refuse=6", "chunk:delay", "chunk:delay=soon", "chunk:truncate=0", "chunk:drop=5", "chunk:error"),
        *("chunk:reassign=", "connect:drop", "chunkx0:drop"),
    ],
)
def test_m27_rule_that_makes_no_sense_is_refused(cloud, text):
    with pytest.raises(UserError) as refused:
        cloud.add_fault(text)
    assert refused.value.code == "bad_fault"


def test_m27_rule_about_an_unknown_package_is_refused(cloud):
    with pytest.raises(UserError) as refused:
        cloud.add_fault("chunk:from=thermo 9")
    assert refused.value.code == "no_such_package"
