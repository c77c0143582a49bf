# SPDX-License-Identifier: MIT
"""otadata records: bytes, checksums, predicates and what set_boot writes."""

from simulator.board import otadata
from simulator.board.otadata import ABORTED, INVALID, NEW, PENDING_VERIFY, UNDEFINED, VALID, Record, make

CRC_OF_SEQ = {1: 0x4743989A, 2: 0x55F63774, 3: 0xED4A5011, 4: 0x709D68A8, 5: 0xC8210FCD, 6: 0xDA94A023}
BAD = Record(2, VALID, 0x12345678)
EMPTY = Record()


def test_record_bytes_are_those_of_the_sheet():
    assert {seq: otadata.seq_crc(seq) for seq in CRC_OF_SEQ} == CRC_OF_SEQ
    first_boot = "01000000" + "ff" * 20 + "02000000" + "9a984347"
    assert make(1, VALID).pack().hex() == first_boot
    assert make(2, NEW).pack().hex() == "02000000" + "ff" * 20 + "00000000" + "7437f655"
    assert Record.parse(bytes.fromhex(first_boot)) == make(1, VALID)
    assert EMPTY.pack() == b"\xff" * 32


def test_record_speaks_for_people():
    assert [str(record) for record in (EMPTY, make(3, PENDING_VERIFY), BAD, make(2, 7))] == [
        "erased",
        "seq=3 PENDING_VERIFY",
        "seq=2 VALID bad-crc",
        "seq=2 7",
    ]


def test_record_is_unusable_when_empty_or_condemned_whatever_its_checksum():
    assert all(record.is_unusable for record in (EMPTY, make(1, INVALID), make(1, ABORTED), Record(1, ABORTED, 0)))
    assert not any(make(1, state).is_unusable for state in (NEW, PENDING_VERIFY, VALID, UNDEFINED, 7))
    assert not BAD.is_unusable
    assert not BAD.is_valid
    assert make(0, VALID).is_valid


def test_item_27_active_record_is_the_larger_valid_one_and_ties_choose_record_0():
    for records, expected in (
        ((make(1, VALID), make(2, NEW)), 1),
        ((make(3, VALID), make(2, VALID)), 0),
        ((make(2, NEW), make(2, VALID)), 0),
        ((make(0xFFFFFFFE, VALID), make(1, VALID)), 0),  # no wrap handling
        ((make(1, VALID), make(2, ABORTED)), 0),
        ((make(1, VALID), BAD), 0),
        ((EMPTY, make(2, 7)), 1),
        ((EMPTY, BAD), None),
    ):
        assert otadata.active(records) == expected, records


def test_item_30_slot_is_seq_minus_one_modulo_n_in_32_bits():
    assert [otadata.slot_of(seq, 2) for seq in (1, 2, 3, 0, 0xFFFFFFFE)] == [0, 1, 0, 1, 1]
    assert [otadata.slot_of(seq, 3) for seq in (1, 2, 3, 4, 0)] == [0, 1, 2, 0, 0]


def test_select_writes_the_smallest_fitting_number_into_the_other_record():
    assert otadata.select((make(1, VALID), EMPTY), 1, 2) == (1, make(2, NEW))
    assert otadata.select((make(1, VALID), make(2, VALID)), 0, 2) == (0, make(3, NEW))
    assert otadata.select((make(4, VALID), make(3, VALID)), 1, 3) == (1, make(5, NEW))
    assert otadata.select((make(1, VALID), EMPTY), 0, 1) == (1, make(1, NEW))


def test_item_39_select_of_the_active_slot_keeps_the_number_and_the_tie_goes_to_a_new_record_0():
    index, record = otadata.select((make(1, VALID), make(2, VALID)), 1, 2)
    assert (index, record) == (0, make(2, NEW))
    assert otadata.active((record, make(2, VALID))) == 0


def test_item_42_select_without_an_active_record_uses_record_0_and_slot_plus_1():
    assert otadata.select((EMPTY, make(4, ABORTED)), 1, 2) == (0, make(2, NEW))
    assert otadata.select((make(9, INVALID), BAD), 0, 2) == (0, make(1, NEW))


def test_select_leaves_the_unused_label_bytes_of_the_record_alone():
    labelled = make(1, VALID, b"x" * 20)
    assert otadata.select((make(2, VALID), labelled), 0, 2) == (1, make(3, NEW, b"x" * 20))
