# SPDX-License-Identifier: MIT
"""Some boards side by side against one mock cloud, updated for ever, so that the dashboard has something to show.

Each board is the real thing: a chip, a device process, the firmware, MQTT over a real socket.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

from simulator import breakage, interpreters
from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.wlan import Site
from simulator.breakage import BOARD, FIRMWARE, TITLE
from simulator.interpreters import Interpreter
from simulator.sides import Side
from simulator.sides.side import mac

_FIRST = "1.0.0"
_GOOD = ("1.1.0", "1.2.0", "1.3.0")  # with two, who was unlucky would be offered next what it runs
_BROKEN = {"1.1.1": "crash", "1.1.2": "wrong-chip"}  # what some boards are offered in between
SIZE = 832 << 10  # bytes of an image: an update is over in seconds
_SLICE_S = 0.2
_ROUND_S = 45


class Boards:
    """A context manager: the boards of `devices`, numbered from 1, run on a thread each until its end.

    `on_event(device, event)` is called on those threads with what simulator/board/power.py lists.
    """

    def __init__(
        self,
        side: Side,
        devices: Sequence[str],
        on_event: Callable[[str, dict], None],
        interpreter: Interpreter | None = None,
        size: int = SIZE,
    ) -> None:
        self._interpreter = interpreter or interpreters.best()
        self._on_event = on_event
        self._is_over = threading.Event()
        image = build_firmware(FIRMWARE, TITLE, _FIRST, size=size)
        self._threads = [
            threading.Thread(target=self._run, args=(device, number, image, side.settings(device)), daemon=True)
            for number, device in enumerate(devices, 1)
        ]

    def __enter__(self) -> "Boards":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, device: str, number: int, image: bytes, settings: dict[str, int | bytes]) -> None:
        values = [("ota_cfg", name, value) for name, value in {**settings, "trial_s": 10, "wear_budget": 0}.items()]
        flash = flash_file.make(flash_file.layout(BOARD), image, None, values)
        flash.clock = RealClock()

        def tell(event: dict) -> None:
            if not self._is_over.is_set():
                self._on_event(device, event)

        with Board(
            Chip(flash, flash.clock, mac=mac(number)), self._interpreter, site=Site(join_ms=200), on_event=tell
        ) as board:
            while not self._is_over.is_set():
                board.run(timeout_s=_SLICE_S)


def rounds(side: Side, devices: Sequence[str], size: int = SIZE) -> Iterator[Callable[[int], None]]:
    """What the administrator does, round after round: a good package for all, in every other round a bad one for a few.

    Each is a function of unix ms for `Server.act`.
    """
    good = [side.package(TITLE, version, breakage.package(None, version, size)) for version in _GOOD]
    bad = [side.package(TITLE, version, breakage.package(kind, version, size)) for version, kind in _BROKEN.items()]
    unlucky = devices[2::4]
    lucky = [device for device in devices if device not in unlucky]
    for number, package in enumerate(cycle(good)):
        wrong = bad[number // 2 % len(bad)] if number % 2 else package

        def play(now_ms: int, package: object = package, wrong: object = wrong) -> None:
            for some, offered in ((lucky, package), (unlucky, wrong)):
                if some:
                    side.offer(some, offered, now_ms)

        yield play


async def play(side: Side, devices: Sequence[str], act: Callable[[Callable[[int], None]], None]) -> None:
    """Round after round, until cancelled."""
    for turn in rounds(side, devices):
        act(turn)
        await asyncio.sleep(_ROUND_S)
