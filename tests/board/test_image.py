# SPDX-License-Identifier: MIT
"""App images: what we write, what we accept, and what the chip would not. esptool, as a program, is the judge."""

import hashlib
import json
import struct
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.board import archive, image, image_writer
from simulator.board.build import build_firmware, compile_tree
from simulator.board.chip_models import MODELS
from simulator.board.image import ImageError, Segment
from simulator.errors import UserError

STOCK_SIZE = 1_672_800
APP = image_writer.build(b"payload", "demo", "1.0.0")


def refused(data: bytes, level: image.Level = "set_boot", **chip) -> str:
    with pytest.raises(ImageError) as error:
        image.verify(data, level, **chip)
    return str(error.value)


def edited(offset: int, value: bytes, data: bytes = APP) -> bytes:
    """The image with bytes replaced and checksum and hash made right again."""
    changed = bytearray(data)
    changed[offset : offset + len(value)] = value
    segments = image.parse(changed).segments
    end = segments[-1].offset + segments[-1].size
    size = -(-(end + 1) // 16) * 16
    changed = changed[:size]
    changed[-1] = image.data_checksum(memoryview(bytes(changed)), segments)
    return bytes(changed) + hashlib.sha256(changed).digest()


def esptool_info(path) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "esptool", "image-info", str(path)], capture_output=True, text=True, timeout=60
    )
    return run.stdout  # the exit status is 0 even for an invalid image


@pytest.mark.parametrize("chip", list(MODELS))
def test_image_esptool_calls_our_images_valid(chip, tmp_path):
    path = tmp_path / "app.bin"
    path.write_bytes(image_writer.build(b"some payload", "demo", "1.2.3", chip, size=65536 * 2))
    text = esptool_info(path)
    assert f"Chip ID: {MODELS[chip].chip_id} " in text
    assert text.count("(valid)") == 2  # checksum and hash
    assert "invalid" not in text
    assert "App version: 1.2.3" in text
    assert "Project name: demo" in text


def test_image_esptool_sees_the_damage_that_we_see(tmp_path):
    damaged = bytearray(APP)
    damaged[0x130] ^= 1
    path = tmp_path / "bad.bin"
    path.write_bytes(damaged)
    assert "invalid" in esptool_info(path)
    assert "checksum" in refused(damaged)


def test_image_memory_maps_agree_with_esptool():
    from esptool.targets import CHIP_DEFS

    for model in MODELS.values():
        theirs = CHIP_DEFS[model.name]
        maps = theirs.MEMORY_MAP
        assert model.chip_id == theirs.IMAGE_CHIP_ID
        assert model.bootloader_offset == theirs.BOOTLOADER_FLASH_OFFSET
        ranges = {(low, high) for low, high, _ in maps}
        assert model.iram in ranges and model.irom in ranges, model.name
        for low, high in (model.drom, *model.ram):
            assert any(theirs_low <= low for theirs_low, _ in ranges)
            assert any(theirs_low <= low < theirs_high for theirs_low, theirs_high in ranges), (model.name, hex(low))
            assert any(theirs_low < high <= theirs_high for theirs_low, theirs_high in ranges), (model.name, hex(high))


def test_image_of_exact_size_is_deterministic_and_incompressible():
    import zlib

    one = image_writer.build(b"x" * 1000, "demo", "1.0.0", size=STOCK_SIZE)
    assert len(one) == STOCK_SIZE
    assert one == image_writer.build(b"x" * 1000, "demo", "1.0.0", size=STOCK_SIZE)
    assert len(zlib.compress(one, 1)) > 0.99 * (STOCK_SIZE - 1000)
    other = image_writer.build(b"x" * 1000, "demo", "1.0.1", size=STOCK_SIZE)
    assert sum(a == b for a, b in zip(one[5000:6000], other[5000:6000], strict=True)) < 50
    assert image.verify(one, "bootloader").size == STOCK_SIZE


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 40))
def test_image_of_any_payload_and_size_is_valid(payload, extra):
    natural = len(image_writer.build(payload))
    size = natural + 16 * extra
    data = image_writer.build(payload, size=size)
    assert len(data) == size
    assert image.start_problem(image.verify(data, "bootloader"), MODELS["esp32"]) is None


def test_image_writer_refuses_the_impossible_with_a_code():
    for code, arguments in (
        ("bad_size", {"size": 1001}),
        ("bad_size", {"size": 320}),
        ("unknown_chip", {"chip": "esp8266"}),
        ("title_too_long", {"title": "t" * 32}),
        ("version_too_long", {"version": "é" * 16}),
    ):
        with pytest.raises(UserError) as error:
            image_writer.build(b"x" * 100, **arguments)
        assert error.value.code == code


def test_item_59_image_version_may_be_empty(stock_app):
    described = image.parse(stock_app).descriptor
    assert (described.version, described.project) == ("", "")
    assert (described.idf_version, described.date) == ("v5.0.4", "Jun  2 2024")
    assert image.parse(APP).descriptor.version == "1.0.0"
    assert image.parse(APP).descriptor.project == "demo"


def test_image_of_stock_micropython_is_taken_at_both_levels(stock_app):
    for level in ("set_boot", "bootloader"):
        parsed = image.verify(stock_app, level)
        assert (parsed.size, len(parsed.segments)) == (STOCK_SIZE, 7)
    assert image.start_problem(parsed, MODELS["esp32"]) is None
    assert image.verify(stock_app + b"\xff" * 5000, "bootloader").size == STOCK_SIZE  # what follows is ignored


def test_image_of_stock_micropython_is_refused_after_each_injury_that_the_real_chip_refused(stock_app):
    flipped = bytearray(stock_app)
    flipped[500_000] ^= 4
    assert "checksum" in refused(flipped)
    flipped[500_004] ^= 4  # the checksum is right again
    assert "SHA-256" in refused(flipped)
    assert "SHA-256" in refused(stock_app[:-1] + bytes([stock_app[-1] ^ 1]))
    assert "ends before segment 4" in refused(stock_app[: 1 << 20])
    assert "1672799 are there" in refused(stock_app[:-1])
    assert "segment 4" in refused(stock_app[: 1 << 20] + b"\xff" * (1 << 20))  # truncated in a slot
    assert "v9.0" in refused(edited(15, struct.pack("<H", 900), stock_app))
    assert "v3.99" in refused(stock_app, revision=400)
    assert "this is an esp32c3" in refused(stock_app, chip_id=5)


def test_image_full_flash_file_passes_set_boot_and_not_the_bootloader(stock_file):
    image.verify(stock_file, "set_boot")
    assert "overlaps bootloader data" in refused(stock_file, "bootloader")
    assert image.parse(stock_file).descriptor is None


def test_image_micropython_version_is_found_in_a_real_image_and_not_in_ours(stock_app):
    assert image.micropython_version(stock_app) == (1, 23)
    assert image.micropython_version(APP) is None
    mentions = image_writer.build(archive.pack({"a.py": b"# needs MicroPython v1.20.0 or newer"}))
    assert image.micropython_version(mentions) is None


def test_image_structure_that_makes_no_sense_is_refused():
    assert "too short" in refused(APP[:23])
    assert "0xe8" in refused(b"\xe8" + APP[1:])
    assert "17 segments" in refused(edited_count(17))
    assert "impossible length" in refused(APP[:28] + struct.pack("<I", 6) + APP[32:])
    assert "impossible length" in refused(APP[:28] + struct.pack("<I", 1 << 24) + APP[32:])
    assert "ends before segment 1" in refused(APP[:28] + struct.pack("<I", 1 << 20) + APP[32:])


def edited_count(count: int) -> bytes:
    return APP[:1] + bytes([count]) + APP[2:]


def test_image_ram_segment_is_only_checked_by_the_bootloader():
    iram_header = image.parse(APP).segments[1].offset - 8
    for address, why in (
        (0x3FFF0000, "overlaps bootloader data"),
        (0x3FFE0000, "overlaps bootloader stack"),
        (0x60000000, "bad load address range"),
        (0x4009FFFE, "bad load address range"),  # starts in RAM, ends behind it
    ):
        data = edited(iram_header, struct.pack("<I", address))
        image.verify(data, "set_boot")
        assert why in refused(data, "bootloader")
    image.verify(edited(iram_header, struct.pack("<I", 0x100)), "bootloader")  # padding, not loaded


def test_image_mapped_segment_must_agree_with_its_place_in_flash():
    image.verify(APP, "set_boot", flash_address=0x1B0000)
    assert "modulo 64 KiB" in refused(APP, flash_address=0x11000)


def test_image_descriptor_is_required_where_the_mmu_page_is_configurable():
    for chip, needed in (("esp32", False), ("esp32c6", True), ("esp32c2", True), ("esp32s3", False)):
        data = edited(0x20, b"\0\0\0\0", image_writer.build(b"", "demo", "1", chip))
        if needed:
            assert "descriptor" in refused(data, chip_id=MODELS[chip].chip_id)
        else:
            image.verify(data, "set_boot", chip_id=MODELS[chip].chip_id)


def test_image_without_hash_is_protected_by_the_checksum_alone():
    bare = bytearray(APP[:-32])
    bare[23] = 0
    image.verify(bare, "set_boot")
    bare[0x130] ^= 1
    bare[0x131] ^= 1
    image.verify(bare, "set_boot")  # two equal flips cancel out
    bare[0x130] ^= 1
    assert "checksum" in refused(bare)


def test_image_that_cannot_start_is_told_apart():
    model = MODELS["esp32"]
    assert image.start_problem(image.parse(edited_count(0)), model) == "0 mapped segments, an app has two"
    astray = image.parse(APP[:4] + struct.pack("<I", 0x3F400020) + APP[8:])
    assert "no code at the entry point" in image.start_problem(astray, model)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_image_xor_of_all_bytes_equals_the_plain_loop(data):
    expected = 0
    for byte in data:
        expected ^= byte
    assert image.xor_bytes(data) == expected


def test_image_checksum_covers_data_and_not_headers():
    assert image.data_checksum(memoryview(b"\x01\x02\x04\x08"), (Segment(0, 1, 2),)) == 0xEF ^ 2 ^ 4


# Archive and build


def test_archive_travels_in_an_image_and_is_found_again():
    files = {"boot.py": b"print(1)", "ota/agent.mpy": bytes(range(256)), "empty.py": b""}
    data = image_writer.build(archive.pack(files), "demo", "1.0.0", size=200_000)
    assert archive.find(data) == files
    assert archive.pack(files) == archive.pack(dict(reversed(files.items())))


def test_archive_is_absent_in_other_images_and_when_damaged(stock_app):
    assert archive.find(stock_app) is None
    assert archive.find(APP) is None
    assert archive.find(b"") is None
    data = bytearray(image_writer.build(archive.pack({"a.py": b"x" * 50}), "demo", "1.0.0"))
    data[archive.OFFSET + 40] ^= 1
    assert archive.find(bytes(data)) is None


def test_build_compiles_a_tree_for_both_interpreters(tmp_path):
    (tmp_path / "ota" / "__pycache__").mkdir(parents=True)
    (tmp_path / "main.py").write_text("print('main')\n")
    (tmp_path / "manifest.py").write_text("package('ota')\n")
    (tmp_path / "ota" / "__init__.py").write_text("")
    (tmp_path / "ota" / "__pycache__" / "x.py").write_text("")
    files = compile_tree(tmp_path)
    assert sorted(files) == ["main.mpy", "main.py", "ota/__init__.mpy", "ota/__init__.py"]
    assert files["main.py"] == b"print('main')\n"
    assert files["main.mpy"][:2] == b"M\x06"


def test_build_firmware_knows_who_it_is_and_later_folders_win(tmp_path):
    for folder, text in (("base", "A = 1\n"), ("product", "A = 2\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "main.py").write_text(text)
    data = build_firmware([tmp_path / "base", tmp_path / "product"], "my product", "2.0.0", "esp32c3", 60_000)
    files = archive.find(data)
    scope: dict[str, str] = {}
    exec(files["version.py"], scope)
    assert (scope["TITLE"], scope["VERSION"]) == ("my product", "2.0.0")
    assert files["main.py"] == b"A = 2\n"
    assert len(data) == 60_000
    assert image.verify(data, "bootloader", chip_id=5).descriptor.version == "2.0.0"


def test_build_refuses_code_that_does_not_compile(tmp_path):
    (tmp_path / "main.py").write_text("def broken(:\n")
    with pytest.raises(UserError) as error:
        compile_tree(tmp_path)
    assert error.value.code == "does_not_compile"
    assert "main.py" in error.value.text and "line 1" in error.value.text and "SyntaxError" in error.value.text
    assert str(tmp_path) not in error.value.text and json.dumps(error.value.text).count("\\n") == 0
    with pytest.raises(UserError):
        compile_tree(tmp_path / "missing")
