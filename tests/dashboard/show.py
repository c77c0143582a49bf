# SPDX-License-Identifier: MIT
"""A mock ThingsBoard whose devices speak MQTT as the test says, its fleet, and the page on a real port."""

import itertools
import json
import time

from simulator.clouds.server import Server
from simulator.clouds.site import Site
from simulator.clouds.thingsboard import Device, ThingsBoard
from simulator.dashboard import boards
from simulator.dashboard.fleet import Fleet
from simulator.dashboard.page import application
from simulator.dashboard.thingsboard import Adapter
from simulator.loop_thread import LoopThread
from tests.clouds import peer


class Show:
    """Everything happens on the event loop of the page, in real time, and is over when a method returns."""

    def __enter__(self) -> "Show":
        self._thread = LoopThread("page")
        self._conns = itertools.count(1)
        self._conn_of: dict[str, int] = {}
        self.cloud = ThingsBoard(seed=1, now_ms=int(time.time() * 1000), queue_ms=0, queue_interval_ms=0)
        self.server = Server(self.cloud)
        self._thread.run(self.server.open())
        self.fleet = Fleet()
        self.adapter = Adapter(self.fleet, self.cloud)
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

    def device(self, name: str) -> Device:
        """A device that has logged in."""
        device = self.act(lambda now_ms: self.cloud.add_device(name, "token of " + name))
        self.connect(name)
        return device

    def connect(self, name: str) -> None:
        conn = self._conn_of[name] = next(self._conns)
        self.act(lambda now_ms: self.cloud.open(conn, now_ms))
        self._feed(name, peer.connect(4, "token of " + name))

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
        self._feed(device.name, peer.packet(0x30, peer.text(topic), payload))

    def _feed(self, name: str, data: bytes) -> None:
        self.act(lambda now_ms: self.cloud.feed(self._conn_of[name], data, now_ms))
