# SPDX-License-Identifier: MIT
"""NOR flash as it is: erase sets 4 KiB to FF, program only clears bits. Counted, timed, and the power can be cut.

Every operation first asks `on_op(kind, address, size)`, kind "erase" or "program". The observer may
* return None: the operation completes;
* raise PowerCut: the power went before anything changed;
* return a function `(old, new) -> bytes`: the power went in the midst, and this is what the cells hold then
  (return `new` for a cut right after). See tear.py for the usual ones.
After a cut every access raises PowerCut until `power_on()`. Addresses and sizes in bytes.

`defects` are what is wrong with the chip itself: cells that stick, operations that fail. See `Defect`.
"""

import mmap
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from simulator.board.clock import Clock, VirtualClock
from simulator.board.errors import PowerCut
from simulator.errors import UserError

SECTOR = 4096
BLOCK = 65536
PAGE = 256
MIB = 1024 * 1024

Tear = Callable[[bytes, bytes], bytes]
Observer = Callable[[str, int, int], Tear | None]


@dataclass
class Timing:
    """What the chip's work costs on the board's clock, in ms (esp32.md 6.1). Typical parts; change it to taste.

    `boot_ms` is reset to boot.py, `wake_ms` the same after deep sleep, `hang_ms` the bootloader's watchdog.
    """

    sector_erase_ms: float = 45
    block_erase_ms: float = 200
    page_program_ms: float = 0.7
    program_setup_ms: float = 0.03
    verify_ms_per_mib: float = 500
    boot_ms: float = 1200
    wake_ms: float = 1000
    hang_ms: float = 9000

    def program_ms(self, address: int, size: int) -> float:
        """Pages are programmed one by one; a part of a page costs its share and the set-up."""
        pages = (address + size - 1) // PAGE - address // PAGE + 1
        return pages * self.program_setup_ms + size / PAGE * (self.page_program_ms - self.program_setup_ms)


class Operation(NamedTuple):
    """One operation: what the cells at `address` held before it, and what it wants them to hold."""

    kind: str
    address: int
    old: bytes
    new: bytes


class Defect:
    """Something that is wrong with the chip. Each method may be overridden; these are those of a sound chip."""

    def change(self, kind: str, address: int, old: bytes, new: bytes) -> bytes:
        """What the cells hold after an operation, or EspError: the driver says that it failed, nothing has changed."""
        return new

    def look(self, address: int, data: bytes) -> bytes:
        """What a read sees."""
        return data

    def fetch(self, address: int, size: int) -> None:
        """Called before a read of the driver, which can fail with EspError."""


class Flash:
    """The chip, in memory or in a file.

    `erases[i]` and `programs[i]` count operations on sector i since opening, `operations` all of them; `last` is the
    last one.
    """

    def __init__(self, size: int, clock: Clock | None = None, *, cells: bytearray | mmap.mmap | None = None) -> None:
        if size <= 0 or size % SECTOR:
            raise ValueError("flash size is a multiple of 4096")
        self.size = size
        self.clock = clock or VirtualClock()
        self.timing = Timing()
        self.on_op: Observer | None = None
        self.defects: list[Defect] = []
        self.erases = array("Q", bytes(8 * (size // SECTOR)))
        self.programs = array("Q", bytes(8 * (size // SECTOR)))
        self.operations = 0
        self.last: Operation | None = None
        self._cells = bytearray(b"\xff") * size if cells is None else cells
        self._is_off = False

    @classmethod
    def open(cls, path: str | Path, clock: Clock | None = None) -> "Flash":
        """A flash whose cells are the file: every change is in the file at once. Raises UserError."""
        try:
            with open(path, "r+b") as file:
                cells = mmap.mmap(file.fileno(), 0)
        except (OSError, ValueError) as error:
            raise UserError("bad_flash_file", f"cannot open flash file {path}: {error}") from None
        if len(cells) % MIB:
            raise UserError("bad_flash_file", f"{path} has {len(cells)} bytes, flash comes in whole MiB")
        return cls(len(cells), clock, cells=cells)

    def close(self) -> None:
        """Writes a file-backed flash out and lets go of it."""
        if isinstance(self._cells, mmap.mmap):
            self._cells.flush()
            self._cells.close()

    def power_on(self) -> None:
        self._is_off = False

    def read(self, address: int, size: int) -> bytes:
        """As the bootloader and the image check see it: mapped into memory, so no error is ever told."""
        self._check(address, size)
        data = bytes(self._cells[address : address + size])
        for defect in self.defects:
            data = defect.look(address, data)
        return data

    def fetch(self, address: int, size: int) -> bytes:
        """A read of the driver, as `Partition.readblocks` does. Raises EspError when the chip has such a defect."""
        self._check(address, size)
        for defect in self.defects:
            defect.fetch(address, size)
        return self.read(address, size)

    def peek(self, address: int, size: int) -> bytes:
        """What the cells hold, for whoever looks on from outside: the power may be off."""
        return bytes(self._cells[address : address + size])

    def program(self, address: int, data: bytes) -> None:
        """Clears the bits that are 0 in `data`; bits that are already 0 stay 0, silently (esp32.md 6)."""
        self._check(address, len(data))
        if not data:
            return
        old = bytes(self._cells[address : address + len(data)])
        for sector in range(address // SECTOR, (address + len(data) - 1) // SECTOR + 1):
            self.programs[sector] += 1
        self._change("program", address, old, _and(old, bytes(data)))
        self.clock.spend(self.timing.program_ms(address, len(data)))

    def erase(self, address: int, size: int) -> None:
        """Sets whole sectors to FF, 64 KiB blocks at a time where they are aligned, as ESP-IDF does."""
        self._check(address, size)
        if address % SECTOR or size % SECTOR:
            raise ValueError("erase works on whole sectors")
        end = address + size
        while address < end:
            is_block = address % BLOCK == 0 and end - address >= BLOCK
            self._erase_unit(address, BLOCK if is_block else SECTOR)
            address += BLOCK if is_block else SECTOR

    def _erase_unit(self, address: int, size: int) -> None:
        for sector in range(address // SECTOR, (address + size) // SECTOR):
            self.erases[sector] += 1
        self._change("erase", address, bytes(self._cells[address : address + size]), b"\xff" * size)
        self.clock.spend(self.timing.block_erase_ms if size == BLOCK else self.timing.sector_erase_ms)

    def _change(self, kind: str, address: int, old: bytes, new: bytes) -> None:
        """The one place where cells change, and where the power may go."""
        tear = None
        self.operations += 1
        self.last = Operation(kind, address, old, new)
        try:
            tear = self.on_op(kind, address, len(new)) if self.on_op else None
        except PowerCut:
            self._is_off = True
            raise
        for defect in self.defects:
            new = defect.change(kind, address, old, new)
        if tear:
            self.lose_power(tear(old, new))
            raise PowerCut
        self._cells[address : address + len(new)] = new

    def lose_power(self, cells: bytes) -> None:
        """The power goes in the midst of the last operation, and this is what it leaves behind."""
        assert self.last, "there was an operation"
        self._cells[self.last.address : self.last.address + len(cells)] = cells
        self._is_off = True

    @property
    def changed_sectors(self) -> list[int]:
        """The numbers of those that may be other than they were at opening."""
        return [n for n, erases in enumerate(self.erases) if erases or self.programs[n]]

    def _check(self, address: int, size: int) -> None:
        if self._is_off:
            raise PowerCut
        if address < 0 or size < 0 or address + size > self.size:
            raise ValueError(f"{address:#x}+{size:#x} is outside the flash")


def _and(old: bytes, new: bytes) -> bytes:
    if not old.strip(b"\xff"):  # the usual case: programming erased flash
        return new
    return (int.from_bytes(old, "little") & int.from_bytes(new, "little")).to_bytes(len(old), "little")
