# SPDX-License-Identifier: MIT
"""MurmurHash3 with seed 0, in the two forms ThingsBoard offers. Python and slow: see docs/checksums.md.

Not a cryptographic hash: it finds accidents, not attackers.
"""

import binascii
import struct

_M32 = 0xFFFFFFFF
_M64 = 0xFFFFFFFFFFFFFFFF


class _Blocks:
    """Cuts what comes into whole blocks of `_size` bytes; the rest waits for the next call or for `text()`."""

    _size = 4

    def __init__(self):
        self._length = 0
        self._rest = b""

    def update(self, data):
        self._length += len(data)
        start = 0
        if self._rest:
            start = min(self._size - len(self._rest), len(data))
            self._rest += bytes(memoryview(data)[:start])
            if len(self._rest) < self._size:
                return
            self._mix(self._rest, 0)  # pyright: ignore[reportAttributeAccessIssue] (subclasses have it)
        end = start + (len(data) - start) // self._size * self._size
        for offset in range(start, end, self._size):
            self._mix(data, offset)  # pyright: ignore[reportAttributeAccessIssue]
        self._rest = bytes(memoryview(data)[end:])


class Murmur32(_Blocks):
    """The x86 32-bit form."""

    def __init__(self):
        super().__init__()
        self._h = 0

    def _scramble(self, k):
        k = (k * 0xCC9E2D51) & _M32
        k = ((k << 15) | (k >> 17)) & _M32
        return (k * 0x1B873593) & _M32

    def _mix(self, data, offset):
        h = self._h ^ self._scramble(struct.unpack_from("<I", data, offset)[0])
        h = ((h << 13) | (h >> 19)) & _M32
        self._h = (h * 5 + 0xE6546B64) & _M32

    def text(self):
        h = self._h
        if self._rest:
            h ^= self._scramble(int.from_bytes(self._rest, "little"))
        h ^= self._length & _M32
        h = ((h ^ (h >> 16)) * 0x85EBCA6B) & _M32
        h = ((h ^ (h >> 13)) * 0xC2B2AE35) & _M32
        h ^= h >> 16
        return binascii.hexlify(h.to_bytes(4, "little")).decode()


def _rotate(x, n):
    return ((x << n) | (x >> (64 - n))) & _M64


def _finish(h):
    h = ((h ^ (h >> 33)) * 0xFF51AFD7ED558CCD) & _M64
    h = ((h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53) & _M64
    return h ^ (h >> 33)


class Murmur128(_Blocks):
    """The x64 128-bit form, printed h1 then h2, each little endian."""

    _size = 16
    _C1 = 0x87C37B91114253D5
    _C2 = 0x4CF5AD432745937F

    def __init__(self):
        super().__init__()
        self._h1 = 0
        self._h2 = 0

    def _scramble1(self, k):
        return (_rotate((k * self._C1) & _M64, 31) * self._C2) & _M64

    def _scramble2(self, k):
        return (_rotate((k * self._C2) & _M64, 33) * self._C1) & _M64

    def _mix(self, data, offset):
        k1, k2 = struct.unpack_from("<QQ", data, offset)
        h1 = self._h1 ^ self._scramble1(k1)
        h1 = ((_rotate(h1, 27) + self._h2) * 5 + 0x52DCE729) & _M64
        h2 = self._h2 ^ self._scramble2(k2)
        h2 = ((_rotate(h2, 31) + h1) * 5 + 0x38495AB5) & _M64
        self._h1, self._h2 = h1, h2

    def text(self):
        h1 = self._h1 ^ self._scramble1(int.from_bytes(self._rest[:8], "little"))
        h2 = self._h2 ^ self._scramble2(int.from_bytes(self._rest[8:], "little"))
        h1 ^= self._length
        h2 ^= self._length
        h1 = (h1 + h2) & _M64
        h2 = (h2 + h1) & _M64
        h1, h2 = _finish(h1), _finish(h2)
        h1 = (h1 + h2) & _M64
        h2 = (h2 + h1) & _M64
        return binascii.hexlify(h1.to_bytes(8, "little") + h2.to_bytes(8, "little")).decode()
