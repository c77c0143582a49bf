# SPDX-License-Identifier: MIT
"""A device without a process of its own: the same twins and the same firmware, as a greenlet of this one.

For the virtual clock only, and CPython only: a boot takes a millisecond, and thousands of boards fit side by side. Each
device has a world of modules of its own, as new at every boot, so RAM is gone after a reset as it should be.
`Device` stands in for `DeviceProcess`, and its requests go to the same `Session`: directly, without pipes and turns.
"""

import functools
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from greenlet import greenlet

from simulator.board import archive
from simulator.board.build import version_source
from simulator.board.console import traceback_text
from simulator.board.direct import DirectLink, Take, no_links
from simulator.board.direct_files import CorruptFiles
from simulator.board.image import parse
from simulator.board.link import Op, Request
from simulator.board.world import World, borrow
from simulator.interpreters import ROOT

if TYPE_CHECKING:
    from simulator.board.session import Session

_CORRUPT = "the file system of partition vfs is corrupt, and not blank either: erase it to have a new one"
_STOCK = ROOT / ".tools" / "umqtt"


class Gone(BaseException):
    """Thrown into a device that has lost its power or was reset; whatever it still asks for gets this too."""


class InProcess:
    """Stands in for an Interpreter. `firmware`: sources by path, for images that carry none.

    `overlays`: for an image of that version, sources that win over those of `firmware`. A `vfs` partition is a file
    system, as on a board; without one all code is frozen. `os.urandom` follows `seed`, so a run is the same every time.
    """

    name = "in-process"
    is_micropython = False

    def __init__(
        self,
        firmware: Mapping[str, bytes],
        seed: int = 0,
        overlays: Mapping[str, Mapping[str, bytes]] | None = None,
    ) -> None:
        self._firmware = dict(firmware)
        self._overlays = overlays or {}
        self._urandom = random.Random(seed).randbytes
        self._sources: dict[bytes, dict[str, bytes]] = {}  # by image

    def start(self, image: bytes, on_line: Callable[[str], None]) -> "Device":
        """A device that runs what is frozen in `image`."""
        if image not in self._sources:
            self._sources[image] = self._frozen(image)
        return Device(self._sources[image], on_line, self._urandom)

    @property
    def constants(self) -> tuple[Mapping, ...]:
        """What no run changes: copies of this interpreter may share it."""
        return self._firmware, self._overlays, self._sources

    def _frozen(self, image: bytes) -> dict[str, bytes]:
        files = _carried(image)
        if files is None:
            about = parse(image).descriptor
            files = dict(self._firmware)
            if about and about.version:
                files["version.py"] = version_source(about.project, about.version)
                files |= self._overlays.get(about.version, {})
        return _stock() | files


@functools.lru_cache(maxsize=8)  # one after the other, tests have many boards of the same few images
def _carried(image: bytes) -> Mapping[str, bytes] | None:
    """The sources in an image; None if it carries nothing."""
    files = archive.find(image)
    return files and {name: data for name, data in files.items() if name.endswith(".py")}


@functools.cache
def _stock() -> dict[str, bytes]:
    return {path.relative_to(_STOCK).as_posix(): path.read_bytes() for path in _STOCK.rglob("*.py")}


class Device:
    """What `Session` and `Board` need of a device process, and its `link`."""

    pid = None

    def __init__(
        self, sources: dict[str, bytes], on_line: Callable[[str], None], urandom: Callable[[int], bytes]
    ) -> None:
        self.last_lines: list[str] = []
        self.link = DirectLink()
        self.session: Session | None = None  # from its first turn on, as well as `take`
        self.take: Take = no_links
        self._on_line = on_line
        self._sources = sources
        self._urandom = urandom
        self._is_over = False
        self._world: World | None = None
        self._trouble: BaseException | None = None  # what a request of ours has brought upon the board
        self._greenlet = greenlet(self._main)

    def wait(self, ms: float) -> bool:
        """Lets the device run until the host is needed. Whether a request is there to be received."""
        if self.link.request is None:
            if self._greenlet.dead:
                raise EOFError
            self._greenlet.switch()
            if self._trouble:
                raise self._trouble
        return self.link.request is not None

    def interrupt(self) -> None:
        """Not needed: a timer is told with the next reply."""

    def cpu_s(self) -> None:
        """Nobody can tell."""

    def end(self) -> None:
        """Whatever the device is in the midst of, it does not come back; it can neither ask nor print any more."""
        self._is_over = True
        if self._greenlet:
            self._greenlet.throw(Gone)
        self._trouble = self.session = None  # they know us: what knows itself waits for the garbage collector

    @property
    def open_files(self) -> int:
        """How many files the program holds open."""
        return len(self._world.files.handles) if self._world and self._world.files else 0

    # the device's side

    def ask(self, request: Request) -> DirectLink:
        """The link with the answer, until the next request. Raises Gone."""
        link = self.link
        if self._is_over:
            raise Gone
        try:
            is_taken = self.session is not None and self.session.ask(request)
        except BaseException as trouble:
            self._trouble = trouble
            is_taken = True
        if not is_taken:
            link.request = request
        while not link.is_answered or self._trouble or self.session.is_stopped:
            if self._is_over:
                raise Gone
            self._greenlet.parent.switch()
        link.is_answered = False
        return link

    def _main(self) -> None:
        """As `device/_port.py`: boot.py, main.py, then the REPL."""
        try:
            with borrow(self._sources) as world:
                self._world = world
                is_mounted = self._begun(world)
                world.call(Op.READY)
                world.call(Op.START)
                while not is_mounted:
                    self._print(_CORRUPT)
                    world.call(Op.SLEEP, 0, 0, 3000)
                if all(self._ran(world, name) for name in ("boot.py", "main.py")):
                    self._print("the program has ended")
                world.call(Op.REPL, 0, 0, -1)
        except Gone:
            pass

    def _begun(self, world: World) -> bool:
        """False when the partition of files is corrupt."""
        try:
            world.begin(self.ask, self.take, self._print, self._urandom)
            return True
        except CorruptFiles:
            return False

    def _ran(self, world: World, name: str) -> bool:
        try:
            if world.has(name):
                world.execute(name)
            return True
        except SystemExit:
            world.call(Op.SOFT_RESET)
        except Exception as error:
            self._print(traceback_text(error))
        return False

    def _print(self, *values: object, sep: str = " ", end: str = "\n") -> None:
        if self._is_over:
            return
        for line in sep.join(map(str, values)).split("\n"):
            self.last_lines = [*self.last_lines[-2:], line]
            self._on_line(line)
