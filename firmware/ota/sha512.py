# SPDX-License-Identifier: MIT
"""SHA-512 and SHA-384 (FIPS 180-4) in Python, for boards whose hashlib lacks them. Slow: see docs/checksums.md.

The constants are computed, not stored: fractions of the square and cube roots of the first 80 primes.
"""

import struct

_MASK = 0xFFFFFFFFFFFFFFFF


def _primes(count):
    found = []
    n = 2
    while len(found) < count:
        if all(n % p for p in found):
            found.append(n)
        n += 1
    return found


def _root(n, degree):
    """The first 64 bits of the fraction of the square or cube root of `n`."""
    target = n << (64 * degree)
    low, high = 0, 1 << 70
    while high - low > 1:
        middle = (low + high) // 2
        if middle**degree <= target:
            low = middle
        else:
            high = middle
    return low & _MASK


class Sha512:
    """hashlib's `update` and `digest`; holds one 128-byte block and 16 words."""

    _size = 64

    def __init__(self):
        primes = _primes(80)
        self._k = [_root(p, 3) for p in primes]
        self._state = self._start(primes)
        self._block = bytearray(128)
        self._length = 0

    def _start(self, primes):
        return [_root(p, 2) for p in primes[:8]]

    def update(self, data):
        view = memoryview(data)
        used = self._length % 128
        self._length += len(view)
        start = 0
        while start < len(view):
            n = min(128 - used, len(view) - start)
            self._block[used : used + n] = view[start : start + n]
            start += n
            used += n
            if used == 128:
                self._compress()
                used = 0

    def digest(self):
        bits = self._length * 8
        self.update(b"\x80" + bytes((111 - self._length) % 128) + bytes(8) + struct.pack(">Q", bits))
        return b"".join([struct.pack(">Q", word) for word in self._state])[: self._size]

    def _compress(self):
        w = list(struct.unpack(">16Q", self._block))
        a, b, c, d, e, f, g, h = self._state
        for i in range(80):
            if i >= 16:
                x = w[(i - 15) & 15]
                y = w[(i - 2) & 15]
                s0 = ((x >> 1) | (x << 63)) ^ ((x >> 8) | (x << 56)) ^ (x >> 7)
                s1 = ((y >> 19) | (y << 45)) ^ ((y >> 61) | (y << 3)) ^ (y >> 6)
                w[i & 15] = (w[i & 15] + (s0 & _MASK) + w[(i - 7) & 15] + (s1 & _MASK)) & _MASK
            t = ((e >> 14) | (e << 50)) ^ ((e >> 18) | (e << 46)) ^ ((e >> 41) | (e << 23))
            t = h + (t & _MASK) + ((e & f) ^ (~e & g & _MASK)) + self._k[i] + w[i & 15]
            u = ((a >> 28) | (a << 36)) ^ ((a >> 34) | (a << 30)) ^ ((a >> 39) | (a << 25))
            u = (u & _MASK) + ((a & b) ^ (a & c) ^ (b & c))
            h, g, f, e, d, c, b, a = g, f, e, (d + t) & _MASK, c, b, a, (t + u) & _MASK
        self._state = [(old + new) & _MASK for old, new in zip(self._state, (a, b, c, d, e, f, g, h))]


class Sha384(Sha512):
    """SHA-512 with other starting words and a shorter result."""

    _size = 48

    def _start(self, primes):
        return [_root(p, 2) for p in primes[8:16]]
