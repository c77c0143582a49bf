# SPDX-License-Identifier: MIT
"""Flash: NOR truth, counters, costs and power cuts."""

import random

import pytest

from simulator.board import tear
from simulator.board.clock import VirtualClock
from simulator.board.errors import PowerCut
from simulator.board.flash import BLOCK, MIB, SECTOR, Flash
from simulator.errors import UserError


def test_item_01_flash_fresh_reads_ff_everywhere():
    flash = Flash(MIB)
    assert flash.read(0, MIB) == b"\xff" * MIB


def test_item_02_flash_program_only_clears_bits():
    flash = Flash(MIB)
    flash.program(0xFFFE, bytes.fromhex("f00fff"))  # across a 64 KiB border
    flash.program(0xFFFE, bytes.fromhex("3c3c3c"))
    assert flash.read(0xFFFE, 3) == bytes.fromhex("300c3c")


def test_flash_erase_sets_whole_sectors_and_refuses_parts():
    flash = Flash(MIB)
    flash.program(SECTOR - 1, bytes(3))
    flash.erase(SECTOR, SECTOR)
    assert flash.read(SECTOR - 1, 3) == b"\0\xff\xff"
    with pytest.raises(ValueError):
        flash.erase(1, SECTOR)


def test_item_08_flash_counts_erases_and_programs_per_sector():
    flash = Flash(MIB)
    flash.erase(SECTOR, 2 * SECTOR)
    flash.program(SECTOR * 2 - 1, b"\0\0")
    assert list(flash.erases[:4]) == [0, 1, 1, 0]
    assert list(flash.programs[:4]) == [0, 1, 1, 0]
    assert flash.operations == 3


def test_flash_erase_takes_64_kib_blocks_where_they_are_aligned():
    flash, seen = Flash(MIB), []
    flash.on_op = lambda kind, address, size: seen.append((kind, address, size))
    flash.erase(BLOCK - SECTOR, BLOCK + 2 * SECTOR)
    assert seen == [("erase", BLOCK - SECTOR, SECTOR), ("erase", BLOCK, BLOCK), ("erase", 2 * BLOCK, SECTOR)]


def test_flash_costs_follow_the_data_sheet():
    clock = VirtualClock()
    flash = Flash(MIB, clock)
    flash.erase(0, SECTOR)
    flash.program(0, bytes(SECTOR))
    assert 55 <= clock.now_ms() <= 60  # one block of writeblocks, esp32.md 6.1
    before = clock.now_ms()
    flash.erase(BLOCK, BLOCK)
    assert clock.now_ms() - before == flash.timing.block_erase_ms
    before = clock.now_ms()
    flash.program(0, bytes(32))
    assert 0 < clock.now_ms() - before < 0.3  # an NVS entry


def test_item_07_flash_cut_before_leaves_old_and_after_leaves_new():
    for kind, expected in (("before", b"\xff\xff"), ("after", b"\0\0")):
        flash = Flash(MIB)
        flash.on_op = lambda *_, kind=kind: _cut() if kind == "before" else tear.after
        with pytest.raises(PowerCut):
            flash.program(0, b"\0\0")
        flash.on_op = None
        with pytest.raises(PowerCut):
            flash.read(0, 2)
        flash.power_on()
        assert flash.read(0, 2) == expected


def _cut():
    raise PowerCut


def test_item_07_flash_program_cut_leaves_prefix_torn_page_and_untouched_rest():
    old, new = b"\xff" * 1024, bytes(1024)
    torn = tear.program(random.Random(1))(old, new)
    done = len(torn) - len(torn.lstrip(b"\0"))
    rest = len(torn) - len(torn.rstrip(b"\xff"))
    assert 0 < done < 1024 and rest > 0
    assert 1024 - done - rest <= 256
    again = tear.program(random.Random(2))(b"\x0f" * 64, b"\x05" * 64)
    assert all(byte & 0x05 == 0x05 and byte | 0x0F == 0x0F for byte in again)  # only bits on their way to 0 differ


def test_item_07_flash_erase_cut_leaves_old_erased_or_random_bytes():
    torn = tear.erase(random.Random(3))(bytes(SECTOR), b"\xff" * SECTOR)
    assert 0.2 < torn.count(0) / SECTOR < 0.5
    assert 0.2 < torn.count(0xFF) / SECTOR < 0.5
    assert len(set(torn)) > 100
    assert tear.prefix(0.5)(bytes(4), b"\xff" * 4) == b"\xff\xff\0\0"


def test_flash_file_keeps_every_change(tmp_path):
    path = tmp_path / "flash.bin"
    path.write_bytes(b"\xff" * MIB)
    flash = Flash.open(path)
    flash.program(5, b"kept")
    assert path.read_bytes()[5:9] == b"kept"  # without close: a killed host process loses nothing
    flash.close()
    assert Flash.open(path).read(5, 4) == b"kept"


def test_flash_file_that_is_missing_or_odd_is_one_clear_line(tmp_path):
    odd = tmp_path / "odd.bin"
    odd.write_bytes(b"x" * 5000)
    for path in (tmp_path / "missing.bin", odd):
        with pytest.raises(UserError) as refused:
            Flash.open(path)
        assert refused.value.code == "bad_flash_file"
