# SPDX-License-Identifier: MIT
"""Our layer over umqtt.simple: bytes on the wire, packets one at a time, time-outs as errors."""

from fakes import Stream, raises

from ota import mqtt
from ota.errors import TransferError

CONNACK = b"\x20\x02\x00\x00"


def connected(incoming=b""):
    stream = Stream(CONNACK + incoming)
    client = mqtt.Mqtt(stream, b"", b"token", b"")
    client.connect()
    stream.sent = b""
    return client, stream


def publish(topic, payload, qos=0, pid=0):
    body = bytes([0, len(topic)]) + topic + (bytes([0, pid]) if qos else b"") + payload
    size = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    return bytes([0x30 | qos << 1]) + size + body


def test_mqtt_connect_carries_the_token_with_an_empty_password():
    stream = Stream(CONNACK)
    mqtt.Mqtt(stream, b"", b"token", b"").connect()
    assert stream.sent == b"\x10\x15\x00\x04MQTT\x04\xc2\x00\x3c\x00\x00\x00\x05token\x00\x00"


def test_mqtt_refusal_carries_the_return_code():
    client = mqtt.Mqtt(Stream(b"\x20\x02\x00\x05"), b"", b"wrong", b"")
    assert raises(TransferError, "mqtt_refused", client.connect).detail == 5


def test_mqtt_server_that_hangs_up_instead_of_answering():
    for answer in (b"", b"\x20", b"\x20\x02\x00"):
        raises(TransferError, "mqtt_connect_failed", mqtt.Mqtt(Stream(answer), b"", b"t", b"").connect)


def test_mqtt_connecting_leaves_umqtt_as_it_was():
    before = mqtt.simple.socket
    connected()
    assert mqtt.simple.socket is before


def test_mqtt_subscribe_sends_all_filters_in_one_packet():
    client, stream = connected(b"\x90\x04\x00\x01\x01\x80")
    client.subscribe(((b"a/b", 1), (b"c", 0)))
    assert stream.sent == b"\x82\x0c\x00\x01\x00\x03a/b\x01\x00\x01c\x00"
    assert client.poll(0) == mqtt.SUBACK
    assert client.payload(100) == b"\x01\x80"


def test_mqtt_qos_1_publish_is_acknowledged_by_id():
    client, stream = connected(b"\x40\x02\x00\x01")
    pid = client.send(b"t", b"hello")
    assert stream.sent == b"\x32\x0a\x00\x01t\x00\x01hello"
    assert client.acked != pid
    assert client.poll(0) == mqtt.PUBACK
    assert client.acked == pid


def test_mqtt_publish_longer_than_127_bytes_has_a_two_byte_length():
    client, stream = connected()
    client.send(b"t", b"x" * 200, 0)
    assert stream.sent[:6] == b"\x30\xcb\x01\x00\x01t"


def test_mqtt_packet_ids_wrap_and_never_are_zero():
    client, _ = connected()
    client.pid = 65534
    assert [client.send(b"t", b"") for _ in range(3)] == [65535, 1, 2]


def test_mqtt_payload_is_left_in_the_socket_for_the_caller():
    client, stream = connected(publish(b"v2/x", b"0123456789"))
    assert client.poll(0) == mqtt.PUBLISH
    assert bytes(client.topic[: client.topic_size]) == b"v2/x"
    assert client.left == 10
    block = bytearray(6)
    client.read_payload(block, 6)
    assert bytes(block) == b"012345"
    assert client.payload(100) == b"6789"
    assert client.left == 0
    assert stream.sent == b""


def test_mqtt_qos_1_payload_is_acknowledged_when_read_to_the_end_a31():
    for pid, answer in ((7, b"\x40\x02\x00\x07"), (0, b"")):  # 0 is no packet id: not to be acknowledged
        client, stream = connected(publish(b"t", b"abc", 1, pid))
        client.poll(0)
        client.read_payload(bytearray(2), 2)
        assert stream.sent == b""
        client.skip()
        assert stream.sent == answer


def test_mqtt_empty_qos_1_payload_is_acknowledged_at_once():
    client, stream = connected(publish(b"t", b"", 1, 9))
    client.poll(0)
    assert stream.sent == b"\x40\x02\x00\x09"


def test_mqtt_too_long_a_payload_is_skipped_not_stored():
    client, _ = connected(publish(b"t", b"x" * 5000) + publish(b"u", b"next"))
    client.poll(0)
    assert client.payload(4096) is None
    client.poll(0)
    assert client.payload(4096) == b"next"


def test_mqtt_topic_longer_than_any_of_ours_is_cut_and_survived():
    client, _ = connected(publish(b"y" * 150, b"x") + publish(b"u", b"next"))
    client.poll(0)
    assert client.topic_size == len(client.topic) == 96
    client.skip()
    client.poll(0)
    assert client.payload(10) == b"next"


def test_mqtt_connection_cut_at_every_byte_is_an_error_never_a_hang():
    whole = publish(b"v2/x", b"0123456789", 1, 3)
    for cut in range(len(whole)):
        client, _ = connected(whole[:cut])
        try:
            assert client.poll(0) in (0, mqtt.PUBLISH)
            if client.left:
                client.read_payload(bytearray(10), 10)
            assert cut == 0
        except TransferError as error:
            assert error.code == "link_lost"


def test_mqtt_malformed_packets_are_errors():
    for packet in (
        b"\x30\xff\xff\xff\xff\x01",  # remaining length of five bytes
        b"\x30\x03\x00\x05abcde",  # topic longer than the packet
        b"\x32\x03\x00\x01t",  # no room for the packet id
        b"\x40\x01\x00",  # PUBACK of one byte
    ):
        client, _ = connected(packet + b"\x00" * 8)
        raises(TransferError, "mqtt_bad_packet", client.poll, 0)


def test_mqtt_nothing_arrives_nothing_happens():
    client, _ = connected()
    assert client.poll(0) == 0


def test_mqtt_close_says_goodbye():
    client, stream = connected()
    client.close()
    assert stream.sent == b"\xe0\x00"
    assert stream.closed
