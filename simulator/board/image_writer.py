# SPDX-License-Identifier: MIT
"""Writes app images that carry data instead of machine code, valid for the chip's own checks and for esptool.

Three segments: DROM (descriptor and payload), IRAM (the entry point) and IROM, because an app that starts has exactly
two mapped segments. The code is one endless loop: on real silicon the image waits for the bootloader's watchdog.
"""

import hashlib
import struct

from simulator.board.chip_models import MODELS, ChipModel
from simulator.board.image import (
    DESCRIPTOR,
    DESCRIPTOR_MAGIC,
    HEADER,
    MAGIC,
    MAX_SIZE,
    MMU_PAGE,
    SEGMENT,
    Segment,
    data_checksum,
)
from simulator.errors import UserError

_DIO, _4MB_40MHZ, _WP_DISABLED = 2, 0x20, 0xEE
_PAGE_LOG2 = 16
_IDF_VERSION = b"v5.5.2"
_TIME, _DATE = b"00:00:00", b"Jan  1 2000"  # fixed, so that equal inputs give equal bytes
_FIXED_PART = HEADER.size + SEGMENT.size + DESCRIPTOR.size + 2 * (SEGMENT.size + 4)
_ALIGN = 16
_CACHE_SIZE = 0x4000  # the start of IRAM may serve as instruction cache


def build(payload: bytes, title: str = "", version: str = "", chip: str = "esp32", size: int | None = None) -> bytes:
    """An image whose first segment is the descriptor and `payload`.

    `size` is the exact length of the image in bytes, a multiple of 16: the payload is followed by noise that depends
    on title and version only. Raises UserError for a chip, text or size that is impossible.
    """
    model = MODELS.get(chip)
    if model is None:
        raise UserError("unknown_chip", f"{chip} is not one of {', '.join(MODELS)}")
    payload += b"\0" * (-len(payload) % 4)
    if size is not None:
        payload += _filler(f"{title} {version}", _room(size) - len(payload), size)
    if len(payload) + DESCRIPTOR.size >= MAX_SIZE:
        raise UserError("bad_size", f"the content has {len(payload)} bytes, a segment holds less than 16 MiB")
    rom = _descriptor(title, version, payload) + payload
    return _assemble(model, rom)


def _room(size: int) -> int:
    """Bytes of payload in an image of `size` bytes, with the single padding byte that holds the checksum at least."""
    if size % _ALIGN or size > MAX_SIZE:
        raise UserError("bad_size", f"an image size is a multiple of {_ALIGN} up to 16 MiB, {size} is not")
    return (size - 32 - 1 - _FIXED_PART) // 4 * 4


def _filler(seed: str, count: int, size: int) -> bytes:
    if count < 0:
        raise UserError("bad_size", f"the content does not fit into {size} bytes, {-count} bytes are missing")
    return hashlib.shake_256(seed.encode()).digest(count)


def _descriptor(title: str, version: str, payload: bytes) -> bytes:
    for what, text in (("title", title), ("version", version)):
        if len(text.encode()) > 31:
            raise UserError(f"{what}_too_long", f"the {what} {text!r} has more than 31 bytes")
    return DESCRIPTOR.pack(
        DESCRIPTOR_MAGIC, 0, version.encode(), title.encode(), _TIME, _DATE, _IDF_VERSION,
        hashlib.sha256(payload).digest(), 0, 0, _PAGE_LOG2,
    )  # fmt: skip


def _assemble(model: ChipModel, rom: bytes) -> bytes:
    entry = model.iram[0] + _CACHE_SIZE
    parts = [(model.drom[0] + HEADER.size + SEGMENT.size, rom), (entry, model.spin)]
    irom_offset = HEADER.size + sum(SEGMENT.size + len(data) for _, data in parts) + SEGMENT.size
    parts.append((_irom_page(model, len(rom)) + irom_offset % MMU_PAGE, model.spin))
    image = bytearray(HEADER.pack(
        MAGIC, len(parts), _DIO, _4MB_40MHZ, entry, _WP_DISABLED, bytes(3), model.chip_id, 0, 0, 0xFFFF, True,
    ))  # fmt: skip
    segments = []
    for address, data in parts:
        image += SEGMENT.pack(address, len(data))
        segments.append(Segment(address, len(image), len(data)))
        image += data
    checksum = data_checksum(memoryview(bytes(image)), tuple(segments))
    image += bytes(_ALIGN - 1 - len(image) % _ALIGN) + struct.pack("B", checksum)
    return bytes(image) + hashlib.sha256(image).digest()


def _irom_page(model: ChipModel, rom_size: int) -> int:
    """Where the code page goes: chips from the C6 on map data and code into one range, so it follows the data."""
    if model.irom != model.drom:
        return model.irom[0]
    return model.irom[0] + (rom_size // MMU_PAGE + 2) * MMU_PAGE
