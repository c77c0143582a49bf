# SPDX-License-Identifier: MIT
"""The chip under a running app: partitions, set_boot, confirm, resets, RTC, time."""

import random
import struct

import pytest

from simulator.board import image_writer, tear
from simulator.board.bootloader import bootloader_header
from simulator.board.chip import Chip
from simulator.board.chip_models import MODELS
from simulator.board.errors import ChipReset, PowerCut
from simulator.board.flash import MIB, Flash
from simulator.board.otadata import ABORTED, NEW, VALID, Record, make
from simulator.board.partition_table import APP, DATA, TEST, Partition
from tests.board.boards import (
    APP_IMAGE,
    ERASED,
    FACTORY_APP,
    KIB64,
    NVS,
    OTADATA,
    TWO_SLOTS,
    WITH_FACTORY,
    board,
    booted,
    failure,
    ota,
    reset,
    states,
)

INVALID_ARG = (-258, "ESP_ERR_INVALID_ARG")
INVALID_SIZE = (-260, "ESP_ERR_INVALID_SIZE")
NOT_FOUND = (-261, "ESP_ERR_NOT_FOUND")
VALIDATE_FAILED = (-5379, "ESP_ERR_OTA_VALIDATE_FAILED")
EMPTY = Record()


def labels(chip: Chip, handles: list[int]) -> list[str]:
    return [chip.info(handle)[4] for handle in handles]


def spare(chip: Chip) -> int:
    return chip.lookup("ota_1")


def put(chip: Chip, label: str, content: bytes) -> int:
    """Replaces the content of a slot; returns its handle."""
    handle = chip.lookup(label)
    chip.erase(handle, 0, KIB64)
    chip.write(handle, 0, content)
    return handle


# Reading and writing


def test_item_03_chip_write_never_erases():
    chip = booted()
    chip.write(spare(chip), 4096, b"\x0f")
    chip.write(spare(chip), 4096, b"\xf0")
    assert chip.read(spare(chip), 4096, 1) == b"\0"


def test_item_04_chip_erase_write_of_a_part_block_raises_and_changes_nothing():
    chip = booted()
    operations = chip.flash.operations
    assert failure(chip.erase_write, spare(chip), 0, bytes(4095)) == INVALID_SIZE
    assert chip.flash.operations == operations
    chip.erase_write(spare(chip), 4096, b"new!" * 1024)
    assert chip.read(spare(chip), 4096, 4096) == b"new!" * 1024


def test_item_06_chip_erase_takes_whole_sectors_only():
    chip = booted()
    chip.erase_write(spare(chip), 0, bytes(8192))
    chip.erase(spare(chip), 4096, 4096)
    assert chip.read(spare(chip), 4095, 2) == b"\0\xff"
    assert chip.read(spare(chip), 8191, 2) == b"\xff\xff"
    assert failure(chip.erase, spare(chip), 1, 4096) == INVALID_ARG
    assert failure(chip.erase, spare(chip), KIB64, 4096) == INVALID_SIZE


def test_item_09_chip_access_at_the_end_is_a_wrong_size_and_beyond_a_wrong_argument():
    chip = booted()
    for action, data in ((chip.read, 1), (chip.write, b"x"), (chip.erase_write, bytes(4096))):
        assert failure(action, spare(chip), KIB64, data) == INVALID_SIZE
        assert failure(action, spare(chip), KIB64 + 1, data) == INVALID_ARG
        assert failure(action, spare(chip), -4096, data) == INVALID_ARG
    assert failure(chip.read, spare(chip), KIB64 - 1, 2) == INVALID_SIZE


def test_item_10_chip_read_of_nothing_raises_and_write_of_nothing_does_nothing():
    chip = booted()
    operations = chip.flash.operations
    assert failure(chip.read, spare(chip), 0, 0) == INVALID_ARG
    chip.write(spare(chip), 0, b"")
    chip.erase_write(spare(chip), 0, b"")
    assert chip.flash.operations == operations


def test_item_11_chip_write_into_the_running_slot_or_the_bootloader_resets():
    low = Partition("low", 0x40, 0, 0x8000, 0x1000)
    chip = booted([*TWO_SLOTS, low])
    before = chip.flash.read(0, MIB)
    running = chip.running_partition()
    low_handle = chip.find(0x40)[0]
    for action, handle, offset, size in (
        (chip.write, running, 0, b"x"),
        (chip.erase, running, 4096, 4096),
        (chip.erase_write, running, 0, bytes(4096)),
        (chip.write, low_handle, 0xBFF, b"x"),
    ):
        with pytest.raises(ChipReset) as reset_:
            action(handle, offset, size)
        assert reset_.value.cause == 2
    assert chip.flash.read(0, MIB) == before
    assert failure(chip.erase_write, running, 0, bytes(100)) == INVALID_SIZE  # arguments are checked first
    chip.write(low_handle, 0xC00, b"x")  # behind the table


def test_item_12_chip_readonly_partition_is_not_written():
    chip = booted([*TWO_SLOTS, Partition("fixed", DATA, 6, 0x80000, 0x1000, readonly=True)])
    handle = chip.lookup("fixed")
    assert failure(chip.write, handle, 0, b"x") == (-269, "ESP_ERR_NOT_ALLOWED")
    assert failure(chip.erase, handle, 0, 4096) == (-269, "ESP_ERR_NOT_ALLOWED")


def test_item_60_chip_image_larger_than_the_slot_fails_at_the_first_sector_outside():
    chip = booted()
    image = image_writer.build(b"", "big", "1", size=KIB64 + 4096)
    written = 0
    for offset in range(0, len(image), 4096):
        if offset == KIB64:
            assert failure(chip.erase_write, spare(chip), offset, image[offset : offset + 4096]) == INVALID_SIZE
        else:
            chip.erase_write(spare(chip), offset, image[offset : offset + 4096])
            written += 4096
    assert chip.read(spare(chip), 0, KIB64) == image[:written]


# Finding


def test_item_17_chip_find_keeps_table_order_and_labels_prefer_apps():
    rows = [NVS, OTADATA, Partition("twin", DATA, 6, 0x80000, 0x1000), ota(1), ota(0), FACTORY_APP]
    rows.append(Partition("twin", APP, TEST, 0x70000, 0x10000))
    chip = booted(rows)
    assert labels(chip, chip.find(APP)) == ["ota_1", "ota_0", "factory", "twin"]
    assert chip.info(chip.lookup("twin"))[:2] == (APP, TEST)


def test_item_18_chip_adds_a_missing_vfs_last():
    chip = booted()
    assert labels(chip, chip.find(0xFF))[-1] == "vfs"
    assert chip.info(chip.lookup("vfs")) == (1, 0x81, 0x30000, MIB - 0x30000, "vfs", False)
    chip.erase_write(chip.lookup("vfs"), 0, bytes(4096))
    with_row = booted([*TWO_SLOTS, Partition("ffat", DATA, 0x81, 0x80000, 0x10000)])
    assert labels(with_row, with_row.find(DATA)) == ["nvs", "otadata", "ffat"]


def test_item_19_chip_find_of_any_type_takes_no_subtype():
    chip = booted()
    assert len(chip.find(0xFF)) == len(chip.partitions) == 5
    assert chip.find(0xFF, 0x10) == []
    assert chip.find(2) == []
    assert labels(chip, chip.find(0, 0x11)) == ["ota_1"]
    assert labels(chip, chip.find(1, 0xFF, "otadata")) == ["otadata"]
    assert chip.find(1, 0xFF, "ota_0") == []


def test_item_20_chip_lookup_of_an_unknown_label_is_errno_2():
    chip = booted([*TWO_SLOTS, Partition("mine", 0x40, 0, 0x80000, 0x1000)])
    assert failure(chip.lookup, "nope") == (2,)
    assert failure(chip.lookup, "mine") == (2,)  # neither app nor data


def test_item_57_chip_next_update_goes_up_and_wraps():
    chip = booted([NVS, OTADATA, ota(2), ota(0), ota(1)])
    label = {chip.info(handle)[4]: handle for handle in chip.find(0xFF)}
    after = {name: chip.info(chip.next_update(handle))[4] for name, handle in label.items()}
    assert after == {"ota_0": "ota_1", "ota_1": "ota_2", "ota_2": "ota_0", "nvs": "ota_0", "otadata": "ota_0",
                     "vfs": "ota_0"}  # fmt: skip


def test_item_58_chip_next_update_with_one_slot_is_that_slot():
    chip = booted([NVS, OTADATA, ota(0)])
    assert chip.next_update(chip.running_partition()) == chip.running_partition()
    factory_only = booted([NVS, FACTORY_APP])
    assert failure(factory_only.next_update, 0) == (2,)


# set_boot and confirm


def test_item_34_set_boot_verifies_the_image():
    good = APP_IMAGE
    flipped = bytearray(good)
    flipped[0x130] ^= 1
    cancelling = bytearray(flipped)
    cancelling[0x134] ^= 1
    bad_hash = bytearray(good)
    bad_hash[-1] ^= 1
    wrong_chip = image_writer.build(b"", "app", "1", "esp32s3")
    too_new = bytearray(good)
    struct.pack_into("<H", too_new, 15, 900)
    for content in (b"", flipped, cancelling, bad_hash, wrong_chip, too_new, good[:-40]):
        chip = booted()
        handle = put(chip, "ota_1", bytes(content))
        assert failure(chip.set_boot, handle) == VALIDATE_FAILED
        assert states(chip) == ["seq=1 VALID", ERASED]
    chip.set_boot(put(chip, "ota_1", good))
    assert states(chip) == ["seq=1 VALID", "seq=2 NEW"]


def test_item_35_set_boot_accepts_a_full_flash_file_that_the_bootloader_refuses(stock_file):
    chip = booted()
    chip.set_boot(put(chip, "ota_1", stock_file[:KIB64]))
    chip.reset(2)
    result = chip.boot()
    assert result.slot.label == "ota_0"
    assert any("overlaps bootloader data" in line for line in result.log)
    assert chip.info(chip.boot_partition())[4] == "ota_1"


def test_item_36_set_boot_on_a_data_partition_fails_the_image_check():
    chip = booted()
    assert failure(chip.set_boot, chip.lookup("nvs")) == VALIDATE_FAILED
    chip.erase_write(chip.lookup("vfs"), 0, APP_IMAGE.ljust(4096, b"\xff"))
    assert failure(chip.set_boot, chip.lookup("vfs")) == INVALID_ARG  # a good image does not make it an app


def test_item_37_set_boot_without_otadata_is_not_found():
    chip = booted([NVS, FACTORY_APP])
    assert failure(chip.set_boot, chip.running_partition()) == NOT_FOUND
    assert failure(chip.mark_valid) == NOT_FOUND


def test_item_38_set_boot_of_factory_erases_both_records():
    chip = booted(WITH_FACTORY, [make(1, VALID), make(2, VALID)])
    chip.set_boot(chip.lookup("factory"))
    assert states(chip) == [ERASED, ERASED]
    assert reset(chip) == "factory"


def test_item_39_set_boot_of_the_current_slot_turns_valid_into_pending():
    chip = booted(records=[make(1, VALID), make(2, VALID)])
    chip.set_boot(chip.running_partition())
    assert states(chip) == ["seq=2 NEW", "seq=2 VALID"]
    assert reset(chip) == "ota_1"
    assert states(chip) == ["seq=2 PENDING_VERIFY", "seq=2 VALID"]


def test_item_40_set_boot_works_while_pending_and_overwrites_the_good_record():
    chip = booted(records=[make(1, VALID), make(2, NEW)])
    assert states(chip) == ["seq=1 VALID", "seq=2 PENDING_VERIFY"]
    chip.set_boot(chip.lookup("ota_0"))
    assert states(chip) == ["seq=3 NEW", "seq=2 PENDING_VERIFY"]


def test_item_41_set_boot_needs_slots_that_start_at_ota_0():
    chip = booted([NVS, OTADATA, ota(1, 0), ota(2, 1)])
    assert failure(chip.set_boot, chip.lookup("ota_2")) == INVALID_ARG


def test_item_42_set_boot_without_an_active_record_writes_record_0():
    chip = booted(records=[EMPTY, make(4, ABORTED)])
    chip.set_boot(spare(chip))
    assert states(chip) == ["seq=2 NEW", "seq=4 ABORTED"]


def test_set_boot_of_a_test_app_counts_as_slot_0():
    chip = booted([*TWO_SLOTS, Partition("test", APP, TEST, KIB64 * 4, KIB64)])
    chip.set_boot(chip.lookup("test"))
    assert states(chip) == ["seq=1 VALID", "seq=1 NEW"]


def test_item_43_mark_confirms_the_active_record_and_costs_nothing_when_it_is_valid():
    chip = booted(records=[make(1, VALID), make(2, NEW)])
    chip.mark_valid()
    assert states(chip) == ["seq=1 VALID", "seq=2 VALID"]
    operations = chip.flash.operations
    chip.mark_valid()
    assert chip.flash.operations == operations


def test_item_43_mark_after_a_fallback_blesses_the_broken_slot():
    chip = booted(records=[make(1, VALID), make(2, NEW)], broken=["ota_1"])
    assert chip.running.label == "ota_0"
    chip.mark_valid()
    assert states(chip) == ["seq=1 VALID", "seq=2 VALID"]


def test_item_44_mark_without_an_active_record_fails():
    chip = booted(records=[make(1, ABORTED), make(2, ABORTED)])
    assert failure(chip.mark_valid) == (1, "ESP_FAIL")
    assert failure(booted(WITH_FACTORY).mark_valid) == (1, "ESP_FAIL")


def test_item_45_boot_follows_otadata_at_once_and_running_is_fixed():
    chip = booted()
    assert chip.boot_partition() == chip.running_partition()
    chip.set_boot(spare(chip))
    assert labels(chip, [chip.boot_partition(), chip.running_partition()]) == ["ota_1", "ota_0"]


def test_item_46_boot_without_usable_otadata_is_factory_or_ota_0_or_errno_2():
    condemned = [make(1, ABORTED), make(2, ABORTED)]
    for rows, expected in ((TWO_SLOTS, "ota_0"), (WITH_FACTORY, "factory")):
        chip = booted(rows, condemned)
        assert labels(chip, [chip.boot_partition()]) == [expected]
    assert failure(booted([NVS, FACTORY_APP]).boot_partition) == (2,)


def test_item_47_set_boot_takes_half_a_second_per_mebibyte():
    rows = [NVS, OTADATA, ota(0), Partition("ota_1", APP, 0x11, 0x20000, 0x80000)]
    chip = booted(rows)
    chip.erase(spare(chip), 0, 0x80000)
    chip.write(spare(chip), 0, image_writer.build(b"", "app", "2", size=0x80000))
    before = chip.clock.now_ms()
    chip.set_boot(spare(chip))
    assert 250 <= chip.clock.now_ms() - before <= 300  # 0.5 MiB, and one record


def test_walk_through_of_updates_and_rollbacks_matches_the_real_chip():
    """The A/B walk-through of esp32.md 3.3, step by step."""
    chip = booted()
    assert states(chip) == ["seq=1 VALID", ERASED]
    chip.set_boot(chip.lookup("ota_1"))
    assert states(chip) == ["seq=1 VALID", "seq=2 NEW"]
    assert reset(chip) == "ota_1"
    assert states(chip) == ["seq=1 VALID", "seq=2 PENDING_VERIFY"]
    assert reset(chip) == "ota_0"
    assert states(chip) == ["seq=1 VALID", "seq=2 ABORTED"]
    chip.set_boot(chip.lookup("ota_1"))
    assert states(chip) == ["seq=1 VALID", "seq=2 NEW"]
    assert reset(chip) == "ota_1"
    chip.mark_valid()
    assert states(chip) == ["seq=1 VALID", "seq=2 VALID"]
    chip.set_boot(chip.lookup("ota_0"))
    assert states(chip) == ["seq=3 NEW", "seq=2 VALID"]
    assert reset(chip) == "ota_0"
    chip.set_boot(chip.lookup("ota_1"))
    assert states(chip) == ["seq=3 PENDING_VERIFY", "seq=4 NEW"]
    assert reset(chip) == "ota_1"
    assert states(chip) == ["seq=3 ABORTED", "seq=4 PENDING_VERIFY"]
    for _ in range(2):
        assert reset(chip) == "ota_0"
        assert states(chip) == ["seq=3 ABORTED", "seq=4 ABORTED"]
    assert failure(chip.mark_valid) == (1, "ESP_FAIL")


def test_walk_through_of_the_fallback_trap_matches_the_real_chip():
    """esp32.md 3.3: after a fallback, set_boot leaves no record of the good slot."""
    chip = booted(records=[make(1, VALID), make(2, VALID)], broken=["ota_1"])
    chip.set_boot(put(chip, "ota_1", APP_IMAGE))
    assert states(chip) == ["seq=2 NEW", "seq=2 VALID"]
    assert reset(chip) == "ota_1"
    assert states(chip) == ["seq=2 PENDING_VERIFY", "seq=2 VALID"]
    assert reset(chip) == "ota_1"
    assert states(chip) == ["seq=2 ABORTED", "seq=2 VALID"]


@pytest.mark.parametrize("defence", ["erase the record", "select and confirm the running slot"])
def test_walk_through_of_the_defence_restores_rollback(defence):
    chip = booted(records=[make(1, VALID), make(2, VALID)], broken=["ota_1"])
    if defence == "erase the record":
        chip.erase(chip.lookup("otadata"), 4096, 4096)
    else:
        chip.set_boot(chip.running_partition())
        chip.mark_valid()
    chip.set_boot(put(chip, "ota_1", APP_IMAGE))
    assert reset(chip) == "ota_1"
    assert reset(chip) == "ota_0"


# Reset, RTC, time


def test_item_48_reset_cause_is_what_reset_the_chip():
    chip = booted()
    assert chip.reset_cause == 1
    for cause in (2, 3, 4, 5, 1):
        reset(chip, cause)
        assert chip.reset_cause == cause


def test_item_49_rtc_memory_survives_all_resets_but_power_on():
    chip = booted()
    chip.rtc_memory = b"x" * 2048
    for cause in (2, 3, 4, 5):
        reset(chip, cause)
        assert chip.rtc_memory == b"x" * 2048
    reset(chip, 1)
    assert chip.rtc_memory == b""
    with pytest.raises(ValueError, match="buffer too long"):
        chip.rtc_memory = bytes(2049)


def test_item_54_time_starts_at_2000_with_the_power_and_runs_on_over_resets():
    chip = booted()
    assert chip.time() == 1  # the boot took its time
    chip.clock.spend(20_000)
    reset(chip, 2)
    assert chip.time() == 22
    chip.set_time(800_000_000)
    chip.clock.spend(1500)
    assert chip.time() == 800_000_001
    reset(chip, 1)
    assert chip.time() == 1


def test_chip_boots_every_model_of_the_family():
    for model in MODELS.values():
        chip = board(broken=["ota_0", "ota_1"])
        other = Chip(chip.flash, chip.clock, chip_id=model.chip_id)
        other.flash.erase(0, 0x3000)
        other.flash.program(model.bootloader_offset, bootloader_header(MIB, model))
        other.flash.program(KIB64, image_writer.build(b"payload", "app", "1", model.name))
        result = other.boot()
        assert result.slot and result.slot.label == "ota_0", (model.name, result.why)


def test_power_cut_anywhere_in_an_update_leaves_a_board_that_boots():
    """Cuts before, inside and after each otadata operation of set_boot, the trial boot and the confirmation."""

    def update(chip: Chip) -> None:
        chip.set_boot(spare(chip))
        reset(chip)
        chip.mark_valid()

    plain = booted()
    before = plain.flash.operations
    update(plain)
    total = plain.flash.operations - before
    assert total == 6
    for at in range(total):
        for kind in range(5):
            chip = booted()
            _cut_at(chip.flash, at, kind)
            with pytest.raises(PowerCut):
                update(chip)
            chip.flash.on_op = None
            assert reset(chip, 1) in ("ota_0", "ota_1"), (at, kind)
            update(chip) if chip.running.label == "ota_0" else chip.mark_valid()
            assert reset(chip, 1) == "ota_1", (at, kind)


def _cut_at(flash: Flash, at: int, kind: int) -> None:
    rng = random.Random(at)
    start = flash.operations + at + 1

    def observe(operation: str, address: int, size: int) -> tear.Tear | None:
        if flash.operations != start:
            return None
        if kind == 0:
            raise PowerCut
        inside = tear.erase(rng) if operation == "erase" else tear.program(rng)
        return [tear.after, tear.prefix(0.4), tear.prefix(0.9), inside][kind - 1]

    flash.on_op = observe
