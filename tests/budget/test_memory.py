# SPDX-License-Identifier: MIT
"""The memory that was promised: nothing per block, an update in 69k, other ways in 80k. A measurement that notices."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator import memory, tls_memory
from simulator.breakage import FIRMWARE
from simulator.firmware_modules import loaded_by_update, modules
from simulator.interpreters import Interpreter
from simulator.update import SIZE
from simulator.ways import DTLS_WAYS, WAYS

# Each makes one step of the block loop allocate: in the agent, in the source, in the sink.
LEAKS = {
    "agent.py": ("        self.link.pump()\n", "        self.note = [offset]\n"),
    "source/tb_chunks.py": ("        self._wanted += 1\n", "        self.note = b'%d' % self._wanted\n"),
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


def test_update_completes_in_69k_on_micropython32_which_is_56k_on_a_board(small: Interpreter):
    board_bytes = memory.BOARD_LIMIT_K * 1024 + memory.in_flash(small)
    assert memory.update_completes(small, min(memory.LIMIT_K, board_bytes // 1024), SIZE)


@pytest.mark.parametrize("way", ["RainMaker, HTTPS", "RainMaker, MQTT stream", "LwM2M, CoAP pull", "LwM2M, CoAP push"])
def test_update_by_other_ways_completes_in_80k_on_micropython32(small: Interpreter, way: str):
    assert memory.update_completes(small, memory.WAYS_LIMIT_K, SIZE, WAYS[way])


@pytest.mark.parametrize("way", DTLS_WAYS)
def test_trap_6_pull_by_coaps_completes_in_90k_on_micropython32(small: Interpreter, way: str):
    """10k more than without DTLS. Beside that are the two sessions in the C library's memory (docs/memory.md)."""
    assert memory.update_completes(small, 90, SIZE, DTLS_WAYS[way])


def test_trap_6_a_session_of_dtls_is_36_kb_in_the_c_library_and_less_than_one_of_tls(both: list[Interpreter]):
    for interpreter in both:
        tls, dtls = tls_memory.measure(interpreter), tls_memory.measure_datagrams(interpreter)
        assert tls and dtls and max(dtls.context, tls.context) < 6_000
        assert 2 * 16_384 < dtls.another < dtls.session < 45_000 and dtls.another < tls.another


def test_update_over_the_own_broker_completes_in_74k_on_micropython32(small: Interpreter):
    assert memory.update_completes(small, 74, SIZE, WAYS["own broker, MQTT"])


def test_in_flash_is_about_what_a_twin_holds_before_any_program(board: Interpreter):
    twins = memory.heap_after_import(board).base
    assert twins * 0.8 < memory.in_flash(board) < twins * 1.2


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
    names = [module.name for module in modules()]
    assert names.index("ota.port") < names.index("ota.slot") < names.index("ota.install") < names.index("ota.agent")
    assert names.index("ota.source") < names.index("ota.source.tb_chunks")


def test_modules_that_are_not_needed_at_the_start_are_loaded_late():
    late = {module.name for module in modules() if module.is_late}
    parts = "app", "ota.cloud", "ota.coap", "ota.lwm2m", "ota.source"  # main.py loads those it uses
    ways = {name for name in late if name.startswith(parts)}
    software = {"ota.files", "ota.package", "ota.software", "ota.tree", "ota.trees"}
    one_reason = {
        "ota.activation", "ota.attempts", "ota.checksum", "ota.dial", "ota.ended", "ota.identity", "ota.image",
        "ota.install", "ota.mqtt", "ota.mqtt_login", "ota.offer", "ota.offered", "ota.policy", "ota.resume",
        "ota.trial", "ota.verdict",
    }  # fmt: skip
    time = {"ota.clock", "ota.hours", "ota.schedule", "ota.when", "ota.zone"}  # where there are rules about it
    say = {  # where somebody has one
        "ota.availability", "ota.control", "ota.deadline", "ota.deferral", "ota.events", "ota.explain", "ota.gates",
        "ota.gating", "ota.leaving", "ota.orders", "ota.other", "ota.switches", "ota.terms", "ota.wear",
    }  # fmt: skip
    rare = {
        "ota.answer", "ota.body", "ota.chunked", "ota.crashes", "ota.crc32", "ota.credentials", "ota.digests",
        "ota.exchange", "ota.hardware", "ota.host", "ota.http", "ota.murmur3", "ota.no_nvs", "ota.probation",
        "ota.quarantine", "ota.records", "ota.redirect", "ota.remains", "ota.safe", "ota.scatter", "ota.seal",
        "ota.secure", "ota.setbacks", "ota.sha512", "ota.surrogates", "ota.unsized", "ota.versions", "ota.waiting",
        "ota.watching",
    }  # fmt: skip
    assert late == ways | software | one_reason | time | say | rare


def test_update_loads_what_it_needs_and_nothing_else():
    loaded = loaded_by_update()
    at_start = {module.name for module in modules() if not module.is_late} - {"boot", "main"}
    assert set(loaded) - at_start == {
        "ota.activation", "ota.cloud", "ota.cloud.tb_common", "ota.cloud.tb_offers", "ota.cloud.thingsboard",
        "ota.dial", "ota.hardware", "ota.identity", "ota.image", "ota.install", "ota.mqtt", "ota.mqtt_login",
        "ota.offer", "ota.offered", "ota.policy", "ota.records", "ota.resume", "ota.source", "ota.source.filler",
        "ota.source.tb_chunks", "ota.verdict", "ota.waiting",
    }  # fmt: skip
    assert loaded.index("ota.mqtt") < loaded.index("ota.cloud.thingsboard")


def test_modules_are_smaller_without_line_numbers():
    assert all(0 < module.mpy_o3 < module.mpy for module in modules())


def test_heap_of_a_module_is_in_proportion_to_its_code(board: Interpreter):
    heap, code = memory.heap_after_import(board), {module.name: module.mpy_o3 for module in modules()}
    assert set(heap.modules) == set(code) - {"boot", "main"} | {memory.STOCK}
    for name, size in heap.modules.items():  # a table of names, 4 KiB, in one of them would be noticed
        if name != memory.STOCK:
            assert code[name] / 2.5 < size < (code[name] / 2 + 100) * board_word(board), name
    assert heap.base + sum(heap.modules.values()) + heap.names == heap.total
