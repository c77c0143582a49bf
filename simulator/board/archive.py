# SPDX-License-Identifier: MIT
"""Frozen Python modules inside an app image: a zip behind the app descriptor (docs/WIRE.md).

Layout from image offset 0x120: magic 8 bytes, length u32, CRC-32 u32 of the zip, then the zip. Entries are stored
uncompressed, sorted and dated alike, so that equal modules give equal bytes on every machine.
"""

import io
import struct
import zipfile
import zlib

from simulator.board.image import DESCRIPTOR, DESCRIPTOR_OFFSET

MAGIC = b"FROZEN\x00\x01"
HEADER = struct.Struct("<8sII")
OFFSET = DESCRIPTOR_OFFSET + DESCRIPTOR.size

_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(files: dict[str, bytes]) -> bytes:
    """The archive of files by relative path, header included."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # zipfile would write the system it runs on
            bundle.writestr(entry, files[name])
    content = buffer.getvalue()
    return HEADER.pack(MAGIC, len(content), zlib.crc32(content)) + content


def find(image: bytes) -> dict[str, bytes] | None:
    """The files of the archive in an app image; None if there is none, as in a stock MicroPython, or it is damaged."""
    if len(image) < OFFSET + HEADER.size:
        return None
    magic, length, crc = HEADER.unpack_from(image, OFFSET)
    content = bytes(image[OFFSET + HEADER.size :][:length])
    if magic != MAGIC or zlib.crc32(content) != crc:
        return None
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}
