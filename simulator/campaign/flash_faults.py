# SPDX-License-Identifier: MIT
"""What can be wrong with the flash itself, at one sector (reliability.md B, G5). Written `flash=KIND:WHERE[:ARGUMENT]`.

    program-error, erase-error, read-error   the driver says ESP_FAIL; ARGUMENT: how often, for ever without
    noop-program, noop-erase                 the driver says it is done, and nothing has happened; ARGUMENT as above
    stuck-0, stuck-1                         one bit cannot change any more; ARGUMENT: which, 0 to 32767
    weak                                     one bit that should be 1 reads 0 half of the time; ARGUMENT as above
    slow                                     everything takes ARGUMENT times as long (3 unless told)

WHERE is a sector of the flash, `AREA+SECTOR` with AREA spare (ota_1), running (ota_0), otadata, nvs or files (vfs),
an AREA, or `all`. Reads through the cache (bootloader, image check) never fail, they see wrong bits; so does the twin's
NVS, which reads at boot only.
"""

import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.board.errors import EspError
from simulator.board.flash import SECTOR, Defect, Flash
from simulator.board.partitions import FAIL
from simulator.campaign import stories
from simulator.campaign.case import fault
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.campaign.run import Run

BITS = 8 * SECTOR
# Labels in the campaign's table; it starts in ota_0.
AREAS = {"spare": "ota_1", "running": "ota_0", "otadata": "otadata", "nvs": "nvs", "files": "vfs"}
_WHERE = re.compile(rf"all|{'|'.join(AREAS)}|(({'|'.join(AREAS)})\+)?[0-9]+")
_NUMBER = re.compile(r"[0-9]*")


class Sectors(Defect):
    """A defect of the bytes from `start` to `end`. `times`: how often it strikes, None for ever. `hits` counts."""

    def __init__(self, start: int, end: int, times: int | None = None) -> None:
        self.start, self.end = start, end
        self.hits = 0
        self._left = times

    def overlaps(self, address: int, size: int) -> bool:
        return address < self.end and self.start < address + size

    def strikes(self, address: int, size: int) -> bool:
        """Whether it does so now; counted."""
        if not self.overlaps(address, size) or self._left == 0:
            return False
        self._left = None if self._left is None else self._left - 1
        self.hits += 1
        return True

    def part(self, address: int, inside: bytes, outside: bytes) -> bytes:
        """`inside` where the defect is, `outside` elsewhere; both begin at `address`."""
        low, high = (min(max(edge - address, 0), len(inside)) for edge in (self.start, self.end))
        return outside[:low] + inside[low:high] + outside[high:]


class ChangeError(Sectors):
    """Programming or erasing fails with an error; `kind` is "program" or "erase"."""

    def __init__(self, kind: str, start: int, end: int, times: int | None) -> None:
        super().__init__(start, end, times)
        self._kind = kind

    def change(self, kind: str, address: int, old: bytes, new: bytes) -> bytes:
        if kind == self._kind and self.strikes(address, len(new)):
            raise EspError(*FAIL)
        return new


class Noop(ChangeError):
    """Programming or erasing does nothing, and says it did."""

    def change(self, kind: str, address: int, old: bytes, new: bytes) -> bytes:
        return self.part(address, old, new) if kind == self._kind and self.strikes(address, len(new)) else new


class ReadError(Sectors):
    """The driver's reads fail with an error."""

    def fetch(self, address: int, size: int) -> None:
        if self.strikes(address, size):
            raise EspError(*FAIL)


class Stuck(Sectors):
    """Bit `bit` of the area reads `value`, whatever is done to it."""

    def __init__(self, start: int, end: int, bit: int, value: int) -> None:
        super().__init__(start + bit // 8, min(start + bit // 8 + 1, end))
        self._mask, self._value = 1 << bit % 8, value

    def change(self, kind: str, address: int, old: bytes, new: bytes) -> bytes:
        return Stuck.look(self, address, new)

    def look(self, address: int, data: bytes) -> bytes:
        if not self.overlaps(address, len(data)):
            return data
        seen = bytearray(data)
        at = self.start - address
        if bool(seen[at] & self._mask) != bool(self._value):
            self.hits += 1
            seen[at] ^= self._mask
        return bytes(seen)


class Weak(Stuck):
    """A bit that reads 0 now and then."""

    def __init__(self, start: int, end: int, bit: int, rng: random.Random) -> None:
        super().__init__(start, end, bit, 0)
        self._rng = rng

    def change(self, kind: str, address: int, old: bytes, new: bytes) -> bytes:
        return new

    def look(self, address: int, data: bytes) -> bytes:
        return super().look(address, data) if self._rng.random() < 0.5 else data


class Slow(Sectors):
    """Changes take `factor` times as long."""

    def __init__(self, flash: Flash, start: int, end: int, factor: int) -> None:
        super().__init__(start, end)
        self._flash, self._factor = flash, factor

    def change(self, kind: str, address: int, old: bytes, new: bytes) -> bytes:
        if self.strikes(address, len(new)):
            timing = self._flash.timing
            usual = timing.sector_erase_ms if kind == "erase" else timing.program_ms(address, len(new))
            self._flash.clock.spend(usual * (self._factor - 1))
        return new


Maker = Callable[[Flash, int, int, str, random.Random], Sectors]


def _times(text: str) -> int | None:
    return int(text) if text else None


def _bit(text: str, rng: random.Random) -> int:
    return int(text) % BITS if text else rng.randrange(BITS)


KINDS: dict[str, Maker] = {
    "program-error": lambda flash, start, end, text, rng: ChangeError("program", start, end, _times(text)),
    "erase-error": lambda flash, start, end, text, rng: ChangeError("erase", start, end, _times(text)),
    "read-error": lambda flash, start, end, text, rng: ReadError(start, end, _times(text)),
    "noop-program": lambda flash, start, end, text, rng: Noop("program", start, end, _times(text)),
    "noop-erase": lambda flash, start, end, text, rng: Noop("erase", start, end, _times(text)),
    "stuck-0": lambda flash, start, end, text, rng: Stuck(start, end, _bit(text, rng), 0),
    "stuck-1": lambda flash, start, end, text, rng: Stuck(start, end, _bit(text, rng), 1),
    "weak": lambda flash, start, end, text, rng: Weak(start, end, _bit(text, rng), rng),
    "slow": lambda flash, start, end, text, rng: Slow(flash, start, end, int(text or 3)),
}

BITWISE = ("stuck-0", "stuck-1", "weak")
# What a campaign gives the others as ARGUMENT: once, and for ever; reads and changes are tried three times.
ARGUMENTS = {kind: ("", ":10") if kind == "slow" else (":1", ":2", "") for kind in KINDS if kind not in BITWISE}


@fault("flash")
class FlashFault:
    """`defect` is what it has put into the flash, None before `attach`."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self._text = ":".join(arguments)
        self._kind, self._where, self._argument = [*arguments, "", ""][:3]
        self._rng = rng
        self.defect: Sectors | None = None
        if self._kind not in KINDS or len(arguments) not in (2, 3):
            raise UserError("bad_case", f"flash={self._text}: KIND:WHERE[:ARGUMENT] of {', '.join(KINDS)}")
        if not _NUMBER.fullmatch(self._argument) or not _WHERE.fullmatch(self._where):
            raise UserError("bad_case", f"flash={self._text}: that is no number or no place")

    def attach(self, run: "Run") -> None:
        """Raises UserError("bad_case") for a place that the flash has not."""
        start, end = span(run.twin.flash, self._where)
        self.defect = KINDS[self._kind](run.twin.flash, start, end, self._argument, self._rng)
        run.twin.flash.defects.append(self.defect)


def span(flash: Flash, where: str) -> tuple[int, int]:
    """The addresses from and to of `all`, an area, a sector, or `AREA+SECTOR`. Raises UserError("bad_case")."""
    if where == "all":
        return 0, flash.size
    if where in AREAS:
        row = stories.partitions()[AREAS[where]]
        return row.offset, row.end
    area, _, number = where.rpartition("+")
    row = stories.partitions()[AREAS[area]] if area else None
    first, last = (row.offset, row.end) if row else (0, flash.size)
    start = first + int(number) * SECTOR
    if start >= last:
        raise UserError("bad_case", f"flash fault at {where}: there are {(last - first) // SECTOR} sectors")
    return start, start + SECTOR
