# SPDX-License-Identifier: MIT
"""A device without a process of its own: the same twins and the same firmware, as a greenlet of this one.

For the virtual clock only, and CPython only: a boot takes milliseconds, and thousands of boards fit side by side. Each
device has a world of modules of its own, loaded anew at every boot, so RAM is gone after a reset as it should be.
`Device` stands in for `DeviceProcess`; behind it the same `_chip.py` talks to the same `Session`.
"""

import functools
import os
import random
import traceback
from collections.abc import Callable, Mapping
from types import ModuleType

from greenlet import greenlet

from simulator.board import archive
from simulator.board.build import version_source
from simulator.board.image import parse
from simulator.board.link import Link, Op
from simulator.board.world import World, module_like
from simulator.interpreters import ROOT

_STOCK = ROOT / ".tools" / "umqtt"


class Gone(BaseException):
    """Thrown into a device that has lost its power or was reset; whatever it still asks for gets this too."""


class InProcess:
    """Stands in for an Interpreter. `firmware`: sources by path, for images that carry none.

    `overlays`: for an image of that version, sources that win over those of `firmware`. There is no file system: all
    code is frozen. `os.urandom` follows `seed`, so a run is the same every time.
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
        self._os = module_like(os, "getcwd", "uname", "sep", "stat", "listdir")
        self._os.urandom = random.Random(seed).randbytes

    def start(self, image: bytes, on_line: Callable[[str], None]) -> "Device":
        """A device that runs what is frozen in `image`."""
        files = archive.find(image)
        if files is None:
            about = parse(image).descriptor
            files = dict(self._firmware)
            if about and about.version:
                files["version.py"] = version_source(about.project, about.version)
                files |= self._overlays.get(about.version, {})
        sources = {name: data for name, data in (_stock() | files).items() if name.endswith(".py")}
        return Device(sources, on_line, self._os)


@functools.cache
def _stock() -> dict[str, bytes]:
    return {path.relative_to(_STOCK).as_posix(): path.read_bytes() for path in _STOCK.rglob("*.py")}


class Device:
    """What `Session` and `Board` need of a device process, and its `link`."""

    pid = None

    def __init__(self, sources: dict[str, bytes], on_line: Callable[[str], None], os_module: ModuleType) -> None:
        self.last_lines: list[str] = []
        self.link = _MemoryLink()
        self._on_line = on_line
        self._sources = sources
        self._os = os_module
        self._is_over = False
        self._greenlet = greenlet(self._main)

    def wait(self, ms: float) -> bool:
        """Lets the device run to its next request."""
        if not self.link.to_host:
            if self._greenlet.dead:
                raise EOFError
            self._greenlet.switch()
        return True

    def interrupt(self) -> None:
        """Not needed: a timer is told with the next reply."""

    def cpu_s(self) -> None:
        """Nobody can tell."""

    def end(self) -> None:
        """Whatever the device is in the midst of, it does not come back; it can neither ask nor print any more."""
        self._is_over = True
        if self._greenlet:
            self._greenlet.throw(Gone)

    # the device's side

    def write(self, data, size: int) -> None:
        self.link.to_host += memoryview(data).cast("B")[:size]

    def readinto(self, buf, size: int) -> None:
        while len(self.link.to_device) < size:
            if self._is_over:
                raise Gone
            self._greenlet.parent.switch()
        memoryview(buf).cast("B")[:size] = self.link.to_device[:size]
        del self.link.to_device[:size]

    def _main(self) -> None:
        """As `device/_port.py`: boot.py, main.py, then the REPL."""
        world = World(self._sources, self._print, self._os)
        chip = world.load("_chip")
        try:
            chip.connect(self, self, None)
            chip.call(Op.START)
            if all(self._ran(world, chip, name) for name in ("boot.py", "main.py")):
                self._print("the program has ended")
            chip.call(Op.REPL, 0, 0, -1)
        except Gone:
            pass

    def _ran(self, world: "World", chip: ModuleType, name: str) -> bool:
        try:
            if name in self._sources:
                world.execute(name)
            return True
        except SystemExit:
            chip.call(Op.SOFT_RESET)
        except Exception as error:
            self._print("".join(traceback.format_exception(error)).rstrip())
        return False

    def _print(self, *values: object, sep: str = " ", end: str = "\n") -> None:
        if self._is_over:
            return
        for line in sep.join(map(str, values)).split("\n"):
            self.last_lines = [*self.last_lines[-2:], line]
            self._on_line(line)


class _MemoryLink(Link):
    """Link without pipes. The device is switched to by `Device.wait` only."""

    def __init__(self) -> None:
        self.to_host = bytearray()
        self.to_device = bytearray()

    def _exactly(self, size: int) -> bytes:
        data = bytes(self.to_host[:size])
        del self.to_host[:size]
        return data

    def _write(self, packet: bytes) -> None:
        self.to_device += packet
