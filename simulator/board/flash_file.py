# SPDX-License-Identifier: MIT
"""Makes the flash of a board as it leaves the bench: table, first app, blank otadata, files, NVS values.

There is no bootloader binary in this project: its place holds an image header only, which tells the flash size.
The twin's bootloader is code (bootloader.py) and reads that header, as the real one reads its own.
"""

from dataclasses import dataclass
from pathlib import Path

from simulator.board import filesystem, image
from simulator.board.bootloader import bootloader_header
from simulator.board.chip_models import BY_ID, ChipModel
from simulator.board.errors import EspError
from simulator.board.flash import MIB, Flash
from simulator.board.image import ImageError, micropython_version
from simulator.board.nvs import Nvs
from simulator.board.partition_csv import compile_csv
from simulator.board.partition_table import (
    APP,
    DATA,
    FACTORY,
    FILE_SYSTEMS,
    OTA_0,
    TABLE_OFFSET,
    Partition,
    TableError,
    dynamic_vfs,
    nvs_row,
    to_binary,
)
from simulator.errors import UserError

_FOLDER = Path(__file__).resolve().parents[2] / "partitions"
BOARDS = {"4MiB": 4 * MIB, "4MiB-wide": 4 * MIB, "8MiB": 8 * MIB, "16MiB": 16 * MIB}
FLASH_SIZES = tuple(size * MIB for size in (1, 2, 4, 8, 16, 32, 64, 128))
_MAX_CSV = 65536  # bytes; 95 rows with long comments are less
_TABLE_MAGIC = b"\xaa\x50"


@dataclass(frozen=True)
class Layout:
    """A checked partition table and the size of the flash it is for, in bytes."""

    partitions: list[Partition]
    flash_size: int


def layout(board: str, flash_size: int | None = None) -> Layout:
    """The layout of a named board or of a CSV file; a file gets the smallest flash that holds it. Raises UserError."""
    path = _FOLDER / f"{board}.csv" if board in BOARDS else Path(board)
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_CSV).decode()
    except (OSError, UnicodeDecodeError):
        raise UserError("unknown_board", f"{board} is neither {', '.join(BOARDS)} nor a readable CSV file") from None
    try:
        rows = compile_csv(text)
        to_binary(rows)
        size = flash_size or BOARDS.get(board) or _smallest_flash(rows)
        return Layout(compile_csv(text, size), size)
    except TableError as error:
        raise UserError("bad_table", f"{path.name}: {error}") from None


def make(
    where: Layout, firmware: bytes, files: Path | None = None, values: list[tuple[str, str, int | bytes]] | None = None
) -> Flash:
    """The finished flash, in memory. `values` are (namespace, key, number or blob) for NVS. Raises UserError."""
    model = check_firmware(firmware)
    slot = _first_app(where.partitions)
    if len(firmware) > slot.size:
        raise UserError("image_too_large", f"the image has {len(firmware)} bytes, {slot.label} holds {slot.size}")
    flash = Flash(where.flash_size)
    flash.program(model.bootloader_offset, bootloader_header(where.flash_size, model))
    flash.program(TABLE_OFFSET, to_binary(where.partitions))
    flash.program(slot.offset, firmware)
    if files is not None:
        area = _file_area(where, micropython_version(firmware))
        flash.program(area.offset, filesystem.make(files, area.size))
    if values:
        _store(flash, where.partitions, values)
    return flash


def check_firmware(firmware: bytes) -> ChipModel:
    """The chip of an app image that a bootloader would take; UserError says what it is instead."""
    try:
        header = image.parse(firmware)
    except ImageError as error:
        raise UserError("not_an_image", f"not an app image: {error}") from None
    if header.chip_id not in BY_ID:
        raise UserError("unknown_chip", f"the image is for chip id {header.chip_id}, which is unknown")
    if header.descriptor is None and _has_table(firmware, BY_ID[header.chip_id]):
        raise UserError("full_flash_image", "a bootloader comes first: this is the full .bin, take the .app-bin")
    try:
        image.verify(firmware, "bootloader", chip_id=header.chip_id, revision=header.min_revision)
    except ImageError as error:
        raise UserError("bad_image", f"the bootloader would refuse the image: {error}") from None
    return BY_ID[header.chip_id]


def _has_table(firmware: bytes, model: ChipModel) -> bool:
    """True for a full-flash file, which starts with the bootloader: the table follows at its place in flash."""
    return firmware[TABLE_OFFSET - model.bootloader_offset :][:2] == _TABLE_MAGIC


def parse_value(text: str) -> tuple[str, str, int | bytes]:
    """`NAMESPACE.KEY=VALUE`: a decimal number becomes an i32, anything else a blob. Raises UserError."""
    name, equals, value = text.partition("=")
    namespace, dot, key = name.partition(".")
    if not (equals and dot and key):
        raise UserError("bad_nvs_value", f"{text!r} is not NAMESPACE.KEY=VALUE")
    if not value.removeprefix("-").isdecimal() or not value.isascii():
        return namespace, key, value.encode("utf-8", "surrogateescape")  # any bytes that the shell can pass
    if not -(2**31) <= int(value) < 2**31:
        raise UserError("bad_nvs_value", f"{value} does not fit into 32 bits")
    return namespace, key, int(value)


def store(nvs: Nvs, values: list[tuple[str, str, int | bytes]]) -> None:
    """Puts values into NVS. Raises UserError for a name that is too long or when it is full."""
    for namespace, key, value in values:
        try:
            number = nvs.open(namespace)
            if isinstance(value, int):
                nvs.set_i32(number, key, value)
            else:
                nvs.set_blob(number, key, value)
        except EspError as error:
            raise UserError("bad_nvs_value", f"{namespace}.{key}: {error.name}") from None


def _smallest_flash(rows: list[Partition]) -> int:
    end = max(row.end for row in rows)
    return next((size for size in FLASH_SIZES if size >= end), FLASH_SIZES[-1])


def _first_app(rows: list[Partition]) -> Partition:
    """Where a factory would put the app: ota_0, or the factory partition of a table without slots."""
    for subtype in (OTA_0, FACTORY):
        for row in rows:
            if row.type == APP and row.subtype == subtype:
                return row
    raise UserError("no_app_partition", "the table has neither ota_0 nor factory")


def _file_area(where: Layout, version: tuple[int, int] | None) -> Partition:
    """The partition `vfs`, or what MicroPython 1.26 makes of the space behind the last row."""
    rows = [row for row in where.partitions if row.type == DATA and row.label in FILE_SYSTEMS]
    area = rows[0] if rows else dynamic_vfs(where.partitions, where.flash_size, version)
    if area is None:
        raise UserError("no_file_system", "no vfs row in the table, and this MicroPython or flash has none without")
    return area


def _store(flash: Flash, rows: list[Partition], values: list[tuple[str, str, int | bytes]]) -> None:
    row = nvs_row(rows)
    if row is None:
        raise UserError("no_nvs", "the table has no data partition nvs, labelled nvs")
    store(Nvs(flash, row.offset, row.size), values)
