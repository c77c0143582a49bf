# SPDX-License-Identifier: MIT
"""Golden boot vectors, measured on real ROM and bootloader, replayed on the twin (esp32.md 9.1).

A vector is otadata before (`o0`, `o1`: hex of 32 bytes), the broken slots and whether there is a factory app; and what
was seen afterwards: `running` and `BOOT` (labels; BOOT an errno if it raised), otadata after (`a0`, `a1`). What was not
noted is not compared.
"""

import functools
from typing import Any

from simulator.board import image_writer, otadata
from simulator.board.bootloader import bootloader_header
from simulator.board.chip import Chip
from simulator.board.chip_models import MODELS
from simulator.board.clock import VirtualClock
from simulator.board.errors import EspError
from simulator.board.flash import MIB, SECTOR, Flash
from simulator.board.partition_table import APP, DATA, FACTORY, OTA_0, TABLE_OFFSET, Partition, to_binary
from simulator.errors import UserError

_NO_BOOT = "no boot"
_NO_BOOTS = (_NO_BOOT, "no_boot", "none", "", None)
_OTADATA = 0xD000
_SLOT_SIZE = 0x10000
_APPS = (("factory", FACTORY), ("ota_0", OTA_0), ("ota_1", OTA_0 + 1))
_BASE_TABLE = [Partition("nvs", DATA, 2, 0x9000, 0x4000), Partition("otadata", DATA, 0, _OTADATA, 0x2000)]


def check(vector: Any) -> list[str]:
    """Boots the twin as the vector says; returns the mismatches, one text each. Raises UserError for a bad vector."""
    expected = _expected(vector)
    actual = _observe(vector)
    return [f"{name}: expected {want}, got {actual[name]}" for name, want in expected.items() if actual[name] != want]


def _expected(vector: Any) -> dict[str, str]:
    """What the vector says about the boot; what it does not say is not compared."""
    if not isinstance(vector, dict):
        raise UserError("bad_vector", f"a vector is an object, not {vector!r:.60}")
    expected = {name: _label(vector, name) for name in ("running", "BOOT") if name in vector}
    expected |= {name: _record(vector, name).hex() for name in ("a0", "a1") if name in vector}
    if not expected:
        raise UserError("bad_vector", "there is nothing to compare: no running, BOOT, a0 or a1")
    return expected


def _label(vector: dict[str, Any], name: str) -> str:
    """A label, or the errno that `BOOT` raised; the ways to say that nothing boots are all one."""
    value = vector[name]
    if value in _NO_BOOTS:
        return _NO_BOOT
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise UserError("bad_vector", f"{name} must be a label or null, it is {value!r:.60}")


def _observe(vector: dict[str, Any]) -> dict[str, str]:
    flash = Flash(MIB)
    chip = Chip(flash, VirtualClock())
    flash.program(chip.model.bootloader_offset, bootloader_header(flash.size, chip.model))
    flash.program(_OTADATA, _record(vector, "o0"))
    flash.program(_OTADATA + otadata.SECTOR_SIZE, _record(vector, "o1"))
    table = _BASE_TABLE + _apps(_has_factory(vector))
    flash.program(TABLE_OFFSET, to_binary(table))
    broken = _broken(vector)
    for row in table:
        if row.is_app and row.label not in broken:
            flash.program(row.offset, _app())
    booted = chip.boot().slot
    return {
        "running": booted.label if booted else _NO_BOOT,
        "BOOT": _selected(chip) if booted else _NO_BOOT,
        "a0": flash.read(_OTADATA, otadata.RECORD_SIZE).hex(),
        "a1": flash.read(_OTADATA + SECTOR, otadata.RECORD_SIZE).hex(),
    }


def _apps(has_factory: bool) -> list[Partition]:
    rows = _APPS if has_factory else _APPS[1:]
    return [
        Partition(label, APP, subtype, _SLOT_SIZE * number, _SLOT_SIZE)
        for number, (label, subtype) in enumerate(rows, 1)
    ]


@functools.cache
def _app() -> bytes:
    return image_writer.build(b"", "vector", "1", MODELS["esp32"].name)


def _selected(chip: Chip) -> str:
    """What Partition(Partition.BOOT) gives: a label, or the errno it raises."""
    try:
        return chip.info(chip.boot_partition())[4]
    except EspError as error:
        return str(error.errno)


def _record(vector: dict[str, Any], name: str) -> bytes:
    try:
        record = bytes.fromhex(vector[name])
    except (KeyError, TypeError, ValueError):
        record = b""
    if len(record) != otadata.RECORD_SIZE:
        raise UserError("bad_vector", f"{name} must be the hex of 32 bytes, it is {vector.get(name)!r:.80}")
    return record


def _has_factory(vector: dict[str, Any]) -> bool:
    value = vector.get("factory") or False
    if not isinstance(value, bool):
        raise UserError("bad_vector", f"factory must be true or false, it is {value!r:.60}")
    return value


def _broken(vector: dict[str, Any]) -> list[str]:
    broken = vector.get("broken") or []
    labels = [label for label, _ in _APPS]
    if not isinstance(broken, list) or any(label not in labels for label in broken):
        raise UserError("bad_vector", f"broken must be a list of {', '.join(labels)}, it is {broken!r:.80}")
    return broken
