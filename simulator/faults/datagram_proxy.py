# SPDX-License-Identifier: MIT
"""A UDP proxy that makes the network far away and unreliable, with the faults of lockstep (board/datagrams.py).

Each client has a socket of its own towards the target, so the target sees as many peers as there are. Half of the added
round trip each way; datagrams keep their order unless a fault says otherwise.
"""

import asyncio
import heapq
from collections.abc import Sequence

from simulator.board.net import Fault, Link, Packet
from simulator.errors import UserError
from simulator.faults.proxy import ThreadProxy

Address = tuple[str, int]


class _Way(Link):
    """Between one client and the target. `content` of its packets is a datagram."""

    is_stream = False

    def __init__(self, number: int, client: Address) -> None:
        super().__init__(number)
        self.client = client
        self.upstream: asyncio.DatagramTransport | None = None
        self.waiting: list[bytes] = []  # until `upstream` is there


class _Front(asyncio.DatagramProtocol):
    def __init__(self, proxy: "DatagramProxy") -> None:
        self._proxy = proxy

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._proxy.pass_on(self._proxy.way(addr), data, to_device=False)


class _Back(asyncio.DatagramProtocol):
    def __init__(self, proxy: "DatagramProxy", way: _Way) -> None:
        self._proxy = proxy
        self._way = way

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._proxy.pass_on(self._way, data, to_device=True)


class DatagramProxy:
    """Forwards to `target` (host, port). `round_trip_ms` and `faults` may change at any time; the device is the client.

    `passed` counts datagrams in both directions, before the faults.
    """

    def __init__(
        self,
        target: Address,
        round_trip_ms: float = 0,
        faults: Sequence[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.round_trip_ms = round_trip_ms
        self.faults = list(faults)
        self.passed = 0
        self._target = target
        self._address = (host, port)
        self._ways: dict[Address, _Way] = {}
        self._queue: list[tuple[float, int, Packet]] = []
        self._order = 0
        self._joins: set[asyncio.Task] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def open(self) -> int:
        """Listens and returns the port; UserError("cannot_listen") if that cannot be."""
        self._loop = asyncio.get_running_loop()
        host, port = self._address
        try:
            self._front, _ = await self._loop.create_datagram_endpoint(lambda: _Front(self), self._address)
        except OSError as error:
            raise UserError("cannot_listen", f"cannot listen on {host}:{port}: {error.strerror}") from error
        return self._front.get_extra_info("sockname")[1]

    async def close(self) -> None:
        """Nothing passes any more."""
        for task in self._joins:
            task.cancel()
        if self._timer:
            self._timer.cancel()
        for way in self._ways.values():
            if way.upstream:
                way.upstream.close()
        self._front.close()

    def way(self, client: Address) -> _Way:
        """Of this client, from now on or since long ago."""
        if client not in self._ways:
            way = self._ways[client] = _Way(len(self._ways) + 1, client)
            task = self._loop.create_task(self._join(way))
            self._joins.add(task)
            task.add_done_callback(self._joins.discard)
        return self._ways[client]

    async def _join(self, way: _Way) -> None:
        way.upstream, _ = await self._loop.create_datagram_endpoint(lambda: _Back(self, way), remote_addr=self._target)
        for data in way.waiting:
            way.upstream.sendto(data)
        way.waiting.clear()

    def pass_on(self, way: _Way, data: bytes, *, to_device: bool) -> None:
        """Whatever the faults leave of it arrives when its time has come."""
        self.passed += 1
        packets = [Packet(way, to_device, data, self._loop.time() * 1000 + self.round_trip_ms / 2)]
        for fault in self.faults:
            packets = [result for packet in packets for result in fault(packet)]
        for packet in packets:
            self._order += 1
            heapq.heappush(self._queue, (packet.at, self._order, packet))
        self._pump()

    def _pump(self) -> None:
        now_ms = self._loop.time() * 1000
        while self._queue and self._queue[0][0] <= now_ms:
            self._deliver(heapq.heappop(self._queue)[2])
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._queue[0][0] / 1000, self._pump) if self._queue else None

    def _deliver(self, packet: Packet) -> None:
        way, data = packet.link, packet.content
        assert isinstance(way, _Way) and isinstance(data, bytes)
        if packet.to_device:
            self._front.sendto(data, way.client)
        elif way.upstream:
            way.upstream.sendto(data)
        else:
            way.waiting.append(data)


class ThreadDatagramProxy(ThreadProxy):
    """A DatagramProxy on a thread of its own; as a context it gives itself, with `port`."""

    def __init__(self, target: Address, round_trip_ms: float = 0, faults: Sequence[Fault] = ()) -> None:
        self.proxy = DatagramProxy(target, round_trip_ms, faults)
