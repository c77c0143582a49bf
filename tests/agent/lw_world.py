# SPDX-License-Identifier: MIT
"""A board with the unmodified firmware and its LwM2M server, on virtual time.

    world.start()
    world.ask(world.device.write("/5/0/1", world.serve(firmware("1.1.0"))))
    world.wait_state(DOWNLOADED)

What knows no cloud is in board_world.py.
"""

from pathlib import Path
from typing import Any

from aiocoap import Message

from simulator.board.net import EPOCH_MS, Packet
from simulator.clouds.lwm2m import FileDoor, Lwm2mServer, Manners, coap
from simulator.clouds.lwm2m.devices import Device
from simulator.clouds.lwm2m.files import File
from simulator.clouds.lwm2m.objects import DOWNLOADED, IDLE, RESULT, STATE, VERSION
from simulator.clouds.lwm2m.refresh import NOTHING
from simulator.clouds.lwm2m.requests import Operation, Reply
from simulator.interpreters import Interpreter
from tests.agent.board_world import BoardWorld, firmware
from tests.agent.web import Web

NAME = "board-1"
HOST, PORT = "lwm2m.example", 5683
FILES, FILE_PORT = "files.example", 5683
WEB = "images.example"
LW_HEAP = "160k"  # of the 32-bit MicroPython, with line numbers


class LwWorld(BoardWorld):
    """`cloud` is the core, `device` the board as the server knows it, `web` a server of images."""

    def __init__(
        self,
        interpreter: Interpreter,
        app: bytes | None = None,
        settings: dict[str, int | str] | None = None,
        heap: str | None = LW_HEAP,
        layout: str = "4MiB",
        files: Path | None = None,
        **manners: Any,
    ) -> None:
        given = Manners(**{"after_register": NOTHING, **manners})
        self.cloud = Lwm2mServer(seed=1, now_ms=EPOCH_MS, manners=given)
        self._device: Device = self.cloud.add_device(NAME)
        self.door = FileDoor(self.cloud)
        self.web = Web(b"")
        self.sent: list[tuple[int, int, Message]] = []  # (ms, link, message) as the device sent them
        values = {"cloud": "lwm2m", "host": HOST, "port": PORT, "endpoint": NAME, **(settings or {})}
        super().__init__(interpreter, self.cloud, values, app, heap, layout, files)

    def connect(self) -> None:
        self.twin.net.serve_datagrams(HOST, PORT, self.cloud)
        self.twin.net.serve_datagrams(FILES, FILE_PORT, self.door)
        self.twin.net.serve(WEB, 80, self.web)

    @property
    def device(self) -> Device:
        """What is asked of it goes out now."""
        if hasattr(self, "twin"):
            self.cloud.tick(self.twin.now_ms)
        return self._device

    # what the server does

    def start(self) -> None:
        """Switches the board on, until it is registered."""
        self.wait(lambda: self.device.is_registered)

    def ask(self, operation: Operation, timeout_s: float = 120) -> Reply:
        """Runs on until there is an answer, or the server has given up."""
        self.wait(lambda: operation.reply is not None, timeout_s)
        assert operation.reply is not None
        return operation.reply

    def code(self, operation: Operation) -> str:
        return str(self.ask(operation))

    def read(self, path: str, accept: int | None = None) -> Any:
        """The value of a resource."""
        reply = self.ask(self.device.read(path, accept))
        assert reply.is_good, reply
        return reply.values[path]

    @property
    def state(self) -> tuple[Any, Any]:
        """(State, Result), asked for now."""
        return self.read(STATE), self.read(RESULT)

    def serve(self, data: bytes) -> str:
        """Puts an image on the file server; its URI."""
        self.file: File = self.cloud.files.add(data, NAME)
        return f"coap://{FILES}{self.file.path}"

    def pull(self, version: str = "1.1.0", data: bytes | None = None) -> str:
        """Writes a URI; the code."""
        uri = self.serve(firmware(version) if data is None else data)
        return self.code(self.device.write("/5/0/1", uri))

    def push(self, data: bytes, style: Any = None, timeout_s: float = 900) -> str:
        """Pushes a package; the last code."""
        return str(self.ask(self.device.push(data, style), timeout_s))

    def execute(self) -> str:
        return self.code(self.device.execute("/5/0/2"))

    def install(self) -> None:
        """The order, and on until the new image has told how it went."""
        before = len(self.seen("registered"))
        assert self.execute() == "2.04"
        self.wait(lambda: len(self.seen("registered")) > before)
        self.wait_state(IDLE)

    def clear_faults(self) -> None:
        """The server is well again."""
        self.cloud._faults.rules.clear()

    # time

    def wait(self, what, timeout_s: float = 600) -> None:
        self.wait_until(what, timeout_s, what)

    def wait_state(self, state: int, result: int | None = None, timeout_s: float = 600) -> None:
        """Asks every two seconds until State is this; then Result has to be `result`."""
        end = self.twin.clock.now_ms() + timeout_s * 1000
        while (found := self.state)[0] != state:
            assert self.twin.clock.now_ms() < end, f"State {found[0]} for {timeout_s} s; last run: {self.twin.why}"
            self.pass_time(2)
        assert result is None or found[1] == result, found

    # what was seen

    @property
    def events(self) -> list[dict]:
        return self.cloud.events

    @property
    def version(self) -> Any:
        return self.read(VERSION)

    @property
    def told(self) -> list[tuple[Any, Any]]:
        """(State, Result) of each Send, in order."""
        return [(event["values"][STATE], event["values"][RESULT]) for event in self.seen("sent")]

    def notified(self, path: str = STATE) -> list[Any]:
        """What notifications have told of a resource, in order."""
        return [event["values"][path] for event in self.seen("notify") if path in event["values"]]

    def fetched(self) -> list[int]:
        """The blocks that were asked for, in order."""
        return [event["block"] or 0 for event in self.seen("file")]

    def said(self, code: int | None = None, path: str | None = None) -> list[tuple[int, int, Message]]:
        """What the device sent, in order: (ms, link, message)."""
        return [
            row
            for row in self.sent
            if (code is None or row[2].code == code) and (path is None or coap.path_of(row[2]) == path)
        ]

    def _tap(self, packet: Packet) -> list[Packet]:
        if not packet.to_device and isinstance(packet.content, bytes) and not packet.link.is_stream:
            message = coap.parse(packet.content)
            if message is not None:
                self.sent.append((round(packet.at), packet.link.number, message))
        return [packet]


__all__ = ["DOWNLOADED", "FILES", "HOST", "IDLE", "NAME", "PORT", "WEB", "LwWorld", "firmware"]
