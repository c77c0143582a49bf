# SPDX-License-Identifier: MIT
"""A whole board over real sockets, on a thread of its own, and how to wait for what it tells a real mosquitto."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator import interpreters
from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.story import Story
from simulator.board.wlan import Site
from simulator.breakage import BOARD, FIRMWARE, TITLE
from simulator.interpreters import Interpreter
from tests.publish.conftest import NAMES
from tools.publish.line import Line, Where

DEVICE = "board-1"
SIZE = 800_000
_SLICE_S = 0.05
LIMIT_S = 60


class Twin:
    """A board in board mode that runs on a thread of its own, with our firmware 1.0.0. A context manager.

    `settings`: besides those for its broker.
    """

    def __init__(self, port: int, interpreter: Interpreter | None = None, **settings: int | bytes) -> None:
        values: dict[str, int | bytes] = {"cloud": b"broker", "host": b"127.0.0.1", "port": port, "trial_s": 10}
        who = {"product": NAMES.product, "device_id": DEVICE, "user": DEVICE, "password": "secret"}
        values |= {name: text.encode() for name, text in who.items()}
        rows = [("ota_cfg", name, value) for name, value in (values | settings).items()]
        flash = flash_file.make(flash_file.layout(BOARD), build_firmware(FIRMWARE, TITLE, "1.0.0"), None, rows)
        flash.clock = RealClock()
        self.story = Story(version="1.0.0")
        self._hooks: dict[str, Callable[[], object]] = {}
        chip = Chip(flash, flash.clock)
        self._board = Board(
            chip, interpreter or interpreters.find("cpython"), site=Site(join_ms=50), on_event=self._event
        )
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Twin":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.switch_off()

    def switch_off(self) -> None:
        """Its power is gone."""
        if not self._ends.is_set():
            self._ends.set()
            self._thread.join()
            self._board.close()

    def at_write(self, number: int, act: Callable[[], object]) -> None:
        """Calls `act` when this block was written into the spare slot, once."""
        self._hooks[f"write {number * 4096}"] = act

    def wait_for_line(self, text: str) -> None:
        """Until its console has said this."""
        end = time.monotonic() + LIMIT_S
        while not any(text in line for line in list(self.story.lines)):
            assert time.monotonic() < end, "\n".join(self.story.lines)
            time.sleep(_SLICE_S)

    def _run(self) -> None:
        while not self._ends.is_set():
            self._board.run(timeout_s=_SLICE_S)

    def _event(self, event: dict) -> None:
        self.story.add(event)
        if event["event"] == "flash" and event["label"].startswith("ota_"):
            act = self._hooks.pop(f"{event['operation']} {event['offset']}", None)
            if act:
                act()


def image_file(folder: Path) -> Path:
    """Our firmware 1.1.0."""
    file = folder / "app.bin"
    file.write_bytes(build_firmware(FIRMWARE, TITLE, "1.1.0", size=SIZE))
    return file


def wait_for(broker, topic: str, is_it: Callable[[Any], bool]) -> Any:
    """Listens until a message on this topic is the one; those that are retained too."""
    end = threading.Event()
    timer = threading.Timer(LIMIT_S, end.set)
    timer.start()
    try:
        with Line(Where("127.0.0.1", broker.port, "maker", "secret")) as line:
            line.listen(topic)
            while not end.is_set():
                message = line.next(_SLICE_S)
                if message and message[1] and is_it(json.loads(message[1])):
                    return json.loads(message[1])
    finally:
        timer.cancel()
    raise AssertionError(f"nothing of that kind on {topic}")


def ends_as(broker, state: str) -> dict[str, Any]:
    return wait_for(broker, NAMES.job(DEVICE), lambda job: job["state"] == state)
