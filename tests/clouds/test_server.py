# SPDX-License-Identifier: MIT
"""The core on real sockets: paho-mqtt in both versions plays the device, raw sockets do what no client would."""

import hashlib
import json
import socket
import time

import paho.mqtt.client as paho
import pytest

from simulator.clouds import mqtt
from simulator.clouds.server import ThreadServer
from simulator.clouds.thingsboard import ThingsBoard
from simulator.errors import UserError
from tests.clouds import peer
from tests.clouds.paho_client import Client

WAIT_S = 10


@pytest.fixture
def cloud():
    return ThingsBoard(seed=3, queue_ms=1)


@pytest.fixture
def device(cloud):
    return cloud.add_device("dev", "T")


@pytest.fixture
def server(cloud, device):
    with ThreadServer(cloud) as server:
        yield server


@pytest.fixture(params=(paho.MQTTv311, paho.MQTTv5), ids=("mqtt3.1.1", "mqtt5"))
def client(server, request):
    client = Client(server.port, request.param)
    yield client
    client.close()


def download(client: Client, size: int, chunk: int) -> bytes:
    image = bytearray()
    for index in range(-(-size // chunk)):
        client.publish(f"v2/fw/request/77/chunk/{index}", str(chunk))
        topic, payload = client.get()
        assert topic == f"v2/fw/response/77/chunk/{index}"
        image += payload
    return bytes(image)


def test_whole_update_story_with_paho(server, cloud, device, client, firmware):
    assert not client.connack.is_failure
    wanted = ("v1/devices/me/attributes", "v1/devices/me/attributes/response/+", "v2/fw/response/+/chunk/+")
    assert client.subscribe(*wanted) == [1, 1, 1]
    client.publish("v1/devices/me/attributes/request/1", {"sharedKeys": "fw_title,fw_version"})
    assert client.get() == ("v1/devices/me/attributes/response/1", b"{}")

    server.call(lambda now_ms: cloud.assign(device, cloud.add_package("thermo", "1.4.0", data=firmware), now_ms))
    pushes = [json.loads(payload) for _, payload in (client.get(), client.get())]
    info = next(push for push in pushes if "deleted" not in push)
    assert info["fw_version"] == "1.4.0"

    for state in ("DOWNLOADING", "DOWNLOADED"):
        client.publish("v1/devices/me/telemetry", {"fw_state": state})
        if state == "DOWNLOADING":
            image = download(client, info["fw_size"], 4096)
    assert hashlib.sha256(image).hexdigest() == info["fw_checksum"]
    assert server.call(lambda now_ms: cloud.latest(device, "fw_state")) == "DOWNLOADED"


def test_whole_file_of_a_real_size_arrives_in_one_publish(server, cloud, device, client):
    image = bytes(range(256)) * 6535
    server.call(lambda now_ms: cloud.assign(device, cloud.add_package("big", "1", data=image), now_ms))
    client.publish("v2/fw/request/1/chunk/0", "")
    assert client.get() == ("v2/fw/response/1/chunk/0", image)


def test_error_text_arrives_before_the_close(client):
    client.paho.publish("v2/fw/request/1/chunk/0", "4096", qos=1)
    assert client.get() == ("v2/fw/error", b"NOT_FOUND")
    client.gone.get(timeout=WAIT_S)


def test_wrong_token_is_refused(server):
    client = Client(server.port, paho.MQTTv311, "wrong")
    assert client.connack == "Not authorized"
    client.close()


def test_timers_of_the_core_run_by_themselves(cloud, device):
    cloud = ThingsBoard(inactivity_ms=30)
    cloud.add_device("dev", "T")
    with ThreadServer(cloud) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        raw.sendall(peer.connect(5))
        received = b""
        while piece := raw.recv(100):
            received += piece
    assert received == mqtt.connack(5, False, 0) + mqtt.disconnect(0x83)


def test_bytes_one_by_one_are_understood(server):
    with socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        for byte in peer.connect(4) + b"\xc0\0":
            raw.sendall(bytes((byte,)))
        assert raw.recv(4, socket.MSG_WAITALL) == mqtt.connack(4, False, 0)
        assert raw.recv(2, socket.MSG_WAITALL) == mqtt.pingresp()


def test_peer_that_vanishes_is_noticed(server, cloud, device):
    raw = socket.create_connection(("127.0.0.1", server.port), WAIT_S)
    raw.sendall(peer.connect(4))
    assert len(raw.recv(4, socket.MSG_WAITALL)) == 4
    raw.close()
    deadline = time.monotonic() + WAIT_S
    while server.call(lambda now_ms: device.session) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert [e["reason"] for e in cloud.events if e["event"] == "close"] == ["connection lost"]


def test_stop_drops_every_connection(cloud, device):
    server = ThreadServer(cloud)
    raw = socket.create_connection(("127.0.0.1", server.start()), WAIT_S)
    raw.sendall(peer.connect(4))
    raw.recv(4, socket.MSG_WAITALL)
    server.stop()
    with pytest.raises(ConnectionError):
        raw.sendall(b"\xc0\0" if raw.recv(1) == b"" else b"")
        raw.sendall(b"\xc0\0")
    raw.close()


def test_cannot_listen_is_an_error_of_the_user(server):
    with pytest.raises(UserError) as refused:
        ThreadServer(ThingsBoard(), port=server.port).start()
    assert refused.value.code == "cannot_listen"


def test_call_raises_what_the_core_raised(server, cloud):
    with pytest.raises(UserError, match="no package"):
        server.call(lambda now_ms: cloud.find("t 1"))
