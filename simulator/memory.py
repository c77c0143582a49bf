# SPDX-License-Identifier: MIT
"""How much memory the agent takes: bytes of its modules, heap after import, bytes per block, smallest heap.

Everything is measured on a twin in lockstep (simulator/board/lockstep.py), so the figures are the same on every
machine. Its heap also holds the twins of the chip's C modules, which a real board has in flash.
"""

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

from simulator import probes
from simulator.board.build import build_firmware, compile_module
from simulator.board.lockstep import Lockstep
from simulator.board.net import EPOCH_MS
from simulator.breakage import BOARD, FIRMWARE, TITLE
from simulator.clouds.thingsboard import ThingsBoard
from simulator.errors import UserError
from simulator.interpreters import Interpreter
from simulator.update import SIZE

QUICK_SIZE = 262_144
LIMIT_K = 80  # KiB: an update has to work in a heap of this size on the 32-bit interpreter
FIRST, LAST = 8, 38  # blocks between which allocations are counted
_TOKEN = "T1"
STOCK = "umqtt.simple"  # frozen in every MicroPython for the ESP32
_SCRIPTS = ("boot", "main")
_SMALLEST_K, _LARGEST_K = 24, 160
_MODULE = re.compile(r"probe module (\S+) (\d+)")
_HEAP = re.compile(r"probe heap (\d+)")
_NAMES = re.compile(r"n_total_bytes=(\d+)")
_BLOCKS = re.compile(r"probe blocks (\d+) bytes (-?\d+)")


@dataclass(frozen=True)
class Module:
    """One file of the firmware. `mpy`, `mpy_o3`: bytes compiled, with and without line numbers.

    `is_optional`: nothing imports it until a job needs it, and it may be left off the board.
    """

    name: str
    mpy: int
    mpy_o3: int
    is_optional: bool


@dataclass(frozen=True)
class Imports:
    """Bytes of heap in use after a collection. `base`: before boot.py. `modules`: what each adds, without its names.

    `names`: all interned names that the modules add. `total`: everything loaded, optional modules included.
    """

    base: int
    modules: dict[str, int]
    names: int
    total: int


@dataclass(frozen=True)
class Heap(Imports):
    """All about the heap of one interpreter. `smallest_k`: KiB that a whole update needs, None if there is no end."""

    bytes_per_block: float
    smallest_k: int | None


def modules() -> list[Module]:
    """Every module of the firmware, each after those it imports."""
    graph = _imports()
    needed = _reachable(graph, _SCRIPTS)
    return [
        Module(name, _compiled(name), _compiled(name, 3), name not in needed)
        for name in TopologicalSorter(graph).static_order()
    ]


def _path(name: str) -> Path:
    file = FIRMWARE / name.replace(".", "/")
    return file / "__init__.py" if file.is_dir() else file.with_suffix(".py")


def _compiled(name: str, optimise: int = 0) -> int:
    path = _path(name)
    return len(compile_module(path.relative_to(FIRMWARE).as_posix(), path.read_bytes(), optimise))


def _imports() -> dict[str, set[str]]:
    """Module name -> modules of the firmware that it imports when it is loaded, its packages among them."""
    files = [path.relative_to(FIRMWARE).with_suffix("") for path in FIRMWARE.rglob("*.py")]
    names = {".".join(file.parts).removesuffix(".__init__") for file in files} - {"manifest"}
    return {name: {other for other in _loads(name) if other in names and other != name} for name in sorted(names)}


def _loads(name: str) -> Iterable[str]:
    """Everything that may be a module in the import statements of a module, and the packages it is in."""
    at_once = [statement for statement in ast.parse(_path(name).read_text()).body if not _is_later(statement)]
    for node in ast.walk(ast.Module(at_once, [])):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
    yield from (name[: dot.start()] for dot in re.finditer(r"\.", name))


def _is_later(statement: ast.stmt) -> bool:
    """Imports inside functions happen when they are called."""
    return isinstance(statement, ast.FunctionDef | ast.ClassDef)


def _reachable(graph: dict[str, set[str]], start: Iterable[str]) -> set[str]:
    found: set[str] = set()
    todo = list(start)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += graph[name]
    return found


def measure_heap(interpreter: Interpreter, size: int = SIZE) -> Heap:
    """All about the heap of one MicroPython; `size`: bytes of the image."""
    loaded = heap_after_import(interpreter)
    return Heap(
        **vars(loaded), bytes_per_block=bytes_per_block(interpreter), smallest_k=smallest_heap(interpreter, size)
    )


def heap_after_import(interpreter: Interpreter) -> Imports:
    """Loads one module after the other on a board."""
    names = [module.name for module in modules() if module.name not in _SCRIPTS]
    names.insert(names.index("ota.mqtt"), STOCK)
    lines = _console(interpreter, probes.image("modules", boot=False, NAMES=names))
    totals = [int(found[1]) for line in lines if (found := _HEAP.match(line))]
    interned = [int(found[1]) for line in lines if (found := _NAMES.search(line))]
    sizes = {found[1]: int(found[2]) for line in lines if (found := _MODULE.match(line))}
    growth = [after - before for before, after in pairwise(interned)]
    heaps = {name: sizes[name] - more for name, more in zip(names, growth, strict=True)}
    return Imports(totals[0], heaps, interned[-1] - interned[0], totals[1])


def _console(interpreter: Interpreter, image: bytes) -> list[str]:
    """What a program prints until it ends."""
    with Lockstep(interpreter, image, layout=BOARD) as twin:
        if not twin.run(lambda event: event["event"] == "repl", max_boots=1):
            raise RuntimeError(f"the probe did not end: {twin.why} {twin.story.lines[-3:]}")
        return twin.story.lines


@cache
def _firmware(version: str, size: int | None = None) -> bytes:
    return build_firmware(FIRMWARE, TITLE, version, size=size)


def _twin(interpreter: Interpreter, image: bytes, size: int, heap: str | None) -> Lockstep:
    """A board with `image`, and a cloud that offers it the firmware as version 1.1.0, `size` bytes long."""
    cloud = ThingsBoard(seed=1, now_ms=EPOCH_MS)
    device = cloud.add_device("board-1", _TOKEN)
    cloud.assign(device, cloud.add_package(TITLE, "1.1.0", _firmware("1.1.0", size)), EPOCH_MS)
    return Lockstep(interpreter, image, cloud, {"token": _TOKEN}, layout=BOARD, heap=heap)


def update_completes(interpreter: Interpreter, heap_k: int, size: int = SIZE) -> bool:
    """Whether a whole update works with `heap_k` KiB: to the report UPDATED, without one MemoryError on the way."""

    def ends(event: dict) -> bool:
        line = event.get("line", "")
        return line == "ota reported state=UPDATED" or "MemoryError" in line or event["event"] == "repl"

    try:
        with _twin(interpreter, _firmware("1.0.0"), size, f"{heap_k}k") as twin:
            twin.run(ends, max_boots=2)
            return twin.story.lines[-1:] == ["ota reported state=UPDATED"]
    except UserError as error:
        if error.code != "device_failed":
            raise
        return False  # not even the interpreter and the twins fit


def smallest_heap(interpreter: Interpreter, size: int = SIZE) -> int | None:
    """KiB of the smallest heap in which a whole update works; None if 160 are not enough."""
    return smallest(lambda heap_k: update_completes(interpreter, heap_k, size))


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
    image = probes.image("blocks", firmware=firmware, FIRST=FIRST, LAST=LAST, LOCK=lock)
    with _twin(interpreter, image, QUICK_SIZE, None) as twin:
        twin.run(lambda event: event["event"] == "repl", max_boots=1)
        for line in twin.story.lines:
            if found := _BLOCKS.match(line):
                return int(found[1]), int(found[2])
            if line.startswith("MemoryError"):
                raise MemoryError(line)
        raise RuntimeError(f"the probe did not end: {twin.why} {twin.story.lines[-3:]}")
