# SPDX-License-Identifier: MIT
"""How much memory the agent takes: bytes of its modules, heap after import, bytes per block, smallest heap.

Everything is measured on a twin in lockstep (simulator/board/lockstep.py), so the figures are the same on every
machine. The agent is compiled as for a board, without line numbers, and is in the heap, as .mpy files are on a board.
The code of what a board has in flash is not (device/_rom.py), but the objects and names of what stands for C modules
are: `in_flash` tells how much that is.
"""

import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import ceil
from pathlib import Path

from simulator import probes
from simulator.board.build import NO_LINE_NUMBERS, build_firmware
from simulator.board.lockstep import Lockstep
from simulator.breakage import BOARD, FIRMWARE, TITLE
from simulator.errors import UserError
from simulator.firmware_modules import SCRIPTS, loaded_by_update, modules
from simulator.interpreters import Interpreter
from simulator.update import SIZE
from simulator.ways import WAYS, Way, thingsboard

QUICK_SIZE = 851_968
LIMIT_K = 69  # KiB: an update has to work in a heap of this size on the 32-bit interpreter
BOARD_LIMIT_K = 56  # KiB: the same without what a board has in flash
WAYS_LIMIT_K = 80  # KiB: as LIMIT_K, for every other way: TLS or CoAP
FIRST, LAST = 8, 38  # blocks between which allocations are counted
STOCK = "umqtt.simple"  # frozen in every MicroPython for the ESP32
_SMALLEST_K, _LARGEST_K = 24, 160
_HEAP = re.compile(r"probe heap (\d+)")
_NAMES = re.compile(r"n_qstr=(\d+), n_str_data_bytes=(\d+), n_total_bytes=(\d+)")
_BLOCKS = re.compile(r"probe blocks (\d+) bytes (-?\d+)")


@dataclass(frozen=True)
class Imports:
    """Bytes of heap in use after a collection. `base`: before boot.py. `modules`: what each adds, without its names.

    `names`: all interned names that the modules add. `total`: everything loaded, late modules included.
    """

    base: int
    modules: dict[str, int]
    names: int
    total: int


@dataclass(frozen=True)
class Heap(Imports):
    """All about the heap of one interpreter. `smallest_k`: KiB that a whole update needs, None if there is no end.

    `in_flash`: bytes of that which a board does not need. `board_k`: KiB that are left, rounded up to a tenth.
    Both are for ThingsBoard over MQTT; `ways_k` has both for every way (ways.py).
    """

    bytes_per_block: float
    smallest_k: int | None
    in_flash: int
    board_k: float | None
    ways_k: dict[str, tuple[int | None, float | None]]


def measure_heap(interpreter: Interpreter, size: int = SIZE) -> Heap:
    """All about the heap of one MicroPython; `size`: bytes of the image."""
    flash = in_flash(interpreter)
    smallest = {name: smallest_heap(interpreter, size, way) for name, way in WAYS.items()}
    ways_k = {name: (least_k, _without(least_k, flash)) for name, least_k in smallest.items()}
    smallest_k, board_k = next(iter(ways_k.values()))
    return Heap(
        **vars(heap_after_import(interpreter)),
        bytes_per_block=bytes_per_block(interpreter),
        smallest_k=smallest_k,
        in_flash=flash,
        board_k=board_k,
        ways_k=ways_k,
    )


def _without(heap_k: int | None, flash: int) -> float | None:
    """KiB that are left of a heap without so many bytes, rounded up to a tenth."""
    return heap_k and ceil((heap_k * 1024 - flash) / 102.4) / 10


def heap_after_import(interpreter: Interpreter) -> Imports:
    """Loads one module after the other on a board."""
    names = [module.name for module in modules() if module.name not in SCRIPTS]
    names.insert(min(names.index("ota.mqtt"), names.index("ota.mqtt_login")), STOCK)
    heaps, interned = _load(interpreter, names)
    growth = [after.size - before.size for before, after in pairwise(interned)]
    added = [after - before - more for (before, after), more in zip(pairwise(heaps), growth, strict=True)]
    base = _load(interpreter, [])[0][0]  # without the list of names, which is the probe's own
    return Imports(base, dict(zip(names, added, strict=True)), sum(growth), heaps[-1] - heaps[0] + base)


@dataclass(frozen=True)
class _Names:
    """Interned names: how many, the bytes of their text, and of all that the interpreter keeps of them."""

    count: int
    text: int
    size: int


def _load(interpreter: Interpreter, names: list[str]) -> tuple[list[int], list[_Names]]:
    """Heap in use and names that are there, before these modules are loaded and after each."""
    lines = _console(interpreter, probes.image("modules", boot=False, NAMES=names))
    heaps = [int(found[1]) for line in lines if (found := _HEAP.match(line))]
    return heaps, [_Names(*map(int, found.groups())) for line in lines if (found := _NAMES.search(line))]


def in_flash(interpreter: Interpreter) -> int:
    """Bytes of a twin's heap that a board does not need: objects and names of what stands for C code.

    The heap of a twin less that of the interpreter alone, with as many more names in both as an update brings, for
    names are kept in tables that double, and fill them together.
    """
    before, *_, after = _load(interpreter, loaded_by_update())[1]
    count = after.count - before.count
    values = {"COUNT": count, "LENGTH": (after.text - before.text) // count - 1}
    lines = _console(interpreter, probes.image("names", boot=False, **values))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "main.py")
        script.write_text(probes.source("names", **values))
        alone = subprocess.run(interpreter.argv(script), capture_output=True, text=True, check=True).stdout
    return _heap(lines) - _heap(alone.splitlines())


def _heap(lines: list[str]) -> int:
    return next(int(found[1]) for line in lines if (found := _HEAP.match(line)))


def _console(interpreter: Interpreter, image: bytes) -> list[str]:
    """What a program prints until it ends."""
    with Lockstep(interpreter, image, layout=BOARD) as twin:
        if not twin.run(lambda event: event["event"] == "repl", max_boots=1):
            raise RuntimeError(f"the probe did not end: {twin.why} {twin.story.lines[-3:]}")
        return twin.story.lines


@cache
def _firmware(version: str, size: int | None = None) -> bytes:
    return build_firmware(FIRMWARE, TITLE, version, size=size, optimise=NO_LINE_NUMBERS)


def update_completes(interpreter: Interpreter, heap_k: int, size: int = SIZE, way: Way = thingsboard) -> bool:
    """Whether a whole update works with `heap_k` KiB: to the report UPDATED, and not a word of MemoryError before."""

    def ends(event: dict) -> bool:
        line = event.get("line", "")
        is_short = "MemoryError" in line or "no_memory" in line
        return is_short or line == "ota reported state=UPDATED" or event["event"] == "repl"

    try:
        with way(interpreter, _firmware("1.0.0"), _firmware("1.1.0", size), f"{heap_k}k") as twin:
            twin.run(ends, max_boots=2)
            return twin.story.lines[-1:] == ["ota reported state=UPDATED"]
    except UserError as error:
        if error.code != "device_failed":
            raise
        return False  # not even the interpreter and the twins fit


def smallest_heap(interpreter: Interpreter, size: int = SIZE, way: Way = thingsboard) -> int | None:
    """KiB of the smallest heap in which a whole update works; None if 160 are not enough."""
    return smallest(lambda heap_k: update_completes(interpreter, heap_k, size, way))


def smallest(works: Callable[[int], bool]) -> int | None:
    """By bisection: the smallest number of KiB, from 25 to 160, that works; None if 160 does not."""
    low, high = _SMALLEST_K, _LARGEST_K
    if not works(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if works(middle):
            high = middle
        else:
            low = middle
    return high


def bytes_per_block(interpreter: Interpreter, firmware: Path = FIRMWARE) -> float:
    """Heap allocated for each block while blocks stream in, in bytes, through the whole agent."""
    blocks, size = _watch_blocks(interpreter, firmware, lock=False)
    return size / blocks


def streams_with_locked_heap(interpreter: Interpreter, firmware: Path = FIRMWARE) -> bool:
    """Whether blocks stream in while any allocation would raise MemoryError."""
    try:
        return _watch_blocks(interpreter, firmware, lock=True)[0] == LAST - FIRST
    except MemoryError:
        return False


def _watch_blocks(interpreter: Interpreter, firmware: Path, *, lock: bool) -> tuple[int, int]:
    """(blocks, bytes allocated meanwhile). Raises MemoryError if the board did."""
    image = probes.image("blocks", firmware=firmware, TRACK=0, FIRST=FIRST, LAST=LAST, LOCK=lock)
    with thingsboard(interpreter, image, _firmware("1.1.0", QUICK_SIZE), None) as twin:
        twin.run(lambda event: event["event"] == "repl", max_boots=1)
        for line in twin.story.lines:
            if found := _BLOCKS.match(line):
                return int(found[1]), int(found[2])
            if line.startswith("MemoryError"):
                raise MemoryError(line)
        raise RuntimeError(f"the probe did not end: {twin.why} {twin.story.lines[-3:]}")
