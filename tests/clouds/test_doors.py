# SPDX-License-Identifier: MIT
"""MQTT and HTTP are two doors to one state, for both drivers: VirtualNet in lockstep and the asyncio server."""

import http.client
import json
import queue
import socket
import threading
import time

import paho.mqtt.client as paho
import pytest

from simulator.board.clock import VirtualClock
from simulator.board.net import VirtualNet
from simulator.clouds.server import Door, ThreadServer
from simulator.clouds.thingsboard import HttpDoor, ThingsBoard
from simulator.errors import UserError
from tests.clouds import peer
from tests.clouds.paho_client import WAIT_S, Client

HOST = "cloud.example"


@pytest.fixture
def cloud() -> ThingsBoard:
    return ThingsBoard(seed=2, queue_ms=100)


@pytest.fixture
def device(cloud):
    return cloud.add_device("dev", "T")


class Net:
    """A virtual network with both doors; `link(port)` is a connection of the device."""

    def __init__(self, cloud: ThingsBoard) -> None:
        self.clock = VirtualClock()
        self.net = VirtualNet(self.clock)
        self.net.serve(HOST, 1883, cloud)
        self.net.serve(HOST, 8080, HttpDoor(cloud))

    def wait(self, ms: int) -> None:
        end = self.clock.now_ms() + ms
        while (due := self.net.next_ms()) is not None and due <= end:
            self.clock.skip(max(0, due - self.clock.now_ms()))
            self.net.run()
        self.clock.skip(end - self.clock.now_ms())
        self.net.run()

    def link(self, port: int, first: bytes):
        link = self.net.socket()
        self.net.connect(link, HOST, port)
        self.wait(20)
        self.net.send(link, first)
        self.wait(20)
        return link


def request(what: str, method: str = "GET", body: bytes = b"") -> bytes:
    return b"%s /api/v1/T/%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (
        method.encode(),
        what.encode(),
        len(body),
        body,
    )


def test_http_works_in_lockstep_beside_mqtt(cloud, device):
    net = Net(cloud)
    poll = net.link(8080, request("attributes/updates?timeout=5000"))
    mqtt_link = net.link(1883, peer.connect(4) + peer.packet(0x82, b"\0\1", peer.text("v2/a"), b"\0"))
    assert poll.inbox == b""
    cloud.assign(device, cloud.add_package("t", "1", data=bytes(5000)), net.net.unix_ms())
    net.wait(200)
    assert json.loads(bytes(poll.inbox).partition(b"\r\n\r\n")[2])
    assert b"fw_title" in mqtt_link.inbox
    chunk = net.link(8080, request("firmware?title=t&version=1&size=4096&chunk=1"))
    assert bytes(chunk.inbox).endswith(b"\r\n\r\n" + bytes(904))
    net.link(8080, request("telemetry", "POST", b'{"fw_state": "DOWNLOADED"}'))
    assert cloud.latest(device, "fw_state") == "DOWNLOADED"


def test_long_poll_times_out_in_lockstep(cloud, device):
    net = Net(cloud)
    link = net.link(8080, request("attributes/updates?timeout=5000"))
    net.wait(4950)
    assert link.inbox == b""
    net.wait(50)
    assert bytes(link.inbox).startswith(b"HTTP/1.1 408 ")


@pytest.fixture
def server(cloud, device):
    with ThreadServer(cloud, "127.0.0.1", 0, Door(HttpDoor(cloud))) as server:
        yield server


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_what_comes_in_by_one_door_goes_out_by_the_other(server, cloud, device):
    client = Client(server.ports[0], paho.MQTTv311)
    client.subscribe("v1/devices/me/rpc/request/+")
    answers = queue.Queue()
    poll = threading.Thread(target=lambda: answers.put(get(server.ports[1], "/api/v1/T/attributes/updates")))
    poll.start()
    deadline = time.monotonic() + WAIT_S
    while not server.call(lambda now_ms: device.pushes):
        assert time.monotonic() < deadline, "the poll never arrives"
    server.call(lambda now_ms: cloud.save_attributes(device, {"a": 1}, now_ms))
    assert answers.get(timeout=WAIT_S) == (200, b'{"a": 1}')
    poll.join()
    client.publish("v1/devices/me/attributes", {"serial": "x"})
    assert json.loads(get(server.ports[1], "/api/v1/T/attributes")[1])["client"] == {"serial": "x"}
    client.close()


def test_second_door_that_cannot_open_closes_the_first(cloud):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = ThreadServer(cloud, "127.0.0.1", 0, Door(HttpDoor(cloud), taken.getsockname()[1]))
        with pytest.raises(UserError) as refused:
            busy.start()
    assert refused.value.code == "cannot_listen"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", busy.ports[0]), WAIT_S)
