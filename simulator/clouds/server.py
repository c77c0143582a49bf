# SPDX-License-Identifier: MIT
"""Real sockets for a sans-IO core: an asyncio driver, and the same driver on a thread of its own for tests."""

import asyncio
import itertools
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from simulator.clouds import datagrams
from simulator.clouds.core import Action, Core, Send
from simulator.errors import UserError
from simulator.loop_thread import LoopThread

if TYPE_CHECKING:
    from simulator.clouds.dtls import Dtls

T = TypeVar("T")


@dataclass(frozen=True)
class Door:
    """A port (0: any free one) with a core behind it; with `tls` a certificate is shown, and perhaps one wanted.

    `datagrams`: it is UDP's, as is every port with DTLS (dtls.py).
    """

    core: Core
    port: int = 0
    tls: "ssl.SSLContext | Dtls | None" = None
    datagrams: bool = False


class Server:
    """Serves cores, one at each door; two doors may lead to one core, and cores may share their state.

    The first door may be given as what is behind it and its port.

    All calls belong to the event loop that `open` ran on.
    """

    def __init__(self, first: Core | Door, host: str = "127.0.0.1", port: int = 0, *doors: Door) -> None:
        self._host = host
        self._doors = (first if isinstance(first, Door) else Door(first, port), *doors)
        self._cores = list(dict.fromkeys(door.core for door in self._doors))
        self._listeners: list[asyncio.Server] = []
        self._datagram_ports: list[asyncio.DatagramTransport] = []
        self.ports: list[int] = []
        self._conns = itertools.count(1)
        self._transports: dict[int, asyncio.Transport | datagrams.Line] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._epoch_ms = time.time() * 1000 - time.monotonic() * 1000

    def now_ms(self) -> int:
        """Unix milliseconds that never go back, whatever happens to the wall clock."""
        return int(self._epoch_ms + time.monotonic() * 1000)

    async def open(self) -> int:
        """Listens and returns the first port, all are in `ports`; UserError("cannot_listen") if that cannot be."""
        self._loop = asyncio.get_running_loop()
        try:
            for door in self._doors:
                await self._listen(door)
        except UserError:
            await self.close()
            raise
        return self.ports[0]

    async def _listen(self, door: Door) -> None:
        try:
            if isinstance(door.tls, ssl.SSLContext) or not (door.datagrams or door.tls):
                port = await self._listen_for_streams(door, door.tls)
            else:
                port = await self._listen_for_datagrams(door, door.tls.line if door.tls else datagrams.Line)
            self.ports.append(port)
        except OSError as error:
            raise UserError("cannot_listen", f"cannot listen on {self._host}:{door.port}: {error.strerror}") from error

    async def _listen_for_streams(self, door: Door, context: ssl.SSLContext | None) -> int:
        def peer() -> _Peer:
            return _Peer(self, self.new_conn(), door)

        listener = await self._loop.create_server(peer, self._host, door.port, ssl=context)
        self._listeners.append(listener)
        return listener.sockets[0].getsockname()[1]

    async def _listen_for_datagrams(self, door: Door, line: datagrams.MakeLine) -> int:
        def port() -> datagrams.Port:
            return datagrams.Port(self, door.core, line)

        transport, _ = await self._loop.create_datagram_endpoint(port, (self._host, door.port))
        self._datagram_ports.append(transport)
        return transport.get_extra_info("sockname")[1]

    async def close(self) -> None:
        """Stops listening and drops every connection."""
        for listener in self._listeners:
            listener.close()
        for port in self._datagram_ports:
            port.close()
        for transport in list(self._transports.values()):
            if isinstance(transport, asyncio.Transport):
                transport.abort()
        for listener in self._listeners:
            await listener.wait_closed()
        if self._timer:
            self._timer.cancel()

    def act(self, call: Callable[[int], T]) -> T:
        """Calls into a core with the time, then does what the cores want done."""
        result = call(self.now_ms())
        for core in self._cores:
            self._obey(core.take())
        self._wind()
        return result

    def _obey(self, actions: list[Action]) -> None:
        for action in actions:
            transport = self._transports.get(action.conn)
            if transport is None:
                continue
            if isinstance(action, Send):
                transport.write(action.data)
            else:
                transport.close()

    def _wind(self) -> None:
        """One timer, set to the next deadline of a core."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        deadlines = [deadline for core in self._cores if (deadline := core.deadline()) is not None]
        if deadlines:
            delay_s = max(0, min(deadlines) - self.now_ms()) / 1000
            self._timer = self._loop.call_later(delay_s, self.act, self._tick)

    def _tick(self, now_ms: int) -> None:
        for core in self._cores:
            core.tick(now_ms)

    def new_conn(self) -> int:
        return next(self._conns)

    def opened(
        self,
        conn: int,
        core: Core,
        line: asyncio.Transport | datagrams.Line,
        certificate: bytes | None = None,
        identity: str | None = None,
    ) -> None:
        """A core learns which certificate a client has shown, in DER, or which identity its key has proved."""
        self._transports[conn] = line
        told = {"certificate": certificate, "identity": identity}
        shown = {name: value for name, value in told.items() if value}
        self.act(lambda now_ms: core.open(conn, now_ms, **shown))

    def forget(self, conn: int) -> None:
        """The core wants no more of this one, which is of datagrams and so has no end of its own."""
        self._transports.pop(conn, None)

    def received(self, conn: int, core: Core, data: bytes) -> None:
        self.act(lambda now_ms: core.feed(conn, data, now_ms))

    def lost(self, conn: int, core: Core) -> None:
        del self._transports[conn]
        self.act(lambda now_ms: core.lost(conn, now_ms))


class _Peer(asyncio.Protocol):
    def __init__(self, server: Server, conn: int, door: Door) -> None:
        self._server = server
        self._conn = conn
        self._core = door.core

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls else None
        self._server.opened(self._conn, self._core, transport, certificate)

    def data_received(self, data: bytes) -> None:
        self._server.received(self._conn, self._core, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.lost(self._conn, self._core)


class ThreadServer:
    """A Server on a thread of its own: `start()` gives the port, `call()` reaches the core, `stop()` ends it."""

    def __init__(self, first: Core | Door, host: str = "127.0.0.1", port: int = 0, *doors: Door) -> None:
        self._server = Server(first, host, port, *doors)

    @property
    def ports(self) -> list[int]:
        """Of all doors, the first one's first."""
        return self._server.ports

    def start(self) -> int:
        """Serves until `stop`; returns the port. UserError as Server.open."""
        self._thread = LoopThread("cloud")
        try:
            self.port = self._thread.run(self._server.open())
        except UserError:
            self._thread.stop()
            raise
        return self.port

    def call(self, act: Callable[[int], T]) -> T:
        """Runs `act(now_ms)` where the core lives and returns its result, or raises what it raised."""

        async def run() -> T:
            return self._server.act(act)

        return self._thread.run(run())

    def stop(self) -> None:
        self._thread.run(self._server.close())
        self._thread.stop()

    def __enter__(self) -> "ThreadServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
