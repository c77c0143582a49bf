# SPDX-License-Identifier: MIT
"""A TCP proxy that makes the network far away: half of an added round trip each way, order kept.

The client may have a receive window, as every peer has on a real line: no more bytes than that are under way to it, and
a byte counts until its acknowledgement is back, a round trip after it left. The time is added to data, not to the
opening of a connection. asyncio's timers are a millisecond coarse, so each way takes up to one millisecond more.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from simulator.errors import UserError
from simulator.loop_thread import LoopThread

_SEGMENT = 1440  # bytes


class Lane:
    """One direction: what goes in comes out `delay_s()` later, in order; asked anew for each piece."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay_s: Callable[[], float]) -> None:
        self._loop = loop
        self._delay_s = delay_s
        self._queue: deque[tuple[float, Callable[[], None]]] = deque()
        self._last_s = 0.0

    def put(self, deliver: Callable[[], None], leave_s: float = 0) -> None:
        """Calls `deliver` after the delay, counted from `leave_s` if that is later, and after everything put before."""
        self._last_s = max(self._last_s, max(self._loop.time(), leave_s) + self._delay_s())
        self._queue.append((self._last_s, deliver))
        if len(self._queue) == 1:
            self._loop.call_at(self._last_s, self._pump)

    def _pump(self) -> None:
        """One timer for the whole lane: the loop promises no order among timers of the same instant."""
        now_s = self._loop.time()
        while self._queue and self._queue[0][0] <= now_s:
            self._queue[0][1]()
            self._queue.popleft()
        if self._queue:
            self._loop.call_at(self._queue[0][0], self._pump)


class Window:
    """`size` bytes that may be under way at a time; a peer that reads at once acknowledges them all."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._under_way: deque[tuple[float, int]] = deque()  # (when its acknowledgement is back, bytes), in order
        self._bytes = 0
        self._last_s = 0.0

    def leave_s(self, now_s: float, size: int, round_trip_s: float) -> float:
        """When `size` more bytes, at most the window, may leave."""
        at_s = max(self._last_s, now_s)
        while self._under_way and (self._bytes + size > self._size or self._under_way[0][0] <= at_s):
            back_s, number = self._under_way.popleft()
            self._bytes -= number
            at_s = max(at_s, back_s)
        self._under_way.append((at_s + round_trip_s, size))
        self._bytes += size
        self._last_s = at_s
        return at_s


class _End(asyncio.Protocol):
    """One side of a proxied connection; `other` is the opposite side, which has a `window` or takes anything."""

    def __init__(self, proxy: "Proxy", window: int | None = None) -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._lane = Lane(self._loop, lambda: proxy.round_trip_ms / 2000)
        self._window = Window(window) if window else None
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._proxy.ends.add(self)

    def data_received(self, data: bytes) -> None:
        if self._window is None:
            self._lane.put(lambda: self.other.transport.write(data))
            return
        for start in range(0, len(data), _SEGMENT):
            piece = data[start : start + _SEGMENT]
            leave_s = self._window.leave_s(self._loop.time(), len(piece), self._proxy.round_trip_ms / 1000)
            self._lane.put(lambda piece=piece: self.other.transport.write(piece), leave_s)

    def eof_received(self) -> bool:
        self._lane.put(self.other.end)
        return True  # the other direction may still be talking

    def end(self) -> None:
        """Nothing more comes for this side."""
        if self.transport.can_write_eof():
            with suppress(OSError):  # it may have gone without a word
                self.transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.ends.discard(self)
        if self.other is not None:
            self._lane.put(self.other.transport.close)

    def pause_writing(self) -> None:
        """The reader on this side is slow: so let the sender on the other side wait."""
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()


class Proxy:
    """Forwards to `target` (host, port). `round_trip_ms` may be changed at any time, for the data from then on.

    `window`: the client's receive window in bytes, at least a segment of 1,440; None for no limit.
    """

    def __init__(
        self,
        target: tuple[str, int],
        round_trip_ms: float,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        window: int | None = None,
    ) -> None:
        self.round_trip_ms = round_trip_ms
        self._window = window
        self.ends: set[_End] = set()
        self._target = target
        self._address = (host, port)
        self._joins: set[asyncio.Task] = set()

    async def open(self) -> int:
        """Listens and returns the port; UserError("cannot_listen") if that cannot be."""
        host, port = self._address
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(lambda: _Client(self), host, port)
        except OSError as error:
            raise UserError("cannot_listen", f"cannot listen on {host}:{port}: {error.strerror}") from error
        return self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stops listening and drops every connection."""
        self._listener.close()
        for task in self._joins:
            task.cancel()
        for end in list(self.ends):
            end.transport.abort()
        await self._listener.wait_closed()

    def join(self, client: "_Client") -> None:
        """Connects onwards; the client's data waits until that is done, and a target that refuses hangs up on it."""
        task = asyncio.get_running_loop().create_task(self._join(client))
        self._joins.add(task)
        task.add_done_callback(self._joins.discard)

    async def _join(self, client: "_Client") -> None:
        try:
            _, server = await asyncio.get_running_loop().create_connection(
                lambda: _End(self, self._window), *self._target
            )
        except OSError:
            client.transport.abort()
            return
        client.other, server.other = server, client
        if client.transport.is_closing():
            server.transport.close()
        else:
            client.transport.resume_reading()


class _Client(_End):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()
        self._proxy.join(self)


class ThreadProxy:
    """A Proxy on a thread of its own; as a context it gives itself, with `port`."""

    def __init__(self, target: tuple[str, int], round_trip_ms: float, window: int | None = None) -> None:
        self.proxy = Proxy(target, round_trip_ms, window=window)

    def __enter__(self) -> "ThreadProxy":
        self._thread = LoopThread("proxy")
        self.port = self._thread.run(self.proxy.open())
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.run(self.proxy.close())
        self._thread.stop()
