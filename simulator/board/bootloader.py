# SPDX-License-Identifier: MIT
"""The second-stage bootloader: which app partition runs, and what it writes to otadata on the way (esp32.md section 3).

`boot` is one pass, from reset to the jump into the app. It works on flash only and remembers nothing; the log is for
people. Anti-rollback, secure boot and flash encryption are off, as in released MicroPython.
"""

from dataclasses import dataclass, field

from simulator.board import otadata
from simulator.board.chip_models import ChipModel
from simulator.board.errors import EspError
from simulator.board.flash import MIB, Flash
from simulator.board.image import HEADER, MAGIC, Image, ImageError, parse, verify
from simulator.board.otadata import Pair, Record
from simulator.board.partition_table import (
    APP,
    DATA,
    FACTORY,
    OTADATA,
    TABLE_OFFSET,
    TABLE_SIZE,
    TEST,
    Partition,
    TableError,
    read_by_bootloader,
)

FACTORY_INDEX = -1
_TEST_INDEX = -2
_NOTHING = Partition("", APP, FACTORY, 0, 0)


@dataclass(frozen=True)
class Pass:
    """One pass: the partition and image it jumps to, or None and `why`."""

    slot: Partition | None
    image: Image | None
    why: str
    log: list[str]


@dataclass
class _Plan:
    """What the table offers: app partitions by index, the number of OTA slots, the otadata partition."""

    apps: dict[int, Partition] = field(default_factory=dict)
    slots: int = 0
    otadata: Partition | None = None


class _Stop(Exception):
    """This pass ends in a reset."""


def boot(flash: Flash, model: ChipModel, revision: int) -> Pass:
    """One pass of the bootloader. A pass without a slot ends in a reset; the next one may see other otadata."""
    log: list[str] = []
    try:
        plan = _read_table(flash, model)
        start, is_blank = _choose(flash, plan, log)
        index, image = _load_first(flash, plan, start, model, revision, log)
        if is_blank and index > FACTORY_INDEX:
            _write(flash, plan, 0, otadata.make(index + 1, otadata.VALID), log)
    except _Stop as stop:
        log.append(str(stop))
        return Pass(None, None, str(stop), log)
    log.append(f"runs {plan.apps[index].label}")
    return Pass(plan.apps[index], image, "", log)


def wake(flash: Flash, slot: Partition) -> Image | None:
    """Deep-sleep wake: the partition that ran before is loaded unverified, otadata is not read (3.4)."""
    try:
        return parse(flash.read(slot.offset, slot.size))
    except ImageError:
        return None  # the bootloader then does a full pass


def header_flash_size(flash: Flash, model: ChipModel) -> int | None:
    """The flash size in bytes that the bootloader's own header claims; None if no bootloader is there."""
    magic, _, _, size_freq, *_ = HEADER.unpack(flash.read(model.bootloader_offset, HEADER.size))
    return MIB << (size_freq >> 4) if magic == MAGIC else None


def bootloader_header(flash_size: int, model: ChipModel) -> bytes:
    """The header of a bootloader image, all that the twin has of one: it tells the flash size (a power of two MiB)."""
    code = (flash_size // MIB).bit_length() - 1
    return HEADER.pack(MAGIC, 0, 2, code << 4, 0, 0xEE, bytes(3), model.chip_id, 0, 0, 0xFFFF, False)


def _read_table(flash: Flash, model: ChipModel) -> _Plan:
    size = header_flash_size(flash, model)
    if size is None:
        raise _Stop(f"no bootloader at {model.bootloader_offset:#x}")
    if size > flash.size:
        raise _Stop(f"the bootloader's header claims {size:#x} bytes of flash, the chip has {flash.size:#x}")
    try:
        rows = read_by_bootloader(flash.read(TABLE_OFFSET, TABLE_SIZE), size)
    except TableError as error:
        raise _Stop(str(error)) from None
    plan = _Plan()
    for row in rows:
        if row.ota_slot is not None:
            plan.apps[row.ota_slot] = row
            plan.slots += 1
        elif row.type == APP and row.subtype == FACTORY:
            plan.apps[FACTORY_INDEX] = row
        elif row.type == APP and row.subtype == TEST:
            plan.apps[_TEST_INDEX] = row
        elif row.type == DATA and row.subtype == OTADATA:
            plan.otadata = row
    return plan


def _choose(flash: Flash, plan: _Plan, log: list[str]) -> tuple[int, bool]:
    """(index to try first, whether otadata is blank and gets its first record), steps 1-4 of 3.2."""
    if plan.otadata is None:
        return FACTORY_INDEX, False
    if plan.otadata.size < otadata.SIZE:
        raise _Stop(f"otadata has {plan.otadata.size:#x} bytes, two sectors are needed")
    records = _abort_pending(flash, plan, log)
    if plan.slots == 0 or all(record.is_unusable for record in records):
        if FACTORY_INDEX in plan.apps:
            return FACTORY_INDEX, False
        return 0, all(record.seq == otadata.EMPTY_SEQ or not record.is_crc_ok for record in records)
    ruling = otadata.active(records)
    if ruling is None:
        return FACTORY_INDEX, False
    record = records[ruling]
    if record.state == otadata.NEW:
        _write(flash, plan, ruling, record.with_state(otadata.PENDING_VERIFY), log)
    return otadata.slot_of(record.seq, plan.slots), False


def _abort_pending(flash: Flash, plan: _Plan, log: list[str]) -> Pair:
    """Whoever is still on trial has failed it: whatever its number or checksum (step 2)."""
    assert plan.otadata is not None
    records = list(read_records(flash, plan.otadata))
    log.append(f"otadata: {records[0]} | {records[1]}")
    for index, record in enumerate(records):
        if record.state == otadata.PENDING_VERIFY:
            records[index] = record.with_state(otadata.ABORTED)
            _write(flash, plan, index, records[index], log)
    return records[0], records[1]


def _load_first(
    flash: Flash, plan: _Plan, start: int, model: ChipModel, revision: int, log: list[str]
) -> tuple[int, Image]:
    """Tries start, downwards to the factory app, then upwards, then the test app (step 5)."""
    for index in (*range(start, _TEST_INDEX, -1), *range(start + 1, plan.slots), _TEST_INDEX):
        slot = plan.apps.get(index, _NOTHING)
        if not slot.size:
            continue
        try:
            image = verify(
                flash.read(slot.offset, slot.size), "bootloader",
                chip_id=model.chip_id, revision=revision, flash_address=slot.offset,
            )  # fmt: skip
        except ImageError as error:
            log.append(f"{slot.label} is not bootable: {error}")
        else:
            return index, image
    raise _Stop("no bootable app partition")


def read_records(flash: Flash, partition: Partition) -> Pair:
    """The two otadata records of a table."""
    first, second = (
        Record.parse(flash.read(partition.offset + index * otadata.SECTOR_SIZE, otadata.RECORD_SIZE))
        for index in (0, 1)
    )
    return first, second


def write_record(flash: Flash, partition: Partition, index: int, record: Record) -> None:
    """Erase, then write: a cut between the two leaves the record erased (esp32.md 0, fact 6)."""
    address = partition.offset + index * otadata.SECTOR_SIZE
    flash.erase(address, otadata.SECTOR_SIZE)
    flash.program(address, record.pack())


def _write(flash: Flash, plan: _Plan, index: int, record: Record, log: list[str]) -> None:
    assert plan.otadata is not None
    try:
        write_record(flash, plan.otadata, index, record)
        log.append(f"otadata: record {index} becomes {record}")
    except EspError as error:  # it logs this and goes on
        log.append(f"otadata: record {index} cannot be written: {error.name}")
