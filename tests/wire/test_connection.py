# SPDX-License-Identifier: MIT
"""CONNECT and what can become of a connection, judged by mosquitto: with the old umqtt.simple and the current one."""

import pytest

from tests.wire.broker import Observer
from tests.wire.conftest import DeviceError


@pytest.fixture(params=["1.3.4", "current"])
def umqtt(request: pytest.FixtureRequest) -> str:
    return request.param


def test_connection_is_made_used_and_closed(client, broker, observer):
    observer.subscribe("up")
    assert client("subscribe(client, (b'down', 1))") == b"\x01"
    assert client("publish(client, b'up', b'hello')") == (1 + 1, 1 + 1)  # SUBSCRIBE took the first packet id
    assert observer.take().payload == b"hello"
    observer.publish("down", b"12345")
    assert client("read(client)")[:2] == (b"down", 5)
    client("client.close()")
    broker.wait_for("Received DISCONNECT from board")


@pytest.mark.parametrize("options", ["password=b'wrong'", "user=b'nobody'", "user=None", "password=b''"])
def test_connection_refused_has_the_return_code_as_detail(device, broker, options):
    with pytest.raises(DeviceError) as refused:
        device(f"connect({broker.port}, {options})")
    assert (refused.value.code, refused.value.detail) == ("mqtt_refused", 5)


def test_connection_leaves_umqtt_its_socket_module(client):
    assert client("simple.socket is UMQTTS_SOCKET")


def test_connection_waits_for_the_answer_no_longer_than_its_stream_does(device, broker):
    broker.freeze()
    with pytest.raises(DeviceError, match="mqtt_connect_failed"):
        device(f"connect({broker.port}, timeout_s=0.1)")


def test_connection_is_kept_alive_by_pings_that_are_answered(device, broker):
    device(f"client = connect({broker.port}, keepalive_s=1)")
    assert device("wait(client, 1100)") == 0  # the second one is sent only if the first one was answered
    broker.wait_for("Received PINGREQ from board", times=2)
    broker.wait_for("Sending PINGRESP to board", times=2)


def test_connection_to_a_silent_broker_is_noticed(device, broker):
    device(f"client = connect({broker.port}, keepalive_s=1)")
    broker.freeze()
    with pytest.raises(DeviceError, match="ping_unanswered"):
        device("wait(client, 2000)")


def test_connection_that_another_client_takes_over_is_lost(client, broker):
    with Observer(broker.port, "board"):
        with pytest.raises(DeviceError, match="link_lost"):
            client("wait(client)")
        with pytest.raises(DeviceError, match="link_lost"):
            client("wait(client)")  # and it stays lost


def test_connection_is_lost_with_its_broker_and_made_again_when_it_is_back(client, broker):
    broker.kill()
    with pytest.raises(DeviceError, match="link_lost"):
        client("wait(client)")
    with pytest.raises(DeviceError, match="link_lost"):
        client("for _ in range(3): client.send(b'up', b'hello')")
    broker.start()
    client(f"client.close()\nclient = connect({broker.port})")
    assert client("subscribe(client, (b'down', 1))") == b"\x01"
    with Observer(broker.port) as observer:
        observer.publish("down", b"again")
    assert client("read(client)")[:2] == (b"down", 5)


def test_connection_cut_inside_a_payload_is_lost(client, broker, observer):
    client("subscribe(client, (b'down', 0))")
    observer.publish("down", bytes(4 << 20))  # far more than sockets hold: the rest is still in the broker
    client("wait(client), client.read_payload(BLOCK, 4096)")
    broker.kill()
    with pytest.raises(DeviceError, match="link_lost"):
        client("client.skip()")
