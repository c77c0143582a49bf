# SPDX-License-Identifier: MIT
"""Real sockets for a sans-IO core: an asyncio driver, and the same driver on a thread of its own for tests."""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import TypeVar

from simulator.clouds.core import Core, Send
from simulator.errors import UserError
from simulator.loop_thread import LoopThread

T = TypeVar("T")


class Server:
    """Serves one core over TCP. All calls belong to the event loop that `open` ran on."""

    def __init__(self, core: Core, host: str = "127.0.0.1", port: int = 0) -> None:
        self._core = core
        self._address = (host, port)
        self._conns = itertools.count(1)
        self._transports: dict[int, asyncio.Transport] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._epoch_ms = time.time() * 1000 - time.monotonic() * 1000

    def now_ms(self) -> int:
        """Unix milliseconds that never go back, whatever happens to the wall clock."""
        return int(self._epoch_ms + time.monotonic() * 1000)

    async def open(self) -> int:
        """Listens and returns the port; UserError("cannot_listen") if that cannot be."""
        self._loop = asyncio.get_running_loop()
        host, port = self._address
        try:
            self._listener = await self._loop.create_server(lambda: _Peer(self, next(self._conns)), host, port)
        except OSError as error:
            raise UserError("cannot_listen", f"cannot listen on {host}:{port}: {error.strerror}") from error
        return self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stops listening and drops every connection."""
        self._listener.close()
        for transport in list(self._transports.values()):
            transport.abort()
        await self._listener.wait_closed()
        if self._timer:
            self._timer.cancel()

    def act(self, call: Callable[[int], T]) -> T:
        """Calls into the core with the time, then does what the core wants done."""
        result = call(self.now_ms())
        for action in self._core.take():
            transport = self._transports.get(action.conn)
            if transport is None:
                continue
            if isinstance(action, Send):
                transport.write(action.data)
            else:
                transport.close()
        self._wind()
        return result

    def _wind(self) -> None:
        """One timer, set to the core's next deadline."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        deadline = self._core.deadline()
        if deadline is not None:
            delay_s = max(0, deadline - self.now_ms()) / 1000
            self._timer = self._loop.call_later(delay_s, self.act, self._core.tick)

    def opened(self, conn: int, transport: asyncio.Transport) -> None:
        self._transports[conn] = transport
        self.act(lambda now_ms: self._core.open(conn, now_ms))

    def received(self, conn: int, data: bytes) -> None:
        self.act(lambda now_ms: self._core.feed(conn, data, now_ms))

    def lost(self, conn: int) -> None:
        del self._transports[conn]
        self.act(lambda now_ms: self._core.lost(conn, now_ms))


class _Peer(asyncio.Protocol):
    def __init__(self, server: Server, conn: int) -> None:
        self._server = server
        self._conn = conn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._server.opened(self._conn, transport)

    def data_received(self, data: bytes) -> None:
        self._server.received(self._conn, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.lost(self._conn)


class ThreadServer:
    """A Server on a thread of its own: `start()` gives the port, `call()` reaches the core, `stop()` ends it."""

    def __init__(self, core: Core, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = Server(core, host, port)

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
