# SPDX-License-Identifier: MIT
"""The two otadata records that say which app slot boots next and how far it is trusted (esp32.md section 2). Pure."""

import functools
import struct
import zlib
from dataclasses import dataclass, replace

RECORD_SIZE = 32
SECTOR_SIZE = 4096
SIZE = 2 * SECTOR_SIZE

NEW, PENDING_VERIFY, VALID, INVALID, ABORTED = range(5)
UNDEFINED = EMPTY_SEQ = 0xFFFFFFFF

_STATE_NAMES = {
    NEW: "NEW", PENDING_VERIFY: "PENDING_VERIFY", VALID: "VALID", INVALID: "INVALID", ABORTED: "ABORTED",
    UNDEFINED: "UNDEFINED",
}  # fmt: skip


def seq_crc(seq: int) -> int:
    """The checksum of a record: over the four bytes of the sequence number only, the state is not protected (2.1)."""
    return zlib.crc32(struct.pack("<I", seq), 0xFFFFFFFF)


@dataclass(frozen=True)
class Record:
    """One record, 32 bytes: `seq` and `state` u32, `label` 20 unused bytes, `crc` u32."""

    seq: int = EMPTY_SEQ
    state: int = UNDEFINED
    crc: int = 0xFFFFFFFF
    label: bytes = b"\xff" * 20

    @classmethod
    @functools.lru_cache(maxsize=256)  # a board reads the same few again and again
    def parse(cls, data: bytes) -> "Record":
        seq, label, state, crc = struct.unpack_from("<I20sII", data)
        return cls(seq, state, crc, label)

    def pack(self) -> bytes:
        return struct.pack("<I20sII", self.seq, self.label, self.state, self.crc)

    @property
    def is_crc_ok(self) -> bool:
        return self.crc == seq_crc(self.seq)

    @property
    def is_unusable(self) -> bool:
        """Empty or condemned; deliberately blind to the checksum, as the real predicate is (2.2)."""
        return self.seq == EMPTY_SEQ or self.state in (INVALID, ABORTED)

    @property
    def is_valid(self) -> bool:
        return not self.is_unusable and self.is_crc_ok

    def with_state(self, state: int) -> "Record":
        return replace(self, state=state)

    def __str__(self) -> str:
        if self.pack() == b"\xff" * RECORD_SIZE:
            return "erased"
        name = _STATE_NAMES.get(self.state, str(self.state))
        return f"seq={self.seq} {name}" + ("" if self.is_crc_ok else " bad-crc")


Pair = tuple[Record, Record]


def make(seq: int, state: int, label: bytes = b"\xff" * 20) -> Record:
    """A record with a right checksum."""
    return Record(seq, state, seq_crc(seq), label)


def active(records: Pair) -> int | None:
    """Index of the record that rules: the valid one, of two the larger sequence number, of equal ones 0 (2.2)."""
    usable = [index for index in (0, 1) if records[index].is_valid]
    return max(usable, key=lambda index: (records[index].seq, -index), default=None)


def slot_of(seq: int, slots: int) -> int:
    """The app slot that a sequence number selects, in unsigned 32-bit arithmetic."""
    return ((seq - 1) & 0xFFFFFFFF) % slots


def select(records: Pair, slot: int, slots: int) -> tuple[int, Record]:
    """What set_boot writes to choose `slot`: (index of the record, record in state NEW) (2.3, ESP-IDF 5.0 to 5.5)."""
    ruling = active(records)
    if ruling is None:
        return 0, make(slot + 1, NEW, records[0].label)
    seq = records[ruling].seq
    seq += (slot + 1 - seq) % slots  # the next number that selects the slot; the same one if it already does
    return 1 - ruling, make(seq & 0xFFFFFFFF, NEW, records[1 - ruling].label)
