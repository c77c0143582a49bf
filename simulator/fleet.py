# SPDX-License-Identifier: MIT
"""Some boards side by side against one mock ThingsBoard, updated for ever, so that the dashboard has something to show.

Each board is the real thing: a chip, a device process, the firmware, MQTT over a real socket.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from itertools import cycle

from simulator import breakage, interpreters
from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.wlan import Site
from simulator.breakage import BOARD, FIRMWARE, TITLE
from simulator.clouds.thingsboard import Device, Package, Profile, ThingsBoard
from simulator.interpreters import Interpreter

_FIRST = "1.0.0"
_BROKEN = {"1.1.1": "crash", "1.1.2": "wrong-chip"}  # what some boards are offered in between
_SIZE = 400 << 10  # bytes of an image: an update is over in seconds
_MAC = b"\x24\x0a\xc4"  # the first half, the vendor's
_SLICE_S = 0.2
_ROUND_S = 45


class Boards:
    """A context manager: the boards of `devices` run on a thread each until its end.

    `on_event(device name, event)` is called on those threads with what simulator/board/power.py lists.
    """

    def __init__(
        self,
        devices: list[Device],
        port: int,
        on_event: Callable[[str, dict], None],
        interpreter: Interpreter | None = None,
        size: int = _SIZE,
    ) -> None:
        self._interpreter = interpreter or interpreters.best()
        self._port = port
        self._on_event = on_event
        self._is_over = threading.Event()
        image = build_firmware(FIRMWARE, TITLE, _FIRST, size=size)
        self._threads = [
            threading.Thread(target=self._run, args=(device, _MAC + number.to_bytes(3), image), daemon=True)
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

    def _run(self, device: Device, mac: bytes, image: bytes) -> None:
        settings = {"host": b"127.0.0.1", "port": self._port, "token": (device.token or "").encode(), "trial_s": 10}
        values = [("ota_cfg", name, value) for name, value in settings.items()]
        flash = flash_file.make(flash_file.layout(BOARD), image, None, values)
        flash.clock = RealClock()

        def tell(event: dict) -> None:
            if not self._is_over.is_set():
                self._on_event(device.name, event)

        with Board(
            Chip(flash, flash.clock, mac=mac), self._interpreter, site=Site(join_ms=200), on_event=tell
        ) as board:
            while not self._is_over.is_set():
                board.run(timeout_s=_SLICE_S)


def add_devices(cloud: ThingsBoard, count: int) -> list[Device]:
    """Under a profile of their own."""
    profile = Profile("fleet")
    return [cloud.add_device(f"board-{number + 1}", f"token-{number + 1}", profile) for number in range(count)]


def packages(cloud: ThingsBoard, size: int = _SIZE) -> tuple[list[Package], list[Package]]:
    """Two good ones, and those that are not."""
    good = [cloud.add_package(TITLE, version, breakage.package(None, version, size)) for version in ("1.1.0", "1.2.0")]
    bad = [
        cloud.add_package(TITLE, version, breakage.package(kind, version, size)) for version, kind in _BROKEN.items()
    ]
    return good, bad


def rounds(cloud: ThingsBoard, devices: list[Device], size: int = _SIZE) -> Iterator[Callable[[int], None]]:
    """What the administrator does, round after round: a good package for all, in every other round a bad one for a few.

    Each is a function of unix ms for `Server.act`.
    """
    good, bad = packages(cloud, size)
    unlucky = devices[2::4]
    for number, package in enumerate(cycle(good)):
        wrong = bad[number // 2 % len(bad)] if number % 2 else None

        def play(now_ms: int, package: Package = package, wrong: Package | None = wrong) -> None:
            cloud.assign(devices[0].profile, package, now_ms)
            for device in unlucky:
                if wrong:
                    cloud.assign(device, wrong, now_ms)
                else:
                    cloud.unassign(device, "FIRMWARE", now_ms)

        yield play


async def play(cloud: ThingsBoard, devices: list[Device], act: Callable[[Callable[[int], None]], None]) -> None:
    """Round after round, until cancelled."""
    for turn in rounds(cloud, devices):
        act(turn)
        await asyncio.sleep(_ROUND_S)
