# SPDX-License-Identifier: MIT
"""What brokers do to their clients, done by mosquitto: restarts, kept sessions, take-overs, refusals, queues, limits.

A kept session is nothing that our agent asks for, but something that its layer has to read right.
"""

import time

import pytest

from tests.wire.broker import Broker, Observer
from tests.wire.conftest import Device, DeviceError
from tests.wire.test_messages import payload, sha256

IMAGE = payload(1 << 16) * 192  # 12 MiB, more than sockets ever hold: the rest of it is still in the broker
PIECE = 4096


def kept(device: Device, broker: Broker) -> None:
    """A session of the device that the broker keeps, with a subscription to "down"."""
    device(f"client = connect_kept({broker.port})")
    assert device("subscribe(client, (b'down', 1))") == b"\x01"


def hang_up(device: Device) -> None:
    """Without a goodbye, as a board that loses its power."""
    device("client._stream.close()")


def is_lost(device: Device, line: str = "wait(client)") -> bool:
    with pytest.raises(DeviceError) as error:
        device(line)
    return error.value.code == "link_lost"


def test_restart_in_the_middle_of_an_image_brings_it_again_from_its_start(client, broker, observer):
    observer.publish("image", IMAGE, retain=True)
    assert client("subscribe(client, (b'image', 1))") == b"\x01"
    assert client("wait(client) == mqtt.PUBLISH and client.left") == len(IMAGE)
    for _ in range(20):
        client(f"client.read_payload(BLOCK, {PIECE})")
    broker.restart()
    assert is_lost(client, "client.skip()")
    client(f"client = connect({broker.port})")
    assert client("subscribe(client, (b'image', 1))") == b"\x01"
    assert client("read(client)") == (b"image", len(IMAGE), sha256(IMAGE))


def test_restart_goes_on_with_the_chunk_that_was_not_acknowledged(device, broker):
    chunks = [payload(PIECE - number) for number in range(12)]
    kept(device, broker)
    with Observer(broker.port) as observer:
        for chunk in chunks:
            observer.publish("down", chunk)
    got = [device("read(client)") for _ in range(5)]
    device(f"wait(client), client.read_payload(BLOCK, {PIECE // 2})")  # the sixth: half of it
    device("client.ping()")
    broker.wait_for("Received PINGREQ from board")  # and with it the fifth acknowledgement
    broker.restart()
    hang_up(device)
    device(f"client = connect_kept({broker.port})")
    got += [device("read(client)") for _ in range(7)]
    assert got == [(b"down", len(chunk), sha256(chunk)) for chunk in chunks]


def test_kept_messages_come_before_the_answer_to_subscribe(device, broker, observer):
    kept(device, broker)
    hang_up(device)
    for text in (b"first", b"second"):
        observer.publish("down", text)
    device(f"client = connect_kept({broker.port})")
    device("client.subscribe(((b'other', 0),))")
    assert [device("read(client)") for _ in range(2)] == [(b"down", len(t), sha256(t)) for t in (b"first", b"second")]
    assert device("wait(client) == mqtt.SUBACK and client.payload(10)") == b"\x00"


def test_kept_messages_are_not_for_a_clean_connection(device, broker, observer):
    kept(device, broker)
    hang_up(device)
    observer.publish("down", b"stale")
    device(f"client = connect({broker.port})")  # ours: clean, and what was kept is gone for good
    assert device("subscribe(client, (b'down', 1))") == b"\x01"
    observer.publish("down", b"fresh")
    assert device("read(client)") == (b"down", 5, sha256(b"fresh"))
    device("client.close()")
    with Observer(broker.port, "board", kept=True) as heir:
        assert not heir.session_present


def test_message_that_was_not_acknowledged_comes_again_marked_and_is_read_like_any_other(device, broker, observer):
    kept(device, broker)
    observer.publish("down", b"repeated")
    assert device("wait(client) == mqtt.PUBLISH and client.left") == 8
    hang_up(device)
    device(f"client = connect_kept({broker.port})")
    broker.wait_for("Sending PUBLISH to board (d1, q1, r0")
    assert device("read(client)") == (b"down", 8, sha256(b"repeated"))
    broker.wait_for("Received PUBACK from board")
    hang_up(device)
    device(f"client = connect_kept({broker.port})")
    observer.publish("down", b"next")
    assert device("read(client)") == (b"down", 4, sha256(b"next"))


def test_retained_message_comes_again_with_every_connection_until_it_is_cleared(client, broker, observer):
    observer.publish("job", b"2.0", retain=True)
    for _ in range(2):
        assert client("subscribe(client, (b'job', 0))") == b"\x00"
        assert client("read(client)") == (b"job", 3, sha256(b"2.0"))
        client(f"client.close()\nclient = connect({broker.port})")
    observer.publish("job", b"", retain=True)
    assert client("subscribe(client, (b'job', 0))") == b"\x00"
    assert client("wait(client, 50)") == 0


def test_retained_message_behind_each_of_several_filters_comes_with_each(client, observer):
    for topic in ("a/1", "a/2", "b"):
        observer.publish(topic, topic.encode(), retain=True)
    client("client.subscribe(((b'a/+', 1), (b'b', 1)))")
    assert client("wait(client) == mqtt.SUBACK and client.payload(10)") == b"\x01\x01"
    assert {client("read(client)")[0] for _ in range(3)} == {b"a/1", b"a/2", b"b"}


def test_take_over_in_the_middle_of_a_payload_ends_it(client, broker, observer):
    client("subscribe(client, (b'down', 0))")
    observer.publish("down", IMAGE)
    client("wait(client), client.read_payload(BLOCK, 4096)")
    with Observer(broker.port, "board"):
        assert is_lost(client, "client.skip()")


def test_take_over_in_turns_leaves_each_time_a_working_connection(client, broker, observer):
    observer.subscribe("up")
    for turn in range(1, 4):
        with Observer(broker.port, "board"):
            assert is_lost(client)
            client(f"client = connect({broker.port})")  # and now the other one is out
            broker.wait_for("Client board already connected, closing old connection.", 2 * turn)
        assert client("publish(client, b'up', b'mine')") == (1, 1)
        assert observer.take().payload == b"mine"


def test_broker_that_wants_a_client_id_says_so(device, broker):
    broker.restart("allow_zero_length_clientid false")
    with pytest.raises(DeviceError) as refused:
        device(f"connect({broker.port}, client_id=b'')")
    assert (refused.value.code, refused.value.detail) == ("mqtt_refused", 2)


def test_broker_that_closes_at_a_packet_too_large_for_it(client, broker, observer):
    broker.restart("max_packet_size 2000")
    client(f"client = connect({broker.port})")
    assert client("publish(client, b'up', bytes(1900))") == (1, 1)
    client("client.send(b'up', bytes(2000))")
    assert is_lost(client)


def test_broker_that_closes_at_a_filter_that_is_none(client):
    client("client.subscribe(((b'a/#/b', 1),))")
    assert is_lost(client)


def test_keep_alive_that_runs_out_closes_the_connection_and_a_new_one_works(device, broker):
    device(f"client = connect({broker.port}, keepalive_s=1)")
    broker.wait_for("Client board has exceeded timeout, disconnecting.")  # mosquitto looks every 6 s
    assert is_lost(device)
    device(f"client = connect({broker.port})")
    assert device("publish(client, b'up', b'x')") == (1, 1)


def test_keep_alive_goes_on_while_a_payload_is_read_slowly(device, broker, observer):
    device(f"client = connect({broker.port}, keepalive_s=1)")
    device("subscribe(client, (b'down', 0))")
    observer.publish("down", IMAGE)
    device("wait(client)")
    for _ in range(12):
        device(f"client.poll(0), client.read_payload(BLOCK, {PIECE})")
        time.sleep(0.1)
    assert device("client.left") == len(IMAGE) - 12 * PIECE
    broker.wait_for("Received PINGREQ from board", 2)
    assert device("client.skip()") is None  # with the answers behind it
    assert device("publish(client, b'up', b'x')[0] == client.acked")


def test_message_whose_length_takes_four_bytes(client, observer):
    large = payload(2_100_000)
    client("subscribe(client, (b'down', 1), (b'next', 1))")
    observer.publish("down", large)
    observer.publish("next", b"x")
    assert client("read(client)") == (b"down", len(large), sha256(large))
    assert client("read(client)") == (b"next", 1, sha256(b"x"))


def test_slow_reader_gets_every_message_of_qos_1_in_order(client, observer):
    client("subscribe(client, (b'down', 1))")
    chunks = [payload(8000 + number) for number in range(60)]  # more than the broker has under way at once
    for chunk in chunks:
        observer.publish("down", chunk)
    for chunk in chunks:
        assert client("read(client)") == (b"down", len(chunk), sha256(chunk))


def test_slow_reader_whose_queue_is_full_loses_whole_messages_only(client, broker):
    broker.restart("max_inflight_messages 1\nmax_queued_messages 3\n")
    client(f"client = connect({broker.port})")
    client("subscribe(client, (b'down', 1))")
    with Observer(broker.port) as observer:
        for number in range(20):
            observer.publish("down", b"%02d" % number * 100)
        got = [client("read(client)") for _ in range(4)]  # one under way, three waiting; the rest is gone
        observer.publish("down", b"later")
        assert client("read(client)") == (b"down", 5, sha256(b"later"))
    assert got == [(b"down", 200, sha256(b"%02d" % number * 100)) for number in range(4)]
