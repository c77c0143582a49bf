# SPDX-License-Identifier: MIT
"""The ESP32 app image: read it and judge it as `set_boot` does and as the bootloader does (esp32.md section 4).

`ImageError` says in one line why the chip refuses. Bytes after the end of an image are ignored, as on the chip.
"""

import functools
import hashlib
import re
import struct
from dataclasses import dataclass
from typing import Literal

from simulator.board.chip_models import BY_ID, ChipModel

Level = Literal["set_boot", "bootloader"]

MAGIC = 0xE9
HEADER = struct.Struct("<BBBBIB3sHBHH4xB")
SEGMENT = struct.Struct("<II")
DESCRIPTOR = struct.Struct("<II8x32s32s16s16s32s32sHHB75x")
DESCRIPTOR_MAGIC = 0xABCD5432
DESCRIPTOR_OFFSET = HEADER.size + SEGMENT.size  # 0x20: the first bytes of the first segment
CHECKSUM_SEED = 0xEF
MMU_PAGE = 0x10000
SLOT_ALIGNED = 0x10000  # any flash address of an app slot that respects the 64 KiB rule
MAX_SIZE = 16 * 1024 * 1024  # bytes of an app partition; a segment has less

_MAX_SEGMENTS = 16
_FIRST_LOADABLE = 0x10000000  # load addresses below are padding


class ImageError(Exception):
    """Not an app image that the chip in question would take."""


@dataclass(frozen=True)
class Segment:
    """`address` where it is loaded or mapped; `offset` of its data in the file; `size` in bytes."""

    address: int
    offset: int
    size: int

    def holds(self, address: int) -> bool:
        return self.address <= address < self.address + self.size


@dataclass(frozen=True)
class Descriptor:
    """The application's own description; version and project may be empty, as in released MicroPython (4.2)."""

    version: str
    project: str
    time: str
    date: str
    idf_version: str
    elf_sha256: str
    secure_version: int


@dataclass(frozen=True)
class Image:
    """A parsed header with its segments. `size` is the whole image with checksum and hash, in bytes."""

    chip_id: int
    entry: int
    flash_mode: int
    flash_size_code: int
    min_revision: int
    max_revision: int
    segments: tuple[Segment, ...]
    has_hash: bool
    size: int
    descriptor: Descriptor | None

    @property
    def checksum_offset(self) -> int:
        return self.size - 32 * self.has_hash - 1


def parse(data: bytes | memoryview) -> Image:
    """Reads the structure of the image at the start of `data`. Raises ImageError when it has none."""
    view = memoryview(data)
    if len(view) < HEADER.size:
        raise ImageError(f"{len(view)} bytes are too short for an image header")
    magic, count, mode, size_freq, entry, _, _, chip_id, _, low, high, has_hash = HEADER.unpack_from(view)
    if magic != MAGIC:
        raise ImageError(f"magic byte is {magic:#04x}, an image starts with 0xe9")
    segments, end = _segments(view, count)
    size = -(-(end + 1) // 16) * 16 + 32 * bool(has_hash)
    return Image(
        chip_id, entry, mode, size_freq >> 4, low, high, segments, bool(has_hash), size, _descriptor(view, segments)
    )


def _segments(view: memoryview, count: int) -> tuple[tuple[Segment, ...], int]:
    """The segment headers and where the last one's data ends."""
    if count > _MAX_SEGMENTS:
        raise ImageError(f"{count} segments, at most {_MAX_SEGMENTS} are possible")
    segments = []
    at = HEADER.size
    for index in range(count):
        if at + SEGMENT.size > len(view):
            raise ImageError(f"the image ends before segment {index}")
        address, size = SEGMENT.unpack_from(view, at)
        if size % 4 or size >= MAX_SIZE:
            raise ImageError(f"segment {index} has the impossible length {size:#x}")
        segments.append(Segment(address, at + SEGMENT.size, size))
        at += SEGMENT.size + size
    return tuple(segments), at


def _descriptor(view: memoryview, segments: tuple[Segment, ...]) -> Descriptor | None:
    if not segments or segments[0].size < DESCRIPTOR.size or len(view) < DESCRIPTOR_OFFSET + DESCRIPTOR.size:
        return None
    magic, secure, version, project, time, date, idf, elf, _, _, _ = DESCRIPTOR.unpack_from(view, DESCRIPTOR_OFFSET)
    if magic != DESCRIPTOR_MAGIC:
        return None
    texts = [field.split(b"\0")[0].decode("utf-8", "replace") for field in (version, project, time, date, idf)]
    return Descriptor(*texts, elf_sha256=elf.hex(), secure_version=secure)


def verify(
    data: bytes | memoryview,
    level: Level,
    *,
    chip_id: int = 0,
    revision: int | None = None,
    flash_address: int = SLOT_ALIGNED,
) -> Image:
    """The image if the chip takes it, else ImageError. `data` is the content of a whole partition or a file.

    `level` "set_boot" checks what the running app checks, "bootloader" also where RAM segments would land (4.3).
    `flash_address` is where the partition starts: mapped segments must agree with it modulo 64 KiB.
    """
    model = BY_ID[chip_id]
    view = memoryview(data)
    if len(view) > MAX_SIZE:
        raise ImageError("an app partition has at most 16 MiB")
    image = parse(view)
    _check_chip(image, model, model.revision if revision is None else revision)
    for index, segment in enumerate(image.segments):
        if model.is_mapped(segment.address) and (flash_address + segment.offset - segment.address) % MMU_PAGE:
            raise ImageError(f"segment {index} is not aligned with its mapped address modulo 64 KiB")
        if level == "bootloader":
            _check_load_address(index, segment, model)
    if model.needs_descriptor and image.descriptor is None:
        raise ImageError("the app descriptor is missing, this chip requires it")
    if image.size > len(view):
        raise ImageError(f"the image has {image.size} bytes, only {len(view)} are there")
    _check_integrity(bytes(view[: image.size]))
    return image


def _check_chip(image: Image, model: ChipModel, revision: int) -> None:
    if image.chip_id != model.chip_id:
        name = BY_ID[image.chip_id].name if image.chip_id in BY_ID else f"chip id {image.chip_id}"
        raise ImageError(f"the image is for {name}, this is an {model.name}")
    if revision < image.min_revision:
        raise ImageError(
            f"the image needs chip revision {_revision(image.min_revision)}, this is {_revision(revision)}"
        )
    if image.max_revision not in (0, 0xFFFF) and revision > image.max_revision:
        raise ImageError(
            f"the image ends at chip revision {_revision(image.max_revision)}, this is {_revision(revision)}"
        )


def _revision(value: int) -> str:
    return f"v{value // 100}.{value % 100}"


def _check_load_address(index: int, segment: Segment, model: ChipModel) -> None:
    """What only the bootloader cares about, because only it copies segments into RAM."""
    start, end = segment.address, segment.address + segment.size
    if not segment.size or start < _FIRST_LOADABLE or model.is_mapped(start):
        return
    if not any(low <= start and end <= high for low, high in model.ram):
        raise ImageError(f"segment {index} has a bad load address range {start:#x}-{end:#x}")
    for low, high, reason in model.reserved:
        if start < high and low < end:
            raise ImageError(f"segment {index} {start:#x}-{end:#x} {reason}")


@functools.lru_cache(maxsize=32)  # a board starts the same few images again and again
def _check_integrity(whole: bytes) -> None:
    image, view = parse(whole), memoryview(whole)
    checksum = data_checksum(view, image.segments)
    stored = view[image.checksum_offset]
    if checksum != stored:
        raise ImageError(f"checksum is {checksum:#04x}, the image says {stored:#04x}")
    if image.has_hash and hashlib.sha256(view[: image.size - 32]).digest() != view[image.size - 32 : image.size]:
        raise ImageError("the SHA-256 at the end of the image does not match")


def data_checksum(view: memoryview, segments: tuple[Segment, ...]) -> int:
    """XOR of all segment data, seeded with 0xEF; headers are not covered (4.1)."""
    checksum = CHECKSUM_SEED
    for segment in segments:
        checksum ^= xor_bytes(view[segment.offset : segment.offset + segment.size])
    return checksum


def xor_bytes(data: bytes | memoryview) -> int:
    """XOR of all bytes. Folds one big integer in halves, because a loop over 1.6 MB takes a quarter of a second."""
    folded = int.from_bytes(data, "little")
    width = 8 * len(data)
    while width > 8:
        half = -(-width // 16) * 8
        folded = (folded >> half) ^ (folded & ((1 << half) - 1))
        width = half
    return folded


def start_problem(image: Image, model: ChipModel) -> str | None:
    """Why an image that the bootloader loads cannot even start, or None (the third row of table 4.3).

    The CPU then hangs or crashes before the app, and the bootloader's watchdog resets the chip.
    """
    mapped = [segment for segment in image.segments if model.is_mapped(segment.address)]
    if len(mapped) != 2:
        return f"{len(mapped)} mapped segments, an app has two"
    if not model.is_code(image.entry) or not any(segment.holds(image.entry) for segment in image.segments):
        return f"no code at the entry point {image.entry:#x}"
    return None


@functools.lru_cache(maxsize=32)
def micropython_version(data: bytes) -> tuple[int, int] | None:
    """(major, minor) of the MicroPython release an image was built from; None if it does not say."""
    found = re.search(rb"MicroPython v(\d+)\.(\d+)\S* on \d{4}-", data)  # the banner of the REPL
    return (int(found[1]), int(found[2])) if found else None
