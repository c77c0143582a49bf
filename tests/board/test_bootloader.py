# SPDX-License-Identifier: MIT
"""The bootloader on whole boards: which slot runs, what otadata holds afterwards, and boot loops."""

from dataclasses import replace

from simulator.board import bootloader, otadata
from simulator.board.flash import MIB
from simulator.board.otadata import ABORTED, NEW, PENDING_VERIFY, VALID, Record, make
from simulator.board.partition_table import APP, DATA, TEST, Partition, to_binary
from tests.board.boards import (
    APP_IMAGE,
    ERASED,
    KIB64,
    NVS,
    OTADATA,
    THREE_SLOTS,
    TWO_SLOTS,
    WITH_FACTORY,
    board,
    booted,
    failure,
    ota,
    reset,
    states,
)

BAD_CRC = Record(1, VALID, 0x12345678)
EMPTY = Record()


def boot(*args, **kwargs) -> tuple[str, list[str], int]:
    """(what runs, otadata afterwards, flash operations of the first boot)."""
    chip = board(*args, **kwargs)
    before = chip.flash.operations
    slot = chip.boot().slot
    return slot.label if slot else "boot loop", states(chip), chip.flash.operations - before


def test_item_25_bootloader_writes_the_first_record_for_the_slot_that_booted():
    assert boot()[:2] == ("ota_0", ["seq=1 VALID", ERASED])
    assert boot(broken=["ota_0"])[:2] == ("ota_1", ["seq=2 VALID", ERASED])
    assert boot(WITH_FACTORY)[:2] == ("factory", [ERASED, ERASED])


def test_item_22_bootloader_aborts_a_pending_record_whatever_its_checksum():
    assert boot(records=[make(1, VALID), make(2, PENDING_VERIFY)])[:2] == ("ota_0", ["seq=1 VALID", "seq=2 ABORTED"])
    torn = Record(2, PENDING_VERIFY, 0)
    assert boot(records=[make(1, VALID), torn])[:2] == ("ota_0", ["seq=1 VALID", "seq=2 ABORTED bad-crc"])


def test_item_23_bootloader_marks_new_as_pending_before_it_reads_the_image():
    running, records, _ = boot(records=[make(1, VALID), make(2, NEW)], broken=["ota_1"])
    assert (running, records) == ("ota_0", ["seq=1 VALID", "seq=2 PENDING_VERIFY"])


def test_item_24_bootloader_fallback_leaves_otadata_pointing_at_the_broken_slot():
    chip = booted(records=[make(1, VALID), make(2, VALID)], broken=["ota_1"])
    assert chip.running.label == "ota_0"
    assert states(chip) == ["seq=1 VALID", "seq=2 VALID"]
    assert chip.info(chip.boot_partition())[4] == "ota_1"


def test_item_26_bootloader_boots_ota_0_when_all_is_aborted_and_writes_nothing():
    records = [make(1, ABORTED), make(2, ABORTED)]
    running, after, _ = boot(records=records)
    assert (running, after) == ("ota_0", ["seq=1 ABORTED", "seq=2 ABORTED"])
    assert boot(WITH_FACTORY, records)[0] == "factory"


def test_bootloader_tries_all_when_no_checksum_is_right_and_repairs_nothing():
    assert boot(records=[BAD_CRC, BAD_CRC])[:2] == ("ota_0", [str(BAD_CRC)] * 2)
    assert boot(records=[EMPTY, BAD_CRC])[:2] == ("ota_0", [ERASED, str(BAD_CRC)])
    assert boot(records=[Record(0, 0, 0, bytes(20))])[0] == "ota_0"


def test_item_28_bootloader_searches_start_then_down_then_factory_then_up_then_test():
    test_app = Partition("test", APP, TEST, KIB64 * 5, KIB64)
    rows = [*THREE_SLOTS, Partition("factory", APP, 0, KIB64 * 4, KIB64), test_app]
    start_at_1 = [make(2, VALID)]
    broken: list[str] = []
    for expected in ("ota_1", "ota_0", "factory", "ota_2", "test", "boot loop"):
        assert boot(rows, start_at_1, broken)[0] == expected
        broken.append(expected)


def test_item_29_bootloader_with_nothing_bootable_loops_and_ends_stable():
    chip = board(records=[make(1, VALID), make(2, NEW)], broken=["ota_0", "ota_1"])
    result = chip.boot()
    assert (result.slot, result.why) == (None, "no bootable app partition")
    assert states(chip) == ["seq=1 VALID", "seq=2 ABORTED"]  # NEW, then PENDING_VERIFY, then ABORTED
    assert result.resets == 3
    assert reset(chip, 1) == "boot loop"


def test_item_30_bootloader_maps_numbers_to_three_slots():
    assert [boot(THREE_SLOTS, [make(seq, VALID)])[0] for seq in (1, 2, 3, 4, 6)] == [
        "ota_0",
        "ota_1",
        "ota_2",
        "ota_0",
        "ota_2",
    ]


def test_bootloader_boots_slots_that_do_not_start_at_ota_0():
    rows = [NVS, OTADATA, ota(1, 0), ota(2, 1)]
    assert boot(rows)[0] == "ota_1"


def test_item_13_bootloader_loops_on_a_table_it_refuses():
    bad_md5 = bytearray(to_binary(TWO_SLOTS))
    bad_md5[len(TWO_SLOTS) * 32 + 16] ^= 1
    result = board(table=bytes(bad_md5)).boot()
    assert result.slot is None
    assert "MD5" in result.why
    too_far = [*TWO_SLOTS, Partition("far", DATA, 6, MIB, 0x1000)]
    assert "beyond the flash size" in board(too_far).boot().why


def test_item_14_bootloader_passes_a_table_without_md5_and_the_app_crash_loops():
    rows = b"".join(row.pack() for row in TWO_SLOTS)
    chip = board(table=rows)
    result = chip.boot()
    assert result.slot is None
    assert result.why.startswith("ota_0 crashes: ")
    assert chip.reset_cause == 2


def test_item_15_bootloader_loops_when_otadata_is_not_two_sectors():
    small = Partition("otadata", DATA, 0, 0xD000, 0x1000)
    result = board([NVS, small, ota(0), ota(1)]).boot()
    assert result.slot is None
    assert "two sectors" in result.why


def test_item_16_bootloader_refuses_an_image_that_is_not_at_a_64_kib_border():
    crooked = Partition("ota_0", APP, 0x10, 0x11000, 0x8000)
    chip = board([NVS, OTADATA, crooked, ota(1)])
    result = chip.boot()
    assert result.slot.label == "ota_1"
    assert any("modulo 64 KiB" in line for line in result.log)


def test_bootloader_is_missing_on_a_flash_that_was_never_written():
    chip = board()
    chip.flash.erase(0x1000, 0x1000)
    assert chip.boot().why == "no bootloader at 0x1000"


def test_bootloader_header_that_claims_more_flash_than_there_is_never_boots():
    chip = board()
    chip.flash.erase(0x1000, 0x1000)
    chip.flash.program(0x1000, bootloader.bootloader_header(2 * MIB, chip.model))
    assert "claims 0x200000" in chip.boot().why


def test_bootloader_without_otadata_runs_factory():
    rows = [row for row in WITH_FACTORY if row != OTADATA]
    chip = booted(rows)
    assert chip.running.label == "factory"


def test_item_33_hang_before_the_app_is_reset_by_the_watchdog_and_rolled_back():
    chip = booted(records=[make(1, VALID)])
    chip.flash.erase(KIB64 * 2, KIB64)
    chip.flash.program(KIB64 * 2, _without_code(APP_IMAGE))
    chip.set_boot(chip.lookup("ota_1"))
    before = chip.clock.now_ms()
    chip.reset(2)
    result = chip.boot()
    assert result.slot.label == "ota_0"
    assert (chip.reset_cause, result.resets) == (3, 1)
    assert states(chip) == ["seq=1 VALID", "seq=2 ABORTED"]
    assert chip.clock.now_ms() - before > 9000


def _without_code(image: bytes) -> bytes:
    """The smallest image that set_boot takes: header, no segments, no hash (esp32.md 4.3)."""
    header = bytearray(image[:24])
    header[1] = header[23] = 0
    return bytes(header) + bytes(7) + b"\xef"


def test_item_35_zero_segment_image_hangs_for_ever_where_there_is_nothing_else():
    chip = board(broken=["ota_0", "ota_1"])
    chip.flash.program(KIB64, _without_code(APP_IMAGE))
    result = chip.boot()
    assert result.slot is None
    assert "hangs before the app starts" in result.why


def test_item_31_deep_sleep_wake_ignores_otadata():
    chip = booted(records=[make(1, VALID)])
    chip.set_boot(chip.lookup("ota_1"))
    assert reset(chip, 4) == "ota_0"
    assert states(chip) == ["seq=1 VALID", "seq=2 NEW"]
    assert reset(chip, 2) == "ota_1"
    assert reset(chip, 4) == "ota_1"  # still on trial: sleeping is no failure
    assert states(chip) == ["seq=1 VALID", "seq=2 PENDING_VERIFY"]
    assert reset(chip, 3) == "ota_0"


def test_deep_sleep_after_power_loss_is_an_ordinary_boot():
    chip = booted(records=[make(1, VALID)])
    chip.set_boot(chip.lookup("ota_1"))
    chip.reset(1)
    assert reset(chip, 4) == "ota_1"


def test_deep_sleep_wake_is_quicker_than_a_boot():
    chip = booted()
    start = chip.clock.now_ms()
    reset(chip, 4)
    woken = chip.clock.now_ms()
    reset(chip, 2)
    assert 0 < woken - start < chip.clock.now_ms() - woken


def test_item_32_soft_reset_touches_neither_otadata_nor_the_slot():
    chip = booted(records=[make(1, VALID), make(2, NEW)])
    chip.set_boot(chip.lookup("ota_0"))
    operations, before = chip.flash.operations, states(chip)
    assert reset(chip, 5) == "ota_1"
    assert (chip.flash.operations, states(chip)) == (operations, before)


def test_bootloader_logs_what_it_did_for_people():
    log = board(records=[make(1, VALID), make(2, NEW)], broken=["ota_1"]).boot().log
    assert log[0] == "otadata: seq=1 VALID | seq=2 NEW"
    assert log[1] == "otadata: record 1 becomes seq=2 PENDING_VERIFY"
    assert log[2].startswith("ota_1 is not bootable: magic byte is 0xff")
    assert log[3] == "runs ota_0"


def test_bootloader_confirm_cut_between_erase_and_write_boots_the_old_firmware():
    chip = booted(records=[make(1, VALID), make(2, NEW)])
    record = bootloader.read_records(chip.flash, OTADATA)[1]
    assert record.state == otadata.PENDING_VERIFY
    chip.flash.erase(OTADATA.offset + 0x1000, 0x1000)  # confirming begins with this
    assert reset(chip, 1) == "ota_0"


def test_bootloader_and_set_boot_take_no_app_partition_above_16_mib():
    for size, running in ((16 * MIB, "ota_1"), (16 * MIB + KIB64, "ota_0")):
        large = replace(ota(1, 2), size=size)
        chip = booted([NVS, OTADATA, ota(0), large], [make(2, VALID)], size=32 * MIB)
        assert chip.running.label == running
        if running == "ota_0":
            assert failure(chip.set_boot, chip.lookup("ota_1"))[0] == -5379
