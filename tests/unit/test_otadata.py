# SPDX-License-Identifier: MIT
"""The two boot records as the bootloader reads them (esp32.md 2.1, 2.2)."""

import binascii
import struct

from ota import otadata

FIRST_BOOT = binascii.unhexlify("01000000" + "ff" * 20 + "02000000" + "9a984347")
NEW_2 = binascii.unhexlify("02000000" + "ff" * 20 + "00000000" + "7437f655")
ERASED = b"\xff" * 32


def record(raw):
    return otadata.Record(bytearray(raw))


def test_otadata_record_that_a_real_bootloader_wrote_is_read():
    first = record(FIRST_BOOT)
    assert (first.seq, first.state, first.usable) == (1, otadata.VALID, True)
    assert first.subtype(2) == 0x10
    assert record(NEW_2).subtype(2) == 0x11


def test_otadata_larger_sequence_wins_and_a_tie_picks_record_0():
    assert otadata.active([record(FIRST_BOOT), record(NEW_2)]) == 1
    assert otadata.active([record(NEW_2), record(FIRST_BOOT)]) == 0
    assert otadata.active([record(NEW_2), record(NEW_2)]) == 0


def test_otadata_torn_aborted_or_erased_records_do_not_count():
    torn = FIRST_BOOT[:16] + ERASED[16:]
    aborted = NEW_2[:24] + b"\x04\x00\x00\x00" + NEW_2[28:]
    invalid = NEW_2[:24] + b"\x03\x00\x00\x00" + NEW_2[28:]
    empty = ERASED[:24] + b"\x02\x00\x00\x00" + struct.pack("<I", binascii.crc32(ERASED[:4], 0xFFFFFFFF) & 0xFFFFFFFF)
    for bad in (torn, aborted, invalid, empty, ERASED, bytes(32)):
        assert not record(bad).usable
        assert otadata.active([record(bad), record(bad)]) == -1
        assert otadata.active([record(bad), record(FIRST_BOOT)]) == 1
        assert otadata.active([record(FIRST_BOOT), record(bad)]) == 0


def test_otadata_unknown_state_counts_as_valid():
    assert record(NEW_2[:24] + b"\x07\x00\x00\x00" + NEW_2[28:]).usable


def test_otadata_slot_of_sequence_with_three_slots():
    raw = bytearray(32)
    for seq, subtype in ((1, 0x10), (2, 0x11), (3, 0x12), (4, 0x10), (0, 0x10)):
        raw[0] = seq
        assert record(raw).subtype(3) == subtype, seq


def test_otadata_every_prefix_of_a_record_is_noticed():
    for raw in (FIRST_BOOT, NEW_2):
        for length in range(len(raw)):
            assert not record(raw[:length] + ERASED[length:]).usable, length


def test_otadata_every_flipped_bit_is_noticed_where_the_chip_has_a_checksum():
    """It covers the number only. The label is read by nobody; another state is another state, of the same slot."""
    for raw in (FIRST_BOOT, NEW_2):
        good = record(raw)
        for bit in range(len(raw) * 8):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << bit % 8
            found = record(flipped)
            if 4 <= bit // 8 < 28:
                assert found.subtype(2) == good.subtype(2), bit
                assert (found.state != good.state) == (bit // 8 >= 24), bit
            else:
                assert not found.usable, bit
