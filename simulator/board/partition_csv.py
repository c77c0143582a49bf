# SPDX-License-Identifier: MIT
"""Compiles Espressif's CSV dialect of partition tables, with the checks of Espressif's generator (esp32.md 1.3)."""

import itertools
import os

from simulator.board.partition_table import (
    APP,
    DATA,
    NVS,
    OTA_0,
    OTADATA,
    SECTOR_SIZE,
    TABLE_OFFSET,
    Partition,
    TableError,
)

_TYPES = {"app": APP, "data": DATA, "bootloader": 2, "partition_table": 3}
_APP_SUBTYPES = {"factory": 0x00, "test": 0x20, "tee_0": 0x30, "tee_1": 0x31} | {
    f"ota_{slot}": OTA_0 + slot for slot in range(16)
}
_DATA_SUBTYPES = {
    "ota": 0x00, "phy": 0x01, "nvs": 0x02, "coredump": 0x03, "nvs_keys": 0x04, "efuse": 0x05, "undefined": 0x06,
    "esphttpd": 0x80, "fat": 0x81, "spiffs": 0x82, "littlefs": 0x83, "tee_ota": 0x90,
}  # fmt: skip
_SUBTYPES = {APP: _APP_SUBTYPES, DATA: _DATA_SUBTYPES, 2: {"primary": 0, "ota": 1}, 3: {"primary": 0, "ota": 1}}
_UNDEFINED_DATA = 0x06
_COREDUMP = 0x03
_APP_ALIGN = 0x10000
_ADDRESS_SPACE = 1 << 32
_FIELDS = ("name", "type", "subtype", "offset", "size", "flags")


def compile_csv(text: str, flash_size: int | None = None) -> list[Partition]:
    """The checked rows of a CSV; with `flash_size` (bytes) they must also fit. Raises TableError with the line."""
    partitions: list[Partition] = []
    next_offset = TABLE_OFFSET + SECTOR_SIZE
    for number, line in enumerate(text.splitlines(), 1):
        line = os.path.expandvars(line).strip()
        if not line or line.startswith("#"):
            continue
        try:
            partitions.append(_row(line, next_offset))
        except (TableError, ValueError) as error:
            raise TableError(f"line {number}: {error}") from None
        next_offset = max(next_offset, partitions[-1].end)  # a bootloader's row lies below the table
    verify(partitions, flash_size)
    return partitions


def verify(partitions: list[Partition], flash_size: int | None = None) -> None:
    """Raises TableError for what Espressif's generator refuses to write."""
    if not partitions:
        raise TableError("the table has no partitions")
    for partition in partitions:
        _verify_one(partition)
    _verify_together(partitions)
    if flash_size is not None and (end := max(partition.end for partition in partitions)) > flash_size:
        raise TableError(f"the table needs {end:#x} bytes, the flash has {flash_size:#x}")


def parse_size(text: str) -> int:
    """A number as the CSV writes it: any Python literal, or with a suffix k or m. Raises ValueError."""
    factor = {"k": 1024, "m": 1024 * 1024}.get(text[-1:].lower())
    try:
        return int(text[:-1], 0) * factor if factor else int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def _row(line: str, next_offset: int) -> Partition:
    fields = dict(zip(_FIELDS, [field.strip() for field in line.split(",")] + [""] * len(_FIELDS), strict=False))
    kind = _number(fields["type"], _TYPES, "type")
    subtype = _subtype(fields["subtype"], kind)
    align = _APP_ALIGN if kind == APP else SECTOR_SIZE
    offset = parse_size(fields["offset"]) if fields["offset"] else -(-next_offset // align) * align
    if not fields["size"]:
        raise TableError("size is missing")
    size = parse_size(fields["size"])
    if size < 0:  # a negative size names the end address
        size = -size - offset
    if size <= 0:
        raise TableError(f"{fields['name']} has no room")
    flags = set(filter(None, fields["flags"].split(":")))
    if unknown := flags - {"encrypted", "readonly"}:
        raise TableError(f"unknown flag {min(unknown)}")
    return Partition(fields["name"], kind, subtype, offset, size, "encrypted" in flags, "readonly" in flags)


def _subtype(text: str, kind: int) -> int:
    if text:
        return _number(text, _SUBTYPES.get(kind, {}), "subtype")
    if kind == APP:
        raise TableError("an app partition needs a subtype")
    return _UNDEFINED_DATA


def _number(text: str, names: dict[str, int], what: str) -> int:
    if text.lower() in names:
        return names[text.lower()]
    try:
        value = int(text, 0)
    except ValueError:
        raise TableError(f"unknown {what} {text!r}") from None
    if not 0 <= value <= 0xFE:
        raise TableError(f"{what} {text} is out of range")
    return value


def _verify_one(partition: Partition) -> None:
    name = partition.label
    if not 1 <= len(name.encode()) <= 16:
        raise TableError(f"label {name!r} must have 1 to 16 bytes")
    if partition.offset < TABLE_OFFSET + SECTOR_SIZE and partition.type not in (2, 3):
        raise TableError(f"{name} starts at {partition.offset:#x}, below the end of the table")
    if partition.end > _ADDRESS_SPACE:
        raise TableError(f"{name} ends at {partition.end:#x}, addresses have 32 bits")
    if partition.offset % (_APP_ALIGN if partition.is_app else SECTOR_SIZE):
        raise TableError(f"{name} is not aligned")
    if partition.is_app and partition.size % SECTOR_SIZE:
        raise TableError(f"the size of {name} is not a multiple of 4 KiB")
    if partition.type != DATA:
        return
    if partition.subtype == OTADATA and partition.size != 2 * SECTOR_SIZE:
        raise TableError(f"{name} must be 0x2000 bytes")
    if partition.subtype in (OTADATA, _COREDUMP) and partition.readonly:
        raise TableError(f"{name} cannot be readonly")
    if partition.subtype == NVS and not partition.readonly and partition.size < 3 * SECTOR_SIZE:
        raise TableError(f"{name} needs at least 0x3000 bytes")


def _verify_together(partitions: list[Partition]) -> None:
    labels = [partition.label for partition in partitions]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise TableError(f"label {twice[0]!r} appears twice")
    if sum(partition.type == DATA and partition.subtype == OTADATA for partition in partitions) > 1:
        raise TableError("more than one otadata partition")
    ordered = sorted(partitions, key=lambda partition: partition.offset)
    for before, after in itertools.pairwise(ordered):
        if after.offset < before.end:
            raise TableError(f"{after.label} overlaps {before.label}")
