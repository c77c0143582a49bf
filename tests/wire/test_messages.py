# SPDX-License-Identifier: MIT
"""SUBSCRIBE, PUBLISH and PUBACK in both directions, judged by mosquitto and paho-mqtt."""

import hashlib

import pytest

from tests.wire.broker import Observer

SIZES = (0, 1, 127, 128, 4096, 65536)
HOUSE = "haus/küche/温度"


def payload(size: int) -> bytes:
    """Bytes that never repeat within a block."""
    return b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(size // 32 + 1))[:size]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_subscribe_several_filters_each_with_its_qos(client, observer):
    assert client("subscribe(client, (b'a/+', 0), (b'b/#', 1), (b'c', 0))") == b"\x00\x01\x00"
    for topic in ("a/1", "d", "b/2/3", "c"):
        observer.publish(topic, b"x")
    assert [client("read(client)")[0] for _ in range(3)] == [b"a/1", b"b/2/3", b"c"]


def test_subscribe_brings_the_retained_message(client, observer):
    observer.publish("job", b"update to 2.0", retain=True)
    client("client.subscribe(((b'job', 1),))")
    assert client("wait(client) == mqtt.SUBACK")
    client("client.skip()")
    assert client("read(client)") == (b"job", 13, sha256(b"update to 2.0"))


@pytest.mark.parametrize("qos", [0, 1])
def test_message_of_any_size_comes_in_pieces(client, observer, qos):
    assert client(f"subscribe(client, (b'chunk/+', {qos}))") == bytes([qos])
    for size in SIZES:
        observer.publish(f"chunk/{size}", payload(size), qos)
    for size in SIZES:
        assert client("read(client)") == (b"chunk/%d" % size, size, sha256(payload(size)))


@pytest.mark.parametrize("qos", [0, 1])
def test_message_of_any_size_is_sent(client, observer, qos):
    observer.subscribe("up", qos)
    head = 4 + 2 * qos  # length and text of the topic, packet id
    for size in (*SIZES, *(packet - head for packet in (127, 128, 16383, 16384))):  # where the length takes a byte more
        client(f"pid = client.send(b'up', bytes({size}), {qos})")
        assert client("wait(client) == mqtt.PUBACK and client.acked == pid if pid else True")
        message = observer.take()
        assert (message.payload, message.qos) == (bytes(size), qos)


def test_message_on_a_topic_that_is_not_ascii(client, observer):
    topic = HOUSE.encode()
    observer.subscribe(HOUSE)
    assert client(f"subscribe(client, ({topic!r}, 1))") == b"\x01"
    client(f"client.send({topic!r}, b'21.5', 0)")
    assert observer.take().topic == HOUSE
    assert client("read(client)") == (topic, 4, sha256(b"21.5"))  # our own, as everybody's


def test_message_on_a_topic_longer_than_any_of_ours_is_followed_by_the_next(client, observer):
    client("subscribe(client, (b'#', 1))")
    observer.publish("long/" * 40, b"x")
    observer.publish("next", b"y")
    assert client("read(client)") == ((b"long/" * 40)[:96], 1, sha256(b"x"))
    assert client("read(client)") == (b"next", 1, sha256(b"y"))


def test_puback_is_matched_by_id_when_ids_wrap(client):
    client("client.pid = 65533")
    for pid in (65534, 65535, 1, 2):
        assert client("client.send(b'up', b'', 0)") == 0  # takes no id
        assert client("publish(client, b'up', b'x')") == (pid, pid)


def test_puback_of_several_in_flight_come_one_by_one(client):
    pids = client("[client.send(b'up', b'x') for _ in range(5)]")
    assert [client("wait(client) and client.acked") for _ in pids] == pids


def test_puback_of_ours_ends_redelivery(device, broker, observer):
    device(f"client = connect_kept({broker.port})")
    assert device("subscribe(client, (b'down', 1))") == b"\x01"
    for text in (b"first", b"second"):
        observer.publish("down", text)
    assert device("read(client)") == (b"down", 5, sha256(b"first"))
    assert device("wait(client) == mqtt.PUBLISH and client.left") == 6  # not read, so not acknowledged
    device("client.ping()")
    broker.wait_for("Received PINGREQ from board")  # and with it whatever the board sent before
    with Observer(broker.port, "board", kept=True) as heir:
        assert heir.session_present
        observer.publish("down", b"third")
        redelivered, new = heir.take(), heir.take()
    assert (redelivered.payload, redelivered.dup) == (b"second", True)
    assert (new.payload, new.dup) == (b"third", False)
