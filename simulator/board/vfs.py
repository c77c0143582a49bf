# SPDX-License-Identifier: MIT
"""The `vfs` partition for a device on CPython: unpacked into a folder, and packed back when the device stops.

MicroPython mounts the partition itself. A power cut loses what CPython wrote since the start: nothing is packed back.
"""

from pathlib import Path

from littlefs import LittleFS, LittleFSError
from littlefs.context import UserContext

from simulator.board.chip import Chip
from simulator.board.flash import SECTOR
from simulator.board.partition_table import DATA

_BOOT_PY = b"# runs at every start, before main.py\n"


class Files:
    """Between the partition and `folder`, which is the device's working folder. Without a partition it does nothing."""

    def __init__(self, chip: Chip, folder: Path) -> None:
        self._chip = chip
        self._folder = folder
        self._packed: dict[str, bytes] = {}
        found = chip.find(DATA, label="vfs") or chip.find(DATA, label="ffat")
        self._handle = found[0] if found else None

    def unpack(self) -> bool:
        """False if the partition holds something else. A blank one gets a file system, as at MicroPython's start."""
        if self._handle is None:
            return True
        cells = self._cells()
        fs = _open(cells)
        try:
            fs.mount()
        except LittleFSError:
            if cells[:SECTOR].strip(b"\xff"):
                self._handle = None
                return False
            self._folder.joinpath("boot.py").write_bytes(_BOOT_PY)
            return True
        for root, folders, files in fs.walk("/"):
            for name in folders:
                self._path(root, name).mkdir()
            for name in files:
                self._path(root, name).write_bytes(fs.open(f"{root}/{name}", "rb").read())
        self._packed = self._content()
        return True

    def pack(self) -> None:
        """Writes the sectors that differ; none if no file has changed."""
        content = self._content()
        if self._handle is None or content == self._packed:
            return
        cells = self._cells()
        before = bytes(cells)
        fs = _open(cells)
        try:
            fs.mount()
        except LittleFSError:
            fs.format()
            fs.mount()
        for name in sorted(set(self._packed) - set(content), reverse=True):
            fs.remove("/" + name)
        for name, data in content.items():
            fs.makedirs("/" + str(Path(name).parent), exist_ok=True)
            if data != self._packed.get(name):
                fs.open("/" + name, "wb").write(data)
        self._packed = content
        for at in range(0, len(before), SECTOR):
            if cells[at : at + SECTOR] != before[at : at + SECTOR]:
                self._chip.erase_write(self._handle, at, bytes(cells[at : at + SECTOR]))

    def _cells(self) -> bytearray:
        return bytearray(self._chip.read(self._handle, 0, self._chip.info(self._handle)[3]))

    def _content(self) -> dict[str, bytes]:
        paths = sorted(path for path in self._folder.rglob("*") if path.is_file())
        return {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in paths}

    def _path(self, root: str, name: str) -> Path:
        return self._folder / root.strip("/") / name


def _open(cells: bytearray) -> LittleFS:
    """A file system, not mounted yet, whose cells are `cells`."""
    context = UserContext(len(cells))
    context.buffer = cells
    return LittleFS(context=context, block_size=SECTOR, block_count=len(cells) // SECTOR, mount=False)
