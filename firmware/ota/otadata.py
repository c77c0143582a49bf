# SPDX-License-Identifier: MIT
"""Which slot the bootloader selects, and in which state: read from the two otadata records (esp32.md 2).

MicroPython has no call for this. Reading only; writing is left to `set_boot`, the boot check and the trial.
"""

import binascii
import struct

from ota.port import const

NEW = const(0)
PENDING = const(1)
VALID = const(2)
INVALID = const(3)
ABORTED = const(4)
STATE_AT = const(24)  # of the four bytes of `state` in a record
_EMPTY = const(0xFFFFFFFF)
_FIRST_SLOT = const(0x10)  # subtype of ota_0


class Record:
    """One record: `seq`, `state`, and `usable`, the bootloader's own test for "counts" (esp32.md 2.2)."""

    def __init__(self, raw):
        self.seq, self.state = struct.unpack_from("<I20xI", raw)
        crc = struct.unpack_from("<I", raw, 28)[0]
        intact = crc == binascii.crc32(raw[:4], _EMPTY) & _EMPTY  # covers seq only, starts at FFFFFFFF
        self.usable = self.seq != _EMPTY and self.state not in (INVALID, ABORTED) and intact

    def subtype(self, slots):
        """Partition subtype of the slot that this record names, among `slots` OTA slots."""
        return _FIRST_SLOT + ((self.seq - 1) & _EMPTY) % slots


def read(partition):
    """Both records of the otadata partition."""
    raw = bytearray(32)
    records = []
    for index in (0, 1):
        partition.readblocks(index, raw, 0)
        records.append(Record(raw))
    return records


def active(records):
    """Index of the record that the bootloader follows; -1 when it follows none."""
    first, second = records
    if first.usable and second.usable:
        return 0 if first.seq >= second.seq else 1
    if first.usable:
        return 0
    return 1 if second.usable else -1
