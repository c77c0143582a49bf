# SPDX-License-Identifier: MIT
"""A UDP port with a core behind it: each peer, an address and port, is a connection that only the core ends."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from simulator.clouds.core import Core

Address = tuple[str, int]


class Driver(Protocol):
    """What drives cores (server.py)."""

    def new_conn(self) -> int: ...

    def opened(
        self, conn: int, core: Core, line: "Line", certificate: bytes | None = None, identity: str | None = None
    ) -> None: ...

    def received(self, conn: int, core: Core, data: bytes) -> None: ...

    def lost(self, conn: int, core: Core) -> None: ...

    def forget(self, conn: int) -> None: ...


class Line:
    """What goes between a core and one peer: `write` sends a datagram."""

    def __init__(self, port: "Port", peer: Address) -> None:
        self._port = port
        self._peer = peer
        self._conn = port.driver.new_conn()

    def begin(self) -> None:
        self._port.driver.opened(self._conn, self._port.core, self)

    def received(self, data: bytes) -> None:
        self._port.driver.received(self._conn, self._port.core, data)

    def write(self, data: bytes) -> None:
        self._port.send(data, self._peer)

    def close(self) -> None:
        """The next datagram from there begins another connection."""
        self._port.forget(self._peer)
        self._port.driver.forget(self._conn)


class Port(asyncio.DatagramProtocol):
    """Nobody is told of datagrams that do not arrive, whatever ICMP says. `line` makes the one to a new peer."""

    def __init__(self, driver: Driver, core: Core, line: "MakeLine" = Line) -> None:
        self.driver = driver
        self.core = core
        self._line = line
        self._lines: dict[Address, Line] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        line = self._lines.get(addr)
        if line is None:
            line = self._lines[addr] = self._line(self, addr)
            line.begin()
        line.received(data)

    def send(self, data: bytes, peer: Address) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.sendto(data, peer)

    def forget(self, peer: Address) -> None:
        self._lines.pop(peer, None)


MakeLine = Callable[[Port, Address], Line]
