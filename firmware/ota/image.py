# SPDX-License-Identifier: MIT
"""Is this the beginning of an app for this board? Asked of the first bytes, before any erase.

`set_boot()` would accept a full-flash file and the bootloader would then refuse it without a word
(esp32.md section 0, fact 1); the descriptor magic at 0x20 is the cheap test that tells them apart.
"""

import struct

from ota.errors import JobError
from ota.port import const

HEADER = const(288)  # bytes needed: image header, first segment header, app descriptor (esp32.md 4)
_MAGIC = const(0xE9)
_DESCRIPTOR = const(b"\x32\x54\xcd\xab")
_SEGMENTS = const(16)


def chip_id(header):
    """The chip an image is for, from its first 24 bytes: 0 ESP32, 5 C3, 9 S3, ... (esp32.md 4.1)."""
    return struct.unpack_from("<H", header, 12)[0]


def check(head, size, chip):
    """`head`: the first bytes, at least HEADER of them; `size`: bytes of the image; `chip`: chip id of this board.

    Raises JobError: `image_too_small`, `not_an_image`, `not_an_app`, `wrong_chip`.
    """
    if size < HEADER + 16:
        raise JobError("image_too_small", str(size))
    if head[0] != _MAGIC or not 0 < head[1] <= _SEGMENTS:
        raise JobError("not_an_image")
    if chip_id(head) != chip:
        raise JobError("wrong_chip", "image is for chip %d, this is %d" % (chip_id(head), chip))
    if bytes(head[32:36]) != _DESCRIPTOR:
        raise JobError("not_an_app", "full-flash file or bootloader; publish the .app-bin")
