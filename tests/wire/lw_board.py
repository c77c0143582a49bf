# SPDX-License-Identifier: MIT
"""A board with the unmodified firmware in board mode, and its LwM2M server, so that others can take part."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from aiocoap import Message

from simulator.board import flash_file
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.story import Story
from simulator.board.wlan import Site
from simulator.clouds.dtls import Dtls
from simulator.clouds.lwm2m import Lwm2mServer, Manners, objects
from simulator.clouds.lwm2m.requests import Operation
from simulator.clouds.server import Door, ThreadServer
from simulator.interpreters import Interpreter
from simulator.loop_thread import LoopThread
from tests.agent.board_world import firmware

NAME = "board-1"
HOST = "127.0.0.1"
_SLICE_S = 0.05


class LwBoard:
    """`cloud` is the server's core, `device` the board as it knows it. Without DTLS there is a `relay` between them.

    A context manager.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        heap: str = "160k",
        secured: Dtls | None = None,
        settings: dict[str, int | bytes] | None = None,
    ) -> None:
        self.cloud = Lwm2mServer(seed=1, now_ms=int(time.time() * 1000), manners=Manners(after_register="nothing"))
        self.device = self.cloud.add_device(NAME)
        self._server = ThreadServer(Door(self.cloud, tls=secured, datagrams=True))
        port = self._server.start()
        self.relay = Relay(port)
        where = {"host": HOST.encode(), "port": port if secured else self.relay.port}
        given = {"cloud": b"lwm2m", **where, "endpoint": NAME.encode(), **(settings or {})}
        values: list[tuple[str, str, int | bytes]] = [("ota_cfg", *pair) for pair in given.items()]
        flash = flash_file.make(flash_file.layout("4MiB"), firmware("1.0.0"), None, values)
        flash.clock = RealClock()
        self.story = Story()
        self._chip = chip = Chip(flash, flash.clock)
        heap_limit = heap if interpreter.is_micropython else None
        self._board = Board(chip, interpreter, heap=heap_limit, site=Site(join_ms=20), on_event=self.story.add)

    def __enter__(self) -> "LwBoard":
        return self

    def __exit__(self, *_: object) -> None:
        self._board.close()
        self.relay.close()
        self._server.stop()

    def wait(self, what: Callable[[], Any], timeout_s: float = 60) -> None:
        """Runs the board until that is so."""
        end = time.monotonic() + timeout_s
        while not what():
            assert time.monotonic() < end, (self.story.lines[-12:], self.cloud.events[-5:])
            self._board.run(timeout_s=_SLICE_S)

    def ask(self, make: Callable[[], Operation]) -> str:
        """The code of the answer to what the server asks."""
        operation = self._server.call(lambda now_ms: make())
        self.wait(lambda: operation.reply is not None)
        return str(operation.reply)

    def start(self) -> None:
        self.wait(lambda: self.device.is_registered)

    def cut(self) -> None:
        """The power goes, and is back as soon as somebody waits."""
        self._board.cut()

    def wait_state(self, state: int, result: int = 0) -> None:
        """Object 5 says so."""
        self.wait(lambda: self._read(objects.STATE) == state, 120)
        assert self._read(objects.RESULT) == result

    def _read(self, path: str) -> Any:
        operation = self._server.call(lambda now_ms: self.device.read(path))
        self.wait(lambda: operation.reply is not None)
        assert operation.reply
        return operation.reply.values.get(path)

    def install(self) -> None:
        """The order, and on until the new image has told."""
        registered = self._registrations
        assert self.ask(lambda: self.device.execute("/5/0/2")) == "2.04"
        self.wait(lambda: self._registrations > registered, 120)
        self.wait_state(objects.IDLE, 1)

    def slot_holds(self, data: bytes) -> bool:
        """Whether that is what was downloaded, byte for byte."""
        spare = next(row for row in self._chip.partitions if row.label == "ota_1")
        return self._chip.flash.read(spare.offset, len(data)) == data

    @property
    def _registrations(self) -> int:
        return sum(event["event"] == "registered" for event in list(self.cloud.events))


class Relay:
    """Between device and server, with a second entrance whose requests the device takes for the server's.

    A device hears nobody else: its socket is connected. Answers go to who has asked, by message id or token.
    """

    def __init__(self, server_port: int) -> None:
        self._thread = LoopThread("relay")
        self._askers: dict[bytes, tuple[str, int] | None] = {}  # None: the server
        self._device: tuple[str, int] | None = None
        self._server = ("127.0.0.1", server_port)
        self.port, self.entrance = self._thread.run(self._open())

    async def _open(self) -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        local = ("127.0.0.1", 0)
        self._front, _ = await loop.create_datagram_endpoint(lambda: _Ear(self._from_device), local)
        self._back, _ = await loop.create_datagram_endpoint(lambda: _Ear(self._from_server), remote_addr=self._server)
        self._side, _ = await loop.create_datagram_endpoint(lambda: _Ear(self._from_side), local)
        return tuple(end.get_extra_info("sockname")[1] for end in (self._front, self._side))

    def close(self) -> None:
        async def close() -> None:
            for end in (self._front, self._back, self._side):
                end.close()

        self._thread.run(close())
        self._thread.stop()

    def _from_server(self, data: bytes, _: tuple[str, int]) -> None:
        self._to_device(data, None)

    def _from_side(self, data: bytes, sender: tuple[str, int]) -> None:
        self._to_device(data, sender)

    def _to_device(self, data: bytes, asker: tuple[str, int] | None) -> None:
        message = Message.decode(data)
        self._askers[data[2:4]] = self._askers[b"token" + message.token] = asker
        if self._device:
            self._front.sendto(data, self._device)

    def _from_device(self, data: bytes, sender: tuple[str, int]) -> None:
        self._device = sender
        message = Message.decode(data)
        key = b"token" + message.token if message.token else data[2:4]
        asker = None if message.code.is_request() else self._askers.get(key)
        if asker:
            self._side.sendto(data, asker)
        else:
            self._back.sendto(data)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, hear: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._hear = hear

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._hear(data, addr)
