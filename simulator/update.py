# SPDX-License-Identifier: MIT
"""One board and one mock cloud over real sockets: update after update, each told as a summary."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.story import Story
from simulator.board.wlan import Site
from simulator.breakage import BOARD, FIRMWARE, TITLE
from simulator.clouds.server import ThreadServer
from simulator.interpreters import Interpreter
from simulator.sides import Side, ThingsBoardSide, Told
from simulator.sides.side import FAILED, UPDATED, mac

SIZE = 1_672_800  # bytes of the standard MicroPython v1.23 app for the ESP32
_SLICE_S = 0.05
_HOST = "127.0.0.1"


@dataclass
class Summary:
    """How one update went. `bytes_downloaded`: bytes of images that the cloud sent. `sha256`: of the app that runs.

    `running_version`, `running_slot`: of the firmware; after a software package of the software and its tree.
    """

    result: str  # updated | failed | timeout
    error: str | None
    expected: bool
    running_version: str
    running_slot: str
    bytes_downloaded: int
    sha256: str
    states: list[str]
    boots: int
    peak_heap: int | None
    interpreter: str
    schema: int = 1

    def as_dict(self) -> dict:
        return asdict(self)


class Bench:
    """A board with firmware `version` on it, and its cloud, of this `side`. A context manager: both end with it.

    `optimise`: of its firmware, as for `build_firmware`. `on_event` gets the board's events (simulator/board/power.py),
    `on_told` what those of the cloud mean.
    """

    def __init__(
        self,
        version: str,
        interpreter: Interpreter,
        *,
        side: type[Side] = ThingsBoardSide,
        heap: str | None = None,
        size: int | None = SIZE,
        optimise: int = 0,
        trial_s: int = 10,
        files: Path | None = None,
        on_event: Callable[[dict], None] = lambda event: None,
        on_told: Callable[[Told], None] = lambda told: None,
    ) -> None:
        self._on_event, self._on_told = on_event, on_told
        self._interpreter = interpreter
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._type = "FIRMWARE"
        self._apps = [build_firmware(FIRMWARE, TITLE, version, size=size, optimise=optimise)]
        self._story = Story(version=version)
        self._told: list[Told] = []
        self._side = side.fresh(int(time.time() * 1000))
        self._side.cloud.on_event = self._cloud_event
        self._device = self._side.add(1)
        first, *others = (entrance.door() for entrance in self._side.entrances)
        self._server = ThreadServer(first, _HOST, 0, *others)
        self._server.start()
        names = (entrance.name for entrance in self._side.entrances)
        self._side.reached(_HOST, dict(zip(names, self._server.ports, strict=True)))
        self._board = self._make_board(trial_s, files, heap)

    def _make_board(self, trial_s: int, files: Path | None, heap: str | None) -> Board:
        settings = {**self._side.settings(self._device), "trial_s": trial_s}
        values = [("ota_cfg", name, value) for name, value in settings.items()]
        flash = flash_file.make(flash_file.layout(BOARD), self._apps[0], files, values)
        flash.clock = RealClock()
        chip = Chip(flash, flash.clock, mac=mac(1))
        return Board(chip, self._interpreter, heap=heap, site=Site(join_ms=200), on_event=self._board_event)

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self._board.close()
        self._server.stop()

    def update(
        self,
        version: str,
        data: bytes,
        *,
        works: bool,
        corrupt: bool = False,
        timeout_s: float = 120,
        title: str = TITLE,
        type: str = "FIRMWARE",
    ) -> Summary:
        """Offers the board `data` as `version` and runs it until the cloud knows how that ended.

        `works`: whether it should end well. `corrupt`: it arrives broken every time. `type`: FIRMWARE or SOFTWARE.
        """
        self._apps.append(data)
        self._type = type
        self._ended.clear()
        boots, self._told = self._board.boots, []
        self._server.call(lambda now_ms: self._offer(title, version, data, corrupt, now_ms))
        deadline = time.monotonic() + timeout_s
        while not self._ended.is_set() and time.monotonic() < deadline:
            self._board.run(timeout_s=_SLICE_S)
        return self._summary(self._told, boots, version if works else self._before, works)

    def _offer(self, title: str, version: str, data: bytes, corrupt: bool, now_ms: int) -> None:
        self._before = self._running[0]
        package = self._side.package(title, version, data, self._type)
        if corrupt:
            self._side.spoil()
        self._side.offer([self._device], package, now_ms)

    def _summary(self, told: list[Told], boots: int, should_run: str, works: bool) -> Summary:
        states = [one for one in told if one.what == "state" and one.is_report and one.type == self._type]
        result = (states[-1].result if states else None) or "timeout"
        running, place = self._running
        return Summary(
            result=result,
            error=states[-1].detail if result == FAILED else None,
            expected=result == (UPDATED if works else FAILED) and running == should_run,
            running_version=running or "",
            running_slot=place or "",
            bytes_downloaded=sum(one.size for one in told if one.what == "bytes"),
            sha256=self._running_sha256(),
            states=[one.text for one in states],
            boots=self._board.boots - boots,
            peak_heap=self._board.peak_heap,
            interpreter=self._interpreter.name,
        )

    @property
    def _running(self) -> tuple[str | None, str | None]:
        """(version, slot or tree) of what an update replaces."""
        if self._type == "SOFTWARE":
            return self._story.software or (self._story.version, None)
        return self._story.version, self._story.slot

    def _running_sha256(self) -> str:
        """Of the app in the running slot, as long as the one of ours that it is; of nothing if it is none."""
        chip = self._board.chip
        if chip.running is None:
            return ""
        handle = chip.running_partition()
        for app in reversed(self._apps):
            if len(app) <= chip.info(handle)[3] and chip.read(handle, 0, len(app)) == app:
                return hashlib.sha256(app).hexdigest()
        return ""

    def _board_event(self, event: dict) -> None:
        self._story.add(event)
        with self._lock:  # the cloud has a thread of its own
            self._on_event(event)

    def _cloud_event(self, event: dict) -> None:
        for told in self._side.told(event):
            self._told.append(told)
            if told.result and told.type == self._type:
                self._ended.set()
            with self._lock:
                self._on_told(told)
