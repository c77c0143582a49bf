# SPDX-License-Identifier: MIT
"""A mock cloud whose devices speak MQTT as the test says, its fleet, and the page on a real port."""

import itertools
import json
import time
from typing import Any, Self

from simulator.clouds.rainmaker import Job, Node, RainMaker
from simulator.clouds.server import Server
from simulator.clouds.site import Site
from simulator.clouds.thingsboard import Device, ThingsBoard
from simulator.dashboard import boards, rainmaker
from simulator.dashboard.fleet import Fleet
from simulator.dashboard.page import application
from simulator.dashboard.thingsboard import Adapter
from simulator.loop_thread import LoopThread
from tests.clouds import peer, rm_peer


class Stage:
    """A cloud, its fleet and the page. Everything happens on the event loop of the page, in real time, and is over when
    a method returns.
    """

    cloud: Any
    adapter: Any

    def prepare(self) -> None:
        """Makes the cloud and its adapter."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread = LoopThread("page")
        self._conns = itertools.count(1)
        self._conn_of: dict[str, int] = {}
        self.fleet = Fleet()
        self.prepare()
        self.server = Server(self.cloud)
        self._thread.run(self.server.open())
        self.cloud.on_event = self.adapter
        self._site = Site(application(self.fleet))
        self.url = f"http://127.0.0.1:{self._thread.run(self._site.open())}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.run(self._site.close())
        self._thread.run(self.server.close())
        self._thread.stop()

    def act(self, call):
        """`call(now_ms)` where the cloud and the fleet live."""

        async def run():
            return self.server.act(call)

        return self._thread.run(run())

    def feed(self, name: str, data: bytes) -> None:
        """Bytes of a device's connection."""
        self.act(lambda now_ms: self.cloud.feed(self._conn_of[name], data, now_ms))

    def open(self, name: str, *shown: bytes) -> None:
        """A connection for the device."""
        conn = self._conn_of[name] = next(self._conns)
        self.act(lambda now_ms: self.cloud.open(conn, now_ms, *shown))


class Show(Stage):
    """A ThingsBoard."""

    def prepare(self) -> None:
        self.cloud = ThingsBoard(seed=1, now_ms=int(time.time() * 1000), queue_ms=0, queue_interval_ms=0)
        self.adapter = Adapter(self.fleet, self.cloud)

    def device(self, name: str) -> Device:
        """A device that has logged in."""
        device = self.act(lambda now_ms: self.cloud.add_device(name, "token of " + name))
        self.connect(name)
        return device

    def connect(self, name: str) -> None:
        self.open(name)
        self.feed(name, peer.connect(4, "token of " + name))

    def offer(self, device: Device, version: str, size: int = 10_000):
        package = self.act(lambda now_ms: self.cloud.add_package("thermo", version, bytes(size)))
        self.act(lambda now_ms: self.cloud.assign(device, package, now_ms))
        return package

    def report(self, device: Device, **values: object) -> None:
        self._publish(device, "v1/devices/me/telemetry", json.dumps(values).encode())

    def states(self, device: Device, *states: str) -> None:
        for state in states:
            self.report(device, fw_state=state)

    def chunk(self, device: Device, index: int, size: int) -> None:
        self._publish(device, f"v2/fw/request/1/chunk/{index}", b"%d" % size)
        self.act(lambda now_ms: self.cloud.tick(now_ms + 10))

    def board(self, device: Device, **event: object) -> None:
        """An event of the board's power supply."""
        row = self.fleet.rows["fw " + device.name]
        self.act(lambda now_ms: boards.tell(self.fleet, row, event, now_ms))

    def _publish(self, device: Device, topic: str, payload: bytes) -> None:
        self.feed(device.name, peer.packet(0x30, peer.text(topic), payload))


class RainMakerShow(Stage):
    """A RainMaker."""

    def prepare(self) -> None:
        self.cloud = RainMaker(seed=1, now_ms=int(time.time() * 1000), connect_interval_ms=0)
        self.adapter = rainmaker.Adapter(self.fleet, self.cloud)

    def node(self, node_id: str, fw_version: str = "1.0.0") -> Node:
        """A node that has connected, told its config, and listens."""
        node = self.act(lambda now_ms: self.cloud.add_node(node_id))
        self.open(node_id, rm_peer.certificate(node_id).der)
        self.feed(node_id, rm_peer.connect(client=node_id))
        self.config(node, fw_version)
        self.feed(node_id, peer.packet(0x82, b"\0\1", peer.text(f"node/{node_id}/otaurl"), b"\1"))
        return node

    def config(self, node: Node, fw_version: str) -> None:
        self.say(node, "config", rm_peer.config(node.id, fw_version, model="thermo"))

    def say(self, node: Node, what: str, body: dict) -> None:
        topic = f"$aws/rules/{rm_peer.RULES[what]}/node/{node.id}/{what}"
        self.feed(node.id, peer.packet(0x30, peer.text(topic), json.dumps(body).encode()))

    def job(self, version: str, *nodes: Node, size: int = 10_000, **options: object) -> Job:
        """Pushed at once."""
        image = self.cloud.add_image(f"thermo {version}", bytes(size), version)
        names = tuple(node.id for node in nodes)
        return self.act(
            lambda now_ms: self.cloud.create_job(
                f"to {version}", image, now_ms, nodes=names, force_push=True, **options
            )
        )

    def report(self, node: Node, job: Job, status: str, info: str = "") -> None:
        self.say(node, "otastatus", {"ota_job_id": job.id, "status": status, "additional_info": info})

    def download(self, node: Node, length: int, status: int = 206) -> None:
        """A request to the image store."""
        about = {"method": "GET", "what": "otaimages", "range": None, "status": status, "length": length}
        self.act(lambda now_ms: self.cloud.log("http", node=node.id, **about))
