# SPDX-License-Identifier: MIT
"""A block filled piece by piece, as the bytes come in, without a slice for each.

A read begins at one of a few places of the block, made once; up to the next of them bytes take a detour.
"""

from ota.errors import TransferError
from ota.port import const

_STEP = const(512)  # bytes between two such places
_DETOUR = const(64)


class Filler:
    """`filled`: bytes of the block that are there. One block only, for its places are remembered."""

    def __init__(self):
        self.filled = 0
        self._places = None
        self._detour = bytearray(_DETOUR)

    def take(self, block, size, body):
        """Puts what has come, `size` bytes at most, behind what is there; how many. Raises TransferError at the end."""
        if self._places is None:
            self._places = _places(block)
        start = self.filled
        while size:
            at = self.filled
            if at % _STEP:
                detour = self._detour
                got = _read(body, detour, min(size, _DETOUR, _STEP - at % _STEP))
                for i in range(got):
                    block[at + i] = detour[i]
            else:
                got = _read(body, self._places[at // _STEP], size)
            if not got:
                break
            self.filled += got
            size -= got
        return self.filled - start

    def drop(self, block, size, body):
        """Reads bytes that nobody wants, `size` at most; how many. Only while `filled` is 0: the block is scratch."""
        return _read(body, block, min(size, len(block)))


def _places(block):
    """A function of its own: what a comprehension looks at costs a cell each time its function is called."""
    return [memoryview(block)[i:] for i in range(0, len(block), _STEP)]


def _read(body, buf, size):
    got = body.readinto(buf, size)
    if got == 0:
        raise TransferError("link_lost", "the body is too short")
    return got or 0
