# SPDX-License-Identifier: MIT
"""The memory that was promised: nothing per block, a whole update in 80k, and a measurement that would notice."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator import memory
from simulator.breakage import FIRMWARE
from simulator.interpreters import Interpreter
from simulator.update import SIZE

# Each makes one step of the block loop allocate: in the agent, in the source, in the sink.
LEAKS = {
    "agent.py": ("        self.link.pump()\n", "        self.note = [offset]\n"),
    "source/tb_chunks.py": ("        self._filled += n\n", "        self.note = b'%d' % n\n"),
    "slot.py": ("        self.offset += n\n", "        self.note = self.block[:n]\n"),
}


@pytest.fixture(params=LEAKS)
def leaking(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The firmware with one allocation planted."""
    line, leak = LEAKS[request.param]
    folder = shutil.copytree(FIRMWARE, tmp_path / "firmware")
    file = folder / "ota" / request.param
    text = file.read_text()
    assert text.count(line) == 1
    file.write_text(text.replace(line, line + leak))
    return folder


def test_blocks_stream_in_with_the_heap_locked(board: Interpreter):
    assert memory.streams_with_locked_heap(board)


def test_blocks_allocate_no_byte(board: Interpreter):
    assert memory.bytes_per_block(board) == 0


def test_a_planted_allocation_is_noticed(board: Interpreter, leaking: Path):
    assert not memory.streams_with_locked_heap(board, leaking)
    assert memory.bytes_per_block(board, leaking) >= 4 * board_word(board)


def board_word(board: Interpreter) -> int:
    """Bytes of a machine word: the heap is given out in pieces of four."""
    return 4 if board.name == "micropython32" else 8


def test_update_completes_in_80k_on_micropython32(small: Interpreter):
    assert memory.update_completes(small, memory.LIMIT_K, SIZE)


def test_update_does_not_complete_in_a_heap_that_cannot_hold_the_agent(small: Interpreter):
    assert not memory.update_completes(small, 40, memory.QUICK_SIZE)


def test_update_does_not_complete_where_the_interpreter_does_not_start(small: Interpreter):
    assert not memory.update_completes(small, 8, memory.QUICK_SIZE)


def works_from(limit: int) -> Callable[[int], bool]:
    return lambda heap_k: heap_k >= limit


@pytest.mark.parametrize("limit", [25, 61, 80, 160])
def test_bisection_finds_the_smallest(limit: int):
    assert memory.smallest(works_from(limit)) == limit


def test_bisection_says_when_nothing_is_enough():
    assert memory.smallest(works_from(161)) is None


def test_modules_come_after_what_they_import():
    names = [module.name for module in memory.modules()]
    assert names.index("ota.port") < names.index("ota.slot") < names.index("ota.install") < names.index("ota.agent")
    assert names.index("ota.source") < names.index("ota.source.tb_chunks")


def test_modules_that_a_board_can_do_without_are_the_lazy_ones():
    optional = {module.name for module in memory.modules() if module.is_optional}
    ways = {name for name in optional if name.startswith(("ota.cloud", "ota.source"))}  # main.py loads those it uses
    software = {"ota.files", "ota.package", "ota.software", "ota.tree", "ota.trees"}
    rare = {"ota.exchange", "ota.http", "ota.murmur3", "ota.secure", "ota.sha512"}
    assert optional == ways | software | rare | {"ota.mqtt"}  # not over HTTP


def test_modules_are_smaller_without_line_numbers():
    assert all(0 < module.mpy_o3 < module.mpy for module in memory.modules())


def test_heap_after_import_adds_up(board: Interpreter):
    heap = memory.heap_after_import(board)
    assert abs(heap.base + sum(heap.modules.values()) + heap.names - heap.total) < 64 * board_word(board)
    assert set(heap.modules) == {m.name for m in memory.modules()} - {"boot", "main"} | {memory.STOCK}
    assert all(size > 0 for size in heap.modules.values())
