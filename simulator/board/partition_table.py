# SPDX-License-Identifier: MIT
"""The binary partition table: write it, read it with the rules of the bootloader or of the app (esp32.md 1.1, 1.2).

`TableError` is what the chip would say; the text tells a person what is wrong.
"""

import functools
import hashlib
import struct
from dataclasses import dataclass

TABLE_OFFSET = 0x8000
TABLE_SIZE = 0xC00
SECTOR_SIZE = 0x1000

APP, DATA = 0, 1
FACTORY, OTA_0, TEST = 0x00, 0x10, 0x20
OTADATA, NVS, FAT = 0x00, 0x02, 0x81
ANY = 0xFF
FILE_SYSTEMS = ("vfs", "ffat")  # the labels that MicroPython mounts

_DYNAMIC_VFS = (1, 26)

_MAGIC = b"\xaa\x50"
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14
_ENTRY = struct.Struct("<2sBBII16sI")
_ENCRYPTED, _READONLY = 1, 2


class TableError(Exception):
    """A table that the chip refuses, or that our compiler refuses to write."""


@dataclass(frozen=True)
class Partition:
    """One row. `offset` and `size` in bytes of flash."""

    label: str
    type: int
    subtype: int
    offset: int
    size: int
    encrypted: bool = False
    readonly: bool = False

    @property
    def end(self) -> int:
        return self.offset + self.size

    @property
    def is_app(self) -> bool:
        return self.type == APP

    @property
    def ota_slot(self) -> int | None:
        """0..15 for an app slot ota_0..ota_15, whatever its label; else None."""
        return self.subtype - OTA_0 if self.is_app and OTA_0 <= self.subtype < TEST else None

    def pack(self) -> bytes:
        flags = _ENCRYPTED * self.encrypted | _READONLY * self.readonly
        return _ENTRY.pack(_MAGIC, self.type, self.subtype, self.offset, self.size, self.label.encode(), flags)

    @classmethod
    def parse(cls, row: bytes) -> "Partition":
        _, kind, subtype, offset, size, label, flags = _ENTRY.unpack(row)
        text = label.split(b"\0")[0].decode("utf-8", "replace")
        return cls(text, kind, subtype, offset, size, bool(flags & _ENCRYPTED), bool(flags & _READONLY))


def to_binary(partitions: list[Partition]) -> bytes:
    """The table as it lies in flash: rows, MD5 row, end row, padded with FF to 0xC00 bytes."""
    rows = b"".join(partition.pack() for partition in partitions)
    table = rows + _MD5_MAGIC + hashlib.md5(rows).digest()
    if len(table) >= TABLE_SIZE:
        raise TableError(f"{len(partitions)} rows do not fit, a table holds 94 and its checksum")
    return table.ljust(TABLE_SIZE, b"\xff")


def read_by_bootloader(data: bytes, flash_size: int) -> list[Partition]:
    """The rows as the bootloader takes them; the MD5 row may be missing. `flash_size` is its own header's (1.2)."""
    partitions, _ = _walk(data)
    if not partitions:
        raise TableError("the partition table is empty")
    for partition in partitions:
        if partition.end > flash_size:
            raise TableError(f"partition {partition.label} ends beyond the flash size of the bootloader's header")
    return list(partitions)


def read_by_app(data: bytes) -> list[Partition]:
    """The rows as the running app takes them: the MD5 row is mandatory. Bounds were the bootloader's business."""
    partitions, has_md5 = _walk(data)
    if not has_md5:
        raise TableError("the partition table has no MD5 row, the app aborts at its first look-up")
    return list(partitions)


def dynamic_vfs(rows: list[Partition], flash_size: int, version: tuple[int, int] | None) -> Partition | None:
    """The file system that MicroPython `version` invents behind the last row, if no row is one (1.5).

    `version` None stands for a current one; before 1.26 there is no such thing.
    """
    end = max(row.end for row in rows)
    has_row = any(row.type == DATA and row.label in FILE_SYSTEMS for row in rows)
    if has_row or end >= flash_size or (version and version < _DYNAMIC_VFS):
        return None
    return Partition("vfs", DATA, FAT, end, flash_size - end)


def nvs_row(rows: list[Partition]) -> Partition | None:
    """The partition that MicroPython opens as NVS: by label, the subtype alone does not do."""
    return next((row for row in rows if row.type == DATA and row.subtype == NVS and row.label == "nvs"), None)


@functools.lru_cache(maxsize=64)  # a board reads the same table at each boot
def _walk(data: bytes) -> tuple[tuple[Partition, ...], bool]:
    """All rows up to the end row, and whether a (correct) MD5 row was among them."""
    partitions: list[Partition] = []
    has_md5 = False
    for start in range(0, TABLE_SIZE, _ENTRY.size):
        row = data[start : start + _ENTRY.size]
        if row[:2] == _MAGIC:
            partitions.append(Partition.parse(row))
        elif row[:2] == _MD5_MAGIC[:2]:
            if has_md5:
                raise TableError("the partition table has two MD5 rows")
            if row[16:] != hashlib.md5(data[:start]).digest():
                raise TableError("the MD5 of the partition table does not match")
            has_md5 = True
        elif row[:4] == b"\xff" * 4:
            return tuple(partitions), has_md5
        else:
            raise TableError(f"row {start // _ENTRY.size} of the partition table has an unknown magic {row[:2].hex()}")
    raise TableError("the partition table has no end row")
