# SPDX-License-Identifier: MIT
"""NVS: values, limits, the page format, and what happens to pages as they fill up."""

import random
import struct
import subprocess
import sys

from simulator.board.errors import EspError
from simulator.board.flash import Defect, Flash
from simulator.board.nvs import Nvs
from simulator.board.nvs_page import ACTIVE, BLOB_INDEX, BLOB_V1, ENTRIES, U8, Item, Page, crc32, payload_item
from tests.board.boards import OTADATA, booted, failure, ota, reset

SIZE = 0x4000  # as in MicroPython's tables for over-the-air updates
NOT_FOUND = (-4354, "ESP_ERR_NVS_NOT_FOUND")
NOT_ENOUGH_SPACE = (-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
KEY_TOO_LONG = (-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
INVALID_LENGTH = (-4364, "ESP_ERR_NVS_INVALID_LENGTH")


def fresh(size: int = SIZE) -> tuple[Flash, Nvs, int]:
    """(flash, storage, number of the namespace "ota")."""
    flash = Flash(size)
    nvs = Nvs(flash, 0, size)
    return flash, nvs, nvs.open("ota")


def reopened(flash: Flash) -> tuple[Nvs, int]:
    nvs = Nvs(flash, 0, flash.size)
    return nvs, nvs.open("ota")


def test_item_51_nvs_values_are_in_flash_at_once():
    flash, nvs, space = fresh()
    nvs.set_i32(space, "count", -5)
    nvs.set_blob(space, "state", b"\0\xffbytes")
    nvs.set_blob(space, "none", b"")
    again, space = reopened(flash)
    assert again.get_i32(space, "count") == -5
    assert again.get_blob(space, "state") == b"\0\xffbytes"
    assert again.get_blob(space, "none") == b""


def test_nvs_new_values_replace_old_ones_of_any_type():
    flash, nvs, space = fresh()
    values = [1, b"blob", b"other", 2, 2**31 - 1, -(2**31), b"x" * 5000, b"y" * 5000, 7]
    for value in values:
        if isinstance(value, int):
            nvs.set_i32(space, "key", value)
        else:
            nvs.set_blob(space, "key", value)
        for storage in (nvs, reopened(flash)[0]):
            if isinstance(value, int):
                assert storage.get_i32(space, "key") == value
                assert failure(storage.get_blob, space, "key") == NOT_FOUND
            else:
                assert storage.get_blob(space, "key") == value
                assert failure(storage.get_i32, space, "key") == NOT_FOUND


def test_nvs_equal_value_costs_no_flash():
    flash, nvs, space = fresh()
    nvs.set_i32(space, "a", 1)
    nvs.set_blob(space, "b", b"x" * 100)
    operations = flash.operations
    nvs.set_i32(space, "a", 1)
    nvs.set_blob(space, "b", b"x" * 100)
    assert flash.operations == operations
    nvs.set_blob(space, "b", b"x" * 99 + b"y")
    assert flash.operations > operations


def test_item_52_nvs_failures_have_the_numbers_of_esp_idf():
    _, nvs, space = fresh()
    nvs.set_blob(space, "k" * 15, b"12345")
    nvs.set_i32(space, "", 1)
    assert nvs.get_i32(space, "") == 1
    assert failure(nvs.set_i32, space, "k" * 16, 1) == KEY_TOO_LONG
    assert failure(nvs.set_blob, space, "k" * 16, b"") == KEY_TOO_LONG
    assert failure(nvs.open, "n" * 16) == KEY_TOO_LONG
    assert failure(nvs.get_i32, space, "missing") == NOT_FOUND
    assert failure(nvs.get_blob, space, "missing") == NOT_FOUND
    assert failure(nvs.erase_key, space, "missing") == NOT_FOUND
    assert failure(nvs.get_blob, space, "k" * 15, 4) == INVALID_LENGTH
    assert nvs.get_blob(space, "k" * 15, 5) == b"12345"


def test_item_52_nvs_full_raises_and_keeps_every_value():
    flash, nvs, space = fresh()
    nvs.set_blob(space, "large", b"a" * 8000)
    assert failure(nvs.set_blob, space, "second", b"b" * 12000) == NOT_ENOUGH_SPACE
    assert failure(nvs.set_blob, space, "large", b"c" * 8000) == NOT_ENOUGH_SPACE  # both must fit for a moment
    for storage in (nvs, reopened(flash)[0]):
        assert storage.get_blob(space, "large") == b"a" * 8000
        assert failure(storage.get_blob, space, "second") == NOT_FOUND
        storage.set_i32(space, "small", 5)
    nvs, space = reopened(flash)
    nvs.erase_key(space, "large")
    nvs.set_blob(space, "second", b"b" * 10000)
    assert nvs.get_blob(space, "second") == b"b" * 10000


def test_nvs_small_values_fill_all_pages_but_one():
    _, nvs, space = fresh()
    count = 0
    while count < 1000:
        try:
            nvs.set_i32(space, f"key{count}", count)
        except Exception as error:
            assert error.args == NOT_ENOUGH_SPACE
            break
        count += 1
    assert count == 3 * ENTRIES - 1  # 4 pages, one kept free, one entry names the namespace
    assert [nvs.get_i32(space, f"key{i}") for i in range(count)] == list(range(count))


def test_nvs_erased_key_is_gone_and_its_room_comes_back():
    flash, nvs, space = fresh()
    for number in range(100):
        nvs.set_blob(space, "b", bytes([number]) * 4000)
        nvs.erase_key(space, "b")
    assert failure(reopened(flash)[0].get_blob, space, "b") == NOT_FOUND


def test_nvs_namespaces_keep_equal_keys_apart():
    flash, nvs, space = fresh()
    other = nvs.open("other")
    empty = nvs.open("")
    assert len({space, other, empty}) == 3
    nvs.set_i32(space, "key", 1)
    nvs.set_i32(other, "key", 2)
    assert nvs.open("ota") == space
    again = Nvs(flash, 0, SIZE)
    assert (again.get_i32(again.open("ota"), "key"), again.get_i32(again.open("other"), "key")) == (1, 2)


def test_nvs_wear_is_spread_over_the_pages_that_change():
    flash, nvs, space = fresh()
    for number in range(3000):
        nvs.set_i32(space, "count", number)
    wear = sorted(flash.erases[page] for page in range(4))[1:]  # the page that names the namespace never changes
    assert min(wear) >= 4 and max(wear) - min(wear) <= 1
    assert reopened(flash)[0].get_i32(space, "count") == 2999


def test_nvs_cost_of_a_small_value_is_below_a_millisecond():
    flash, nvs, space = fresh()
    nvs.set_i32(space, "count", 1)
    before = flash.clock.now_ms()
    nvs.set_i32(space, "count", 2)
    assert 0.1 < flash.clock.now_ms() - before < 1


def test_nvs_random_work_agrees_with_a_dictionary():
    rng = random.Random(7)
    flash, nvs, space = fresh()
    model: dict[str, int | bytes] = {}
    for step in range(600):
        key = rng.choice("abcdef")
        action = rng.random()
        if action < 0.5:
            model[key] = rng.randrange(-1000, 1000)
            nvs.set_i32(space, key, model[key])
        elif action < 0.9 and sum(len(v) for v in model.values() if isinstance(v, bytes)) < 4000:
            model[key] = rng.randbytes(rng.choice((0, 1, 31, 32, 33, 500, 1500)))
            nvs.set_blob(space, key, model[key])
        elif key in model:
            del model[key]
            nvs.erase_key(space, key)
        if step % 20 == 0:
            nvs, space = reopened(flash)
        for name in "abcdef":
            assert _value(nvs, space, name) == model.get(name)


def _value(nvs: Nvs, space: int, key: str) -> int | bytes | None:
    for read in (nvs.get_i32, nvs.get_blob):
        try:
            return read(space, key)
        except Exception as error:
            assert error.args == NOT_FOUND
    return None


# The format


def generated(tmp_path, rows: str) -> bytes:
    """A partition made by Espressif's own generator."""
    csv, out = tmp_path / "nvs.csv", tmp_path / "nvs.bin"
    csv.write_text("key,type,encoding,value\n" + rows)
    subprocess.run(
        [sys.executable, "-m", "esp_idf_nvs_partition_gen", "generate", csv, out, hex(SIZE)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return out.read_bytes()


def test_nvs_reads_what_espressifs_generator_writes(tmp_path):
    blob = bytes(range(256)) * 20
    content = generated(
        tmp_path,
        "wifi,namespace,,\nssid,data,string,my network\ncount,data,i32,-7\nbyte,data,u8,3\n"
        f"ota,namespace,,\nkey,data,hex2bin,00ff10\nlarge,data,hex2bin,{blob.hex()}\n",
    )
    flash = Flash(SIZE)
    flash.program(0, content)
    nvs = Nvs(flash, 0, SIZE)
    wifi, space = nvs.open("wifi"), nvs.open("ota")
    assert nvs.get_i32(wifi, "count") == -7
    assert failure(nvs.get_i32, wifi, "ssid") == NOT_FOUND  # a string: MicroPython has no call for it
    assert failure(nvs.get_i32, wifi, "byte") == NOT_FOUND
    assert nvs.get_blob(space, "key") == b"\x00\xff\x10"
    assert nvs.get_blob(space, "large") == blob
    nvs.set_blob(space, "large", b"new")
    nvs.set_i32(wifi, "ssid", 1)
    again = Nvs(flash, 0, SIZE)
    assert (again.get_blob(space, "large"), again.get_i32(wifi, "ssid")) == (b"new", 1)


def test_nvs_writes_what_espressifs_generator_writes(tmp_path):
    content = generated(tmp_path, "ota,namespace,,\ncount,data,i32,-7\nkey,data,hex2bin,00ff10\n")
    flash, nvs, space = fresh()
    nvs.set_i32(space, "count", -7)
    nvs.set_blob(space, "key", b"\x00\xff\x10")
    assert flash.read(0, SIZE) == content


def test_nvs_old_one_page_blob_is_read():
    flash, nvs, space = fresh()
    nvs._used[-1].append(payload_item(space, BLOB_V1, "old", b"from version 1"))
    again, space = reopened(flash)
    assert again.get_blob(space, "old") == b"from version 1"


# Start


def test_item_53_nvs_garbage_is_erased_silently_at_start():
    chip = booted()
    space = chip.nvs.open("ota")
    chip.nvs.set_i32(space, "a", 1)
    chip.erase_write(chip.lookup("nvs"), 0, random.Random(1).randbytes(0x4000))
    assert reset(chip) == "ota_0"
    space = chip.nvs.open("ota")
    assert failure(chip.nvs.get_i32, space, "a") == NOT_FOUND
    chip.nvs.set_i32(space, "a", 2)
    reset(chip)
    assert chip.nvs.get_i32(chip.nvs.open("ota"), "a") == 2


def test_item_53_nvs_without_a_free_page_is_erased():
    flash, nvs, space = fresh()
    nvs.set_i32(space, "a", 1)
    for number in range(1, 4):
        page = Page(flash, number * 4096)
        page.activate(number)
        page.append(Item(0, U8, f"n{number}", bytes([number + 10]).ljust(8, b"\xff")))
    again, space = reopened(flash)
    assert failure(again.get_i32, space, "a") == NOT_FOUND
    assert [flash.erases[page] for page in range(4)] == [1] * 4


def test_item_53_nvs_of_a_newer_format_is_erased():
    flash, nvs, space = fresh()
    nvs.set_i32(space, "a", 1)
    body = struct.pack("<IB19s", 5, 0xFD, b"\xff" * 19)
    flash.program(4096, struct.pack("<I", ACTIVE) + body + struct.pack("<I", crc32(body)))
    again, space = reopened(flash)
    assert failure(again.get_i32, space, "a") == NOT_FOUND
    assert flash.read(4096, 4096) == b"\xff" * 4096


def test_nvs_of_a_board_without_the_partition_is_not_initialized():
    chip = booted([OTADATA, ota(0), ota(1)])
    assert failure(chip.nvs.open, "ota") == (-4353, "ESP_ERR_NVS_NOT_INITIALIZED")


def test_nvs_blob_with_a_missing_chunk_is_dropped():
    flash, nvs, space = fresh()
    nvs.set_blob(space, "b", b"x" * 5000)
    index = nvs._value(space, "b")
    assert index.type == BLOB_INDEX
    chunk = nvs._chunks(index)[1]
    nvs._page_of(chunk).erase_item(chunk)
    again, space = reopened(flash)
    assert failure(again.get_blob, space, "b") == NOT_FOUND
    assert failure(again.erase_key, space, "b") == NOT_FOUND


def test_nvs_damaged_entry_is_dropped_and_the_rest_stays():
    flash, nvs, space = fresh()
    for number, key in enumerate(("a", "b", "c")):
        nvs.set_i32(space, key, number)
    second_entry = 64 + 2 * 32
    flash.program(second_entry + 24, b"\0")  # the value of "b"... is 1, now 0, and the checksum is wrong
    again, space = reopened(flash)
    assert [_value(again, space, key) for key in "abc"] == [0, None, 2]


class CannotErase(Defect):
    def change(self, kind: str, address: int, old: bytes, new: bytes) -> bytes:
        if kind == "erase":
            raise EspError(-1, "ESP_FAIL")
        return new


def test_nvs_whose_pages_cannot_be_erased_refuses_and_keeps_what_it_has():
    """The twin itself once fell over the page that was missing."""
    flash, nvs, space = fresh()
    nvs.set_blob(space, "kept", b"old")
    flash.defects.append(CannotErase())
    said = set()
    for number in range(60):
        try:
            nvs.set_blob(space, "log", bytes((number,)) * 400)
        except EspError as error:
            said.add(error.name)
    assert said == {"ESP_FAIL", "ESP_ERR_NVS_INVALID_STATE"}
    assert nvs.get_blob(space, "kept") == b"old"
