# SPDX-License-Identifier: MIT
"""The codec: packets cut anywhere, limits, and everything malformed a socket can bring (reliability.md F116, F117)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.clouds import mqtt
from tests.clouds import peer


def decode(*pieces: bytes, limit: int = mqtt.LIMIT) -> list:
    decoder = mqtt.Decoder(limit)
    return [packet for piece in pieces for packet in decoder.feed(piece)]


STREAM = b"".join(
    (
        peer.connect(5, "token", "secret", "id"),
        peer.packet(0x32, peer.text("v2/t"), b"\0\7", b"\0", b'{"a":1}'),
        peer.packet(0x30, peer.text("v2/t"), b"\0", b"x" * 300),
        peer.packet(0x82, b"\0\1", b"\0", peer.text("v2/a"), b"\2", peer.text("v2/fw/error"), b"\0"),
        peer.packet(0xA2, b"\0\2", b"\0", peer.text("v2/a")),
        peer.packet(0x40, b"\0\7"),
        peer.packet(0xC0),
        peer.packet(0xE0, b"\0\0"),
    )
)
PACKETS = [
    mqtt.Connect(5, "id", True, 60, "token", b"secret"),
    mqtt.Publish("v2/t", b'{"a":1}', 1, 7),
    mqtt.Publish("v2/t", b"x" * 300, 0, 0),
    mqtt.Subscribe(1, (("v2/a", 2), ("v2/fw/error", 0))),
    mqtt.Unsubscribe(2, ("v2/a",)),
    mqtt.Plain("puback"),
    mqtt.Plain("pingreq"),
    mqtt.Plain("disconnect"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_decoder_gives_the_same_packets_wherever_the_stream_is_cut(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    assert decode(*(STREAM[a:b] for a, b in itertools.pairwise(edges))) == PACKETS


@given(st.binary(max_size=200))
def test_decoder_of_any_bytes_gives_packets_or_malformed(data):
    for login in (b"", peer.connect(4), peer.connect(5)):
        try:
            packets = decode(login + data)
        except mqtt.Malformed:
            continue
        kinds = mqtt.Connect | mqtt.Publish | mqtt.Subscribe | mqtt.Unsubscribe | mqtt.Plain
        assert all(isinstance(packet, kinds) for packet in packets)


def test_decoder_takes_a_packet_of_the_limit_and_no_byte_more():
    body = 65_536 - len(peer.text("t"))
    assert len(decode(peer.packet(0x30, peer.text("t"), b"x" * body))[0].payload) == body
    with pytest.raises(mqtt.Malformed, match="65537"):
        decode(peer.packet(0x30, peer.text("t"), b"x" * (body + 1))[:4])  # the header is enough


def test_decoder_refuses_a_remaining_length_of_five_bytes_at_once():
    assert decode(b"\x30\xff\xff\xff") == []
    with pytest.raises(mqtt.Malformed, match="four bytes"):
        decode(b"\x30\xff\xff\xff\xff")


def test_decoder_gives_the_good_packets_before_a_bad_one():
    decoder, found = mqtt.Decoder(), []
    with pytest.raises(mqtt.Malformed):
        for packet in decoder.feed(peer.connect(4) + b"\xc0\x00" + b"\xf0\x00"):
            found.append(packet)
    assert found[1:] == [mqtt.Plain("pingreq")]


@pytest.mark.parametrize(
    ("why", "data"),
    [
        ("topic longer than the packet", b"\x30\x04\x00\x09ab"),
        ("topic is not UTF-8", peer.packet(0x30, peer.text(b"\xff\xfe"))),
        ("null in a topic", peer.packet(0x30, peer.text("a\0b"))),
        ("wildcard in a topic", peer.packet(0x30, peer.text("a/+"))),
        ("QoS 3", peer.packet(0x36, peer.text("a"), b"\0\1")),
        ("packet id 0", peer.packet(0x32, peer.text("a"), b"\0\0")),
        ("no packet id", peer.packet(0x32, peer.text("a"))),
        ("reserved type 0", b"\x00\x00"),
        ("a server's packet", peer.packet(0x20, b"\0\0")),
        ("SUBSCRIBE with wrong flags", peer.packet(0x80, b"\0\1", peer.text("a"), b"\0")),
        ("SUBSCRIBE without filters", peer.packet(0x82, b"\0\1")),
        ("SUBSCRIBE with QoS 3", peer.packet(0x82, b"\0\1", peer.text("a"), b"\3")),
        ("SUBSCRIBE with reserved bits", peer.packet(0x82, b"\0\1", peer.text("a"), b"\4")),
        ("UNSUBSCRIBE without filters", peer.packet(0xA2, b"\0\1")),
        ("PINGREQ with a body", peer.packet(0xC0, b"x")),
        ("DISCONNECT with a body", peer.packet(0xE0, b"\0")),
        ("AUTH before version 5", peer.packet(0xF0, b"\0")),
        ("PUBACK without an id", peer.packet(0x40)),
        ("unknown protocol", peer.packet(0x10, peer.text("HTTP"), b"\4\2\0\0", peer.text("c"))),
        ("unknown level", peer.packet(0x10, peer.text("MQTT"), b"\6\2\0\0", peer.text("c"))),
        ("reserved CONNECT flag", peer.packet(0x10, peer.text("MQTT"), b"\4\3\0\0", peer.text("c"))),
        ("will QoS without a will", peer.packet(0x10, peer.text("MQTT"), b"\4\x0a\0\0", peer.text("c"))),
        ("CONNECT with bytes left over", peer.packet(0x10, peer.text("MQTT"), b"\4\2\0\0", peer.text("c"), b"x")),
        (
            "CONNECT without its user name",
            peer.packet(0x10, peer.text("MQTT"), b"\4\x82\0\0", peer.text("c")),
        ),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n"),
    ],
)
def test_decoder_refuses_malformed_packets(why, data):
    with pytest.raises(mqtt.Malformed):
        decode(peer.connect(4) + data)


@pytest.mark.parametrize(
    "block", [b"\x01\x63", b"\x01\xff", b"\x02\x01", b"\x05\x26\x00\x01a\x00", b"\xff\xff\xff\xff\x01"]
)
def test_decoder_refuses_malformed_properties(block):
    with pytest.raises(mqtt.Malformed):
        decode(peer.connect(5) + peer.packet(0x30, peer.text("t"), block))


def test_decoder_walks_over_well_formed_properties_and_a_will():
    properties = b"\x11\0\0\0\5" + b"\x21\0\x14" + b"\x26" + peer.text("k") + peer.text("v") + b"\x17\1"
    block = peer.varint(len(properties)) + properties
    will = b"\x05\x18\0\0\0\1" + peer.text("will") + peer.text("gone")
    data = peer.packet(0x10, peer.text("MQTT"), b"\5\x86\0\x1e", block, peer.text("c"), will, peer.text("user"))
    assert decode(data) == [mqtt.Connect(5, "c", True, 30, "user", None, mqtt.Will("will", b"gone", 0, False))]


def test_decoder_knows_version_3_1():
    assert decode(peer.connect(3))[0].level == 3


def test_encoder_writes_what_the_standard_says():
    assert mqtt.connack(4, True, 5) == b"\x20\x02\x01\x05"
    assert mqtt.connack(5, False, 0x86) == b"\x20\x03\x00\x86\x00"
    assert mqtt.publish(4, "t", b"xy", 0, 9) == b"\x30\x05\x00\x01txy"
    assert mqtt.publish(5, "t", memoryview(b"xy"), 1, 9) == b"\x32\x08\x00\x01t\x00\x09\x00xy"
    assert mqtt.puback(4, 258, 0x90) == b"\x40\x02\x01\x02"
    assert mqtt.puback(5, 258) == b"\x40\x02\x01\x02"
    assert mqtt.puback(5, 258, 0x90) == b"\x40\x04\x01\x02\x90\x00"
    assert mqtt.suback(4, 1, [1, 0x80]) == b"\x90\x04\x00\x01\x01\x80"
    assert mqtt.suback(5, 1, [1]) == b"\x90\x04\x00\x01\x00\x01"
    assert mqtt.unsuback(4, 1, [0]) == b"\xb0\x02\x00\x01"
    assert mqtt.unsuback(5, 1, [0x11]) == b"\xb0\x04\x00\x01\x00\x11"
    assert mqtt.pingresp() == b"\xd0\x00"
    assert mqtt.disconnect(0x8E) == b"\xe0\x02\x8e\x00"


@pytest.mark.parametrize("size", [0, 121, 122, 16_377, 16_378, 65_536, 3_000_000])
def test_encoder_length_is_right_at_every_width(size):
    data = mqtt.publish(4, "tttt", b"x" * size, 0, 0)
    assert data[1:].startswith(peer.varint(size + 6))
    assert data.endswith(b"tttt" + b"x" * size)
