# SPDX-License-Identifier: MIT
"""Partition tables: Espressif's CSV dialect, the binary form, and what each loader makes of it."""

import re
from pathlib import Path

import pytest

from simulator.board.flash import MIB
from simulator.board.partition_csv import compile_csv, parse_size
from simulator.board.partition_table import (
    TABLE_SIZE,
    Partition,
    TableError,
    dynamic_vfs,
    read_by_app,
    read_by_bootloader,
    to_binary,
)

FOLDER = Path(__file__).parents[2] / "partitions"

# esp32.md 1.6, built by Espressif's generator and accepted by the real bootloader
WORKED_EXAMPLE = [
    ("AA50 01 02 00900000 00400000", b"nvs"),
    ("AA50 01 00 00D00000 00200000", b"otadata"),
    ("AA50 01 01 00F00000 00100000", b"phy_init"),
    ("AA50 00 10 00000100 00001A00", b"ota_0"),
    ("AA50 00 11 00001B00 00001A00", b"ota_1"),
    ("AA50 01 81 00003500 00000B00", b"vfs"),
]
WORKED_MD5 = "EBEB" + "FF" * 14 + "00FBDBF689B208495773 0A75C0457B8D"


def compiled(name: str) -> list[Partition]:
    return compile_csv((FOLDER / f"{name}.csv").read_text())


def test_table_wide_equals_the_worked_example_byte_for_byte():
    rows = b"".join(bytes.fromhex(head) + label.ljust(16, b"\0") + bytes(4) for head, label in WORKED_EXAMPLE)
    expected = (rows + bytes.fromhex(WORKED_MD5)).ljust(TABLE_SIZE, b"\xff")
    assert to_binary(compiled("4MiB-wide")) == expected


def test_table_of_stock_micropython_has_the_md5_of_the_sheet(stock_file):
    table = stock_file[0x7000 : 0x7000 + TABLE_SIZE]
    rows = read_by_app(table)
    assert [row.label for row in rows] == ["nvs", "phy_init", "factory", "vfs"]
    assert "FCBB2B925747711E3B24BC188F657BAC" in table.hex().upper()
    assert to_binary(rows) == table


def test_tables_for_all_boards_are_micropythons_layouts():
    for name, slot_size in (("4MiB", 0x180000), ("8MiB", 0x270000), ("16MiB", 0x270000)):
        rows = {row.label: row for row in compiled(name)}
        assert list(rows) == ["nvs", "otadata", "phy_init", "ota_0", "ota_1"]
        assert (rows["nvs"].offset, rows["nvs"].size) == (0x9000, 0x4000)
        assert (rows["ota_0"].offset, rows["ota_0"].size) == (0x10000, slot_size)
        assert rows["ota_1"].offset == 0x10000 + slot_size


def test_item_18_table_vfs_is_invented_from_126_on_and_only_when_absent():
    rows = compiled("4MiB")
    invented = dynamic_vfs(rows, 4 * MIB, None)
    assert invented == Partition("vfs", 1, 0x81, 0x310000, 0xF0000)
    assert dynamic_vfs(rows, 4 * MIB, (1, 26)) == invented
    assert dynamic_vfs(rows, 4 * MIB, (1, 25)) is None
    assert dynamic_vfs(compiled("4MiB-wide"), 8 * MIB, None) is None
    assert dynamic_vfs(rows, 0x310000, None) is None  # no room behind the last row


def test_csv_fills_in_offsets_units_flags_and_end_addresses(monkeypatch):
    monkeypatch.setenv("APP_SIZE", "1M")
    rows = compile_csv(
        "# a comment\n\n"
        "nvs, data, nvs, , 24K\n"
        "secret, data, , , 0x1000, encrypted:readonly\n"
        "app0, app, ota_0, , $APP_SIZE\n"
        "app1, app, 0x11, , -0x300000,\n"
        "mine, 0x40, 0x07, , 4096\n"
    )
    assert rows == [
        Partition("nvs", 1, 2, 0x9000, 0x6000),
        Partition("secret", 1, 6, 0xF000, 0x1000, encrypted=True, readonly=True),
        Partition("app0", 0, 0x10, 0x10000, MIB),
        Partition("app1", 0, 0x11, 0x110000, 0x300000 - 0x110000),
        Partition("mine", 0x40, 0x07, 0x300000, 0x1000),
    ]
    assert [Partition.parse(row.pack()) for row in rows] == rows


def test_csv_knows_its_words_in_any_case_and_fills_in_what_is_left_out():
    rows = compile_csv("boot, Bootloader, primary, 0x1000, 28K\nnvs, DATA, NVS, , 16K\nmine, 0x40, , , 4K\n")
    assert [(row.type, row.subtype, row.offset) for row in rows] == [(2, 0, 0x1000), (1, 2, 0x9000), (0x40, 6, 0xD000)]


REFUSED = {
    "a,data,nvs,,\n": "size is missing",
    "a,data,nvs,,0x2000\n": "0x3000",
    "a,data,nvs,0x8000,0x4000\n": "below the end of the table",
    "a,data,nvs,0x9100,0x4000\n": "not aligned",
    "a,app,ota_0,0x11000,0x10000\n": "not aligned",
    "a,app,ota_0,,0x10100\n": "multiple of 4 KiB",
    "a,app,,,0x10000\n": "needs a subtype",
    "a,app,ota_99,,0x10000\n": "unknown subtype",
    "a,dada,nvs,,0x4000\n": "unknown type",
    "a,data,0x1ff,,0x4000\n": "out of range",
    "a,data,fat,,0x1000,shiny\n": "unknown flag",
    "a,data,fat,,lots\n": "lots",
    "a,data,fat,,$NO_SUCH_VARIABLE\n": "'$NO_SUCH_VARIABLE' is not a number",
    "a,data,fat,0x100000000,4K\n": "32 bits",
    "a,data,fat,0x9000,-0x9000\n": "no room",
    "a-label-of-17-byte,data,fat,,0x1000\n": "16 bytes",
    "a,data,fat,,0x1000\na,data,fat,,0x1000\n": "twice",
    "a,data,fat,0x9000,0x2000\nb,data,fat,0xa000,0x1000\n": "overlaps",
    "a,data,ota,,0x1000\n": "0x2000",
    "a,data,ota,,0x2000\nb,data,ota,,0x2000\n": "more than one",
    "a,data,ota,,0x2000,readonly\n": "readonly",
    "a,data,coredump,,0x2000,readonly\n": "readonly",
    "# nothing\n": "no partitions",
}


@pytest.mark.parametrize("text", REFUSED, ids=list(REFUSED.values()))
def test_csv_refuses_what_espressifs_generator_refuses(text):
    with pytest.raises(TableError, match=re.escape(REFUSED[text])):
        compile_csv(text)


def test_csv_says_in_which_line_and_checks_the_flash_size():
    with pytest.raises(TableError, match="line 3: "):
        compile_csv("# one\na,data,fat,,4k\nb,bad,fat,,4k\n")
    with pytest.raises(TableError, match="the flash has 0x100000"):
        compile_csv("a,data,fat,,4m\n", MIB)


def test_csv_sizes_are_python_literals_with_k_and_m():
    assert [parse_size(text) for text in ("10", "0x10", "0b11", "4k", "0x4K", "2M")] == [10, 16, 3, 4096, 4096, 2 * MIB]


def test_table_rows_that_do_not_fit_are_refused():
    rows = [Partition(f"p{number}", 1, 6, 0x9000 + number * 0x1000, 0x1000) for number in range(95)]
    assert len(read_by_app(to_binary(rows[:94]))) == 94
    with pytest.raises(TableError):
        to_binary(rows)


def test_item_13_table_bootloader_refuses_bad_md5_missing_end_and_entries_beyond_the_flash():
    good = to_binary(compiled("4MiB"))
    md5_row = 5 * 32
    bad_md5 = bytearray(good)
    bad_md5[md5_row + 20] ^= 1
    no_end = good[: md5_row + 32] + bytes(32) + good[md5_row + 64 :]
    for table, size, why in (
        (bytes(bad_md5), 4 * MIB, "MD5"),
        (no_end, 4 * MIB, "unknown magic"),
        (good[:32] * (TABLE_SIZE // 32), 4 * MIB, "no end row"),
        (good, 2 * MIB, "beyond the flash size"),
        (b"\xff" * TABLE_SIZE, 4 * MIB, "empty"),
        (good[: md5_row + 32] + good[md5_row : md5_row + 32] + good[md5_row + 64 :], 4 * MIB, "two MD5 rows"),
    ):
        with pytest.raises(TableError, match=why):
            read_by_bootloader(table, size)
    assert len(read_by_bootloader(good, 4 * MIB)) == 5


def test_item_14_table_without_md5_passes_the_bootloader_but_not_the_app():
    rows = b"".join(row.pack() for row in compiled("4MiB"))
    table = rows.ljust(TABLE_SIZE, b"\xff")
    assert len(read_by_bootloader(table, 4 * MIB)) == 5
    with pytest.raises(TableError, match="no MD5"):
        read_by_app(table)
