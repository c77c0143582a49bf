# SPDX-License-Identifier: MIT
"""A board and its cloud on virtual time, for tests: deterministic, and as fast as the interpreter.

    with Lockstep(interpreter, image, cloud, {"token": "T1"}) as twin:
        assert twin.run("updated")
        assert twin.story.slot == "ota_1"

`firmware` is an app image, or a flash that is finished (`at_bench`); `settings` go to NVS namespace "ota_cfg", beside
the host and port that `cloud` listens on.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.board import flash_file
from simulator.board.chip import Chip
from simulator.board.clock import VirtualClock
from simulator.board.flash import Flash
from simulator.board.inprocess import InProcess
from simulator.board.net import VirtualNet
from simulator.board.power import Board, Event
from simulator.board.story import Story, says
from simulator.clouds.core import Core
from simulator.interpreters import Interpreter

HOST, PORT = "cloud.example", 1883
NAMESPACE = "ota_cfg"


def at_bench(
    firmware: bytes, settings: Mapping[str, int | str] | None = None, layout: str = "4MiB", files: Path | None = None
) -> Flash:
    """The flash of a board that was flashed and set up."""
    values = {"host": HOST, "port": PORT, **(settings or {})}
    pairs = [(NAMESPACE, key, v if isinstance(v, int) else v.encode()) for key, v in values.items()]
    return flash_file.make(flash_file.layout(layout), firmware, files, pairs)


class Lockstep:
    """`clock`, `flash`, `chip`, `net`, `site`, `board` (power supply) and `story` (what happened) are all there to use.

    `connect(core)` puts a cloud on the network later, or another in its place. `why` is how the last `run` ended.
    `on_event` hears every event of the board after `story`.
    """

    def __init__(
        self,
        interpreter: Interpreter | InProcess,
        firmware: bytes | Flash,
        cloud: Core | None = None,
        settings: Mapping[str, int | str] | None = None,
        *,
        layout: str = "4MiB",
        files: Path | None = None,
        heap: str | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.clock = VirtualClock()
        self.flash = firmware if isinstance(firmware, Flash) else at_bench(firmware, settings, layout, files)
        self.chip = Chip(self.flash, self.clock)
        self.net = VirtualNet(self.clock)
        self.story = Story()
        self.board = Board(self.chip, interpreter, heap=heap, net=self.net, on_event=self._tell)
        self._on_event = on_event
        self.site = self.board.site
        self.why = ""
        if cloud:
            self.connect(cloud)

    def __enter__(self) -> "Lockstep":
        return self

    def __exit__(self, *_) -> None:
        self.board.close()

    @property
    def now_ms(self) -> int:
        """Unix time of the virtual clock, for calls to the cloud's core."""
        return self.net.unix_ms()

    def connect(self, core: Core) -> None:
        self.net.serve(HOST, PORT, core)

    def run(
        self, until: str | Callable[[Event], bool], *, timeout_s: float = 3600, max_boots: int | None = None
    ) -> bool:
        """Runs on until the agent says the state, or `until` is true for an event. False if it ended otherwise."""
        condition = until if callable(until) else lambda event: says(event, until)
        self.why = self.board.run(condition, timeout_s=timeout_s, max_boots=max_boots)
        return self.why == "until"

    def run_for(self, seconds: float) -> None:
        """Lets time pass."""
        self.why = self.board.run(timeout_s=seconds)

    def _tell(self, event: Event) -> None:
        self.story.add(event)
        if self._on_event:
            self._on_event(event)

    def cut(self) -> None:
        """The power goes, now; the next `run` gives it back."""
        self.board.cut()
        self.why = "power_cut"
