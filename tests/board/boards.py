# SPDX-License-Identifier: MIT
"""Small boards for the tests: 1 MiB of flash, slots of 64 KiB, real images of a few hundred bytes."""

from collections.abc import Iterable

from simulator.board import image_writer, otadata
from simulator.board.bootloader import bootloader_header, read_records
from simulator.board.chip import Chip
from simulator.board.clock import VirtualClock
from simulator.board.errors import EspError
from simulator.board.flash import MIB, Flash
from simulator.board.otadata import Record
from simulator.board.partition_table import APP, DATA, FACTORY, OTA_0, TABLE_OFFSET, Partition, to_binary

NVS = Partition("nvs", DATA, 2, 0x9000, 0x4000)
OTADATA = Partition("otadata", DATA, 0, 0xD000, 0x2000)
KIB64 = 0x10000
APP_IMAGE = image_writer.build(b"", "app", "1")
ERASED = "erased"


def ota(slot: int, place: int | None = None) -> Partition:
    """The row of ota_N; by default at its usual place."""
    return Partition(f"ota_{slot}", APP, OTA_0 + slot, KIB64 * (1 + (slot if place is None else place)), KIB64)


TWO_SLOTS = [NVS, OTADATA, ota(0), ota(1)]
THREE_SLOTS = [NVS, OTADATA, ota(0), ota(1), ota(2)]
FACTORY_APP = Partition("factory", APP, FACTORY, KIB64 * 4, KIB64)
WITH_FACTORY = [NVS, OTADATA, FACTORY_APP, ota(0), ota(1)]


def board(
    rows: list[Partition] = TWO_SLOTS,
    records: Iterable[Record] = (),
    broken: Iterable[str] = (),
    table: bytes | None = None,
    size: int = MIB,
) -> Chip:
    """A board that was never switched on: every app slot holds an image but those in `broken`."""
    flash = Flash(size)
    chip = Chip(flash, VirtualClock())
    flash.program(chip.model.bootloader_offset, bootloader_header(size, chip.model))
    flash.program(TABLE_OFFSET, table or to_binary(rows))
    for index, record in enumerate(records):
        flash.program(OTADATA.offset + index * otadata.SECTOR_SIZE, record.pack())
    for row in rows:
        if row.is_app and row.label not in broken:
            flash.program(row.offset, APP_IMAGE)
    return chip


def booted(*args, **kwargs) -> Chip:
    """A board after its first power-on."""
    chip = board(*args, **kwargs)
    assert chip.boot().slot is not None
    return chip


def reset(chip: Chip, cause: int = 2) -> str:
    """Resets and boots; the label of what runs, or "boot loop"."""
    chip.reset(cause)
    slot = chip.boot().slot
    return slot.label if slot else "boot loop"


def states(chip: Chip) -> list[str]:
    """Both otadata records in words."""
    return [str(record) for record in read_records(chip.flash, OTADATA)]


def failure(action, *args) -> tuple:
    """What an EspError of the call says; fails if there is none."""
    try:
        action(*args)
    except EspError as error:
        return (error.errno, error.name) if error.name else (error.errno,)
    raise AssertionError("no error")
