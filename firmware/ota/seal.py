# SPDX-License-Identifier: MIT
"""The SHA-256 that an app image brings behind its segments (esp32.md 4), for jobs that promise no other."""

from ota import checksum
from ota.errors import VerifyError
from ota.port import const

_BLOCK = const(4096)
_HEAD = const(24)
_HASHED = const(23)  # 1: there is such a hash
_HASH = const(32)
_MISMATCH = "checksum_mismatch"


def verify(slot, size):
    """Generator: reads the image of `size` bytes back. A signature may follow the hash: that is the chip's business."""
    end, is_hashed = _end(slot, size)
    if not is_hashed:
        return
    digest = checksum.new("SHA256")
    yield from slot.feed(digest, end)
    told = ""
    index = -1
    for at in range(end, end + _HASH):
        if at // _BLOCK != index:
            index = at // _BLOCK
            slot.read(index, slot.block)
        told += "%02x" % slot.block[at % _BLOCK]
    if digest.text() != told:
        raise VerifyError(_MISMATCH, "the image's own SHA256")


def _end(slot, size):
    """(where the hash begins, whether there is one). The segments tell."""
    block = slot.block
    slot.read(0, block)
    segments, is_hashed = block[1], block[_HASHED] == 1
    index, at = 0, _HEAD + 4  # the length in the head of a segment
    for _ in range(segments):
        if at + 4 > size:
            raise VerifyError(_MISMATCH, "cut short")
        if at // _BLOCK != index:
            index = at // _BLOCK
            slot.read(index, block)
        length = 0
        if at % 4:  # the chip refuses that, too
            raise VerifyError(_MISMATCH, "segments out of step")
        for i in range(at % _BLOCK + 3, at % _BLOCK - 1, -1):
            length = length << 8 | block[i]
        at += 8 + length
    end = (at - 4 | 15) + 1  # a checksum of one byte ends the last 16
    if end + is_hashed * _HASH > size:
        raise VerifyError(_MISMATCH, "cut short")
    return end, is_hashed
