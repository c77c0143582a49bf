# SPDX-License-Identifier: MIT
"""A CoAP message taken apart where it is, and one put together in a buffer (RFC 7252 section 3).

Both are made once and used again: a datagram allocates nothing until somebody asks for a text.
"""

from array import array

from ota.port import const

_EMPTY = const(0)

_OPTIONS = const(24)  # of one message; nobody who means well needs more
_KNOWN = const((3, 7, 11, 15, 17, 23, 27))  # critical ones (odd numbers) that we understand
_MARKER = const(0xFF)


class Message:
    """`parse` fills it. `type`, `code`, `mid`; `token` of `token_size` bytes; the payload is `buf[start:end]`.

    `is_strange`: it has a critical option that nobody here knows, or a number in one that is too long (RFC 7252 5.4.3).
    """

    def __init__(self):
        self.buf = b""
        self.type = self.code = self.mid = 0
        self.token_size = self.start = self.end = 0
        self.is_strange = False
        self._count = 0
        self._spans = array("H", bytes(6 * _OPTIONS))  # of each option its number, where it starts, where it ends

    def parse(self, buf, size):
        """Whether the first `size` bytes of `buf` are a message. The buffer is kept, not copied."""
        self.buf = buf
        self._count = 0
        self.is_strange = False
        if size < 4 or buf[0] >> 6 != 1:
            return False
        self.type = buf[0] >> 4 & 3
        self.token_size = buf[0] & 15
        self.code = buf[1]
        self.mid = buf[2] << 8 | buf[3]
        at = 4 + self.token_size
        if self.token_size > 8 or at > size or (self.code == _EMPTY and size > 4):
            return False
        number = 0
        while at < size and buf[at] != _MARKER:
            delta, length = buf[at] >> 4, buf[at] & 15
            extra = _extra(delta) + _extra(length)
            if delta == 15 or length == 15 or at + 1 + extra > size or self._count >= _OPTIONS:
                return False
            at += 1
            if delta >= 13:
                delta = buf[at] + 13 if delta == 13 else (buf[at] << 8 | buf[at + 1]) + 269
                at += extra - _extra(length)
            if length >= 13:
                wide = length == 14
                length = (buf[at] << 8 | buf[at + 1]) + 269 if wide else buf[at] + 13
                at += 2 if wide else 1
            number += delta
            if at + length > size or number > 0xFFFF:
                return False
            self._put(number, at, at + length)
            at += length
        self.start = self.end = size
        if at < size:
            self.start = at + 1
            return self.start < size  # a marker without a payload is an error
        return True

    def _put(self, number, start, end):
        i = self._count
        self._spans[3 * i] = number
        self._spans[3 * i + 1] = start
        self._spans[3 * i + 2] = end
        self._count = i + 1
        if number & 1 and (number not in _KNOWN or (number > 15 and end - start > 3)):
            self.is_strange = True

    def has(self, number):
        return self._find(number) >= 0

    def _find(self, number):
        for i in range(self._count):
            if self._spans[3 * i] == number:
                return i
        return -1

    def uint(self, number, default):
        """The first option of this number as an unsigned integer; `default` where there is none, or a longer one."""
        i = self._find(number)
        spans = self._spans
        if i < 0 or spans[3 * i + 2] - spans[3 * i + 1] > 4:
            return default
        value = 0
        for at in range(spans[3 * i + 1], spans[3 * i + 2]):
            value = value << 8 | self.buf[at]
        return value

    def values(self, number):
        """Every option of this number, as bytes."""
        spans, view = self._spans, memoryview(self.buf)
        return [bytes(view[spans[3 * i + 1] : spans[3 * i + 2]]) for i in range(self._count) if spans[3 * i] == number]

    @property
    def token(self):
        return bytes(memoryview(self.buf)[4 : 4 + self.token_size])

    @property
    def payload(self):
        """A view of it, good until the next message."""
        return memoryview(self.buf)[self.start : self.end]


def _extra(nibble):
    return nibble - 12 if 13 <= nibble <= 14 else 0


class Writer:
    """Puts a message into `buf`, of which `size` bytes count. Options come in order of their numbers.

    What has no room is left out, and `is_full` says so.
    """

    def __init__(self, size):
        self.buf = bytearray(size)
        self.size = 0
        self.is_full = False
        self._number = 0

    def begin(self, type, code, mid, token: bytes | bytearray = b"", token_size=-1):
        """`token_size` bytes of `token`, all of it without one."""
        n = len(token) if token_size < 0 else token_size
        buf = self.buf
        buf[0] = 0x40 | type << 4 | n
        buf[1] = code
        buf[2] = mid >> 8
        buf[3] = mid & 0xFF
        for i in range(n):
            buf[4 + i] = token[i]
        self.size = 4 + n
        self._number = 0
        self.is_full = False

    def option(self, number, value=b""):
        delta, self._number = number - self._number, number
        at = self.size
        if at + 9 + len(value) > len(self.buf):
            self.is_full = True
            return
        self.size = at + 1
        self.buf[at] = self._nibble(delta) << 4
        self.buf[at] |= self._nibble(len(value))
        self._append(value)

    def uint(self, number, value):
        """An option that is a number, in as few bytes as it needs."""
        width = 0
        while value >> 8 * width:
            width += 1
        head = self.size
        self.option(number)
        if self.is_full:
            return
        self.buf[head] |= width
        for i in range(width - 1, -1, -1):
            self.buf[self.size] = value >> 8 * i & 0xFF
            self.size += 1

    def payload(self, data):
        """`data`: bytes or a view of them; nothing for an empty one."""
        if data:
            self._append(b"\xff")
            self._append(data)

    def _nibble(self, value):
        """Puts what a nibble has no room for behind what is there; returns the nibble."""
        if value < 13:
            return value
        if value < 269:
            self.buf[self.size] = value - 13
            self.size += 1
            return 13
        self.buf[self.size] = value - 269 >> 8
        self.buf[self.size + 1] = value - 269 & 0xFF
        self.size += 2
        return 14

    def _append(self, data):
        end = self.size + len(data)
        if end > len(self.buf):
            self.is_full = True
            return
        self.buf[self.size : end] = data
        self.size = end
