# SPDX-License-Identifier: MIT
"""The JSON of AWS IoT file streams (rainmaker.md 6.2): the same requests, blocks and errors as text.

For who wants to read along: `AwsStream(cloud, job, offset, Json)`. A block comes in base64, as the vendor's own client
reads it, or in hexadecimal, as its page once said. It is read like CBOR, and allocates as little; but each character
passes through Python, and there is a third more of them.
"""

from ota.port import const

_BATCH = const(b'{"f":1,"l":4096,"o":')
_BITMAP = const(b',"b":"0x')
_COUNT = const(b'","n":16}')
_LIMIT = const(8704)  # bytes of an answer: a block in hexadecimal, and room for what is around it
_HUGE = const(0x3FFFFF)  # see cbor.py
_TEXT = const(40)
_TELLING = const(256)  # bytes of a block: in hexadecimal it takes 170 characters more than in base64
_NONE = const(0xFF)  # not a digit
_QUOTE = const(0x22)
_BACKSLASH = const(0x5C)
_PAD = const(0x3D)
_SPACES = const(b" \t\r\n")
_DIGITS = const(b"0123456789abcdef")


def _table(digits):
    """The value of each character up to z."""
    table = bytearray([_NONE] * 123)
    for i in range(len(digits)):
        table[digits[i]] = i
    return table


class Json:
    """After `read`: as Cbor has it."""

    name = b"json"
    head = b'{"f":1,"l":289,"o":0,"n":1}'

    def __init__(self, mqtt):
        self._mqtt = mqtt
        self._buf = bytearray(64)
        self._at = self._end = 0  # of what is in the buffer
        self._base64 = _table(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        self._hex = _table(_DIGITS)
        for i in range(10, 16):
            self._hex[_DIGITS[i] - 32] = i  # as large letters
        self._is_hex = False
        self.file = self.index = self.size = self._length = -1
        self.code = ""

    def batch(self, packet, at, first, bits):
        """As Cbor has it."""
        at = _put(packet, at, _BATCH)
        digits = 1
        while first >= 10**digits:
            digits += 1
        for i in range(digits):
            packet[at + digits - 1 - i] = _DIGITS[first % 10]
            first //= 10
        at = _put(packet, at + digits, _BITMAP)
        for shift in (4, 0, 12, 8):
            packet[at] = _DIGITS[bits >> shift & 15]
            at += 1
        return _put(packet, at, _COUNT)

    def read(self, block):
        """As Cbor has it."""
        self.file = self.index = self.size = self._length = -1
        self.code = ""
        self._at = self._end = 0
        if self._mqtt.left > _LIMIT or self._token() != 0x7B:
            raise ValueError
        after = self._token()
        while after != 0x7D:
            self._pair(after, block)
            after = self._token()
            if after == 0x2C:
                after = self._token()
                if after != _QUOTE:
                    raise ValueError
            elif after != 0x7D:
                raise ValueError
        while self._mqtt.left or self._at != self._end:
            if self._next() not in _SPACES:
                raise ValueError

    def _pair(self, first, block):
        if first != _QUOTE:
            raise ValueError
        key = self._next()
        if self._next() != _QUOTE:
            key = 0
            self._at -= 1
            self._pass_text()
        if self._token() != 0x3A:
            raise ValueError
        first = self._token()
        if key == 0x66:
            self.file = self._number(first)
        elif key == 0x69:
            self.index = self._number(first)
        elif key == 0x6C:
            self._length = self._number(first)
        elif key == 0x70 and self.size < 0:
            self.size = self._payload(first, block)
        elif key == 0x6F:
            self.code = self._error(first)
        else:
            self._pass(first)

    def _payload(self, first, block):
        """Decodes a text into `block`; how many bytes. A large one tells by its length how all are written."""
        if first != _QUOTE:
            raise ValueError
        size = self._length if self._length >= 0 else len(block)
        if size >= _TELLING:
            self._is_hex = self._mqtt.left + self._end - self._at >= 2 * size
        table = self._hex if self._is_hex else self._base64
        width = 4 if self._is_hex else 6
        value = bits = n = 0
        while True:
            c = self._next()
            if c == _BACKSLASH:
                c = self._next()  # some write \/ for /
            if c >= len(table) or table[c] == _NONE:
                break
            value = (value << width | table[c]) & 0x3FFF
            bits += width
            if bits >= 8:
                bits -= 8
                if n == len(block):
                    raise ValueError
                block[n] = value >> bits & 0xFF
                n += 1
        while c == _PAD and width == 6:
            c = self._next()
        if c != _QUOTE or bits >= width:
            raise ValueError
        return n

    def _number(self, first):
        """Digits only: all that counts is a whole number that is not negative."""
        value = 0
        c = first
        if not 0x30 <= c <= 0x39:
            raise ValueError
        while 0x30 <= c <= 0x39:
            value = min(value * 10 + c - 0x30, _HUGE)
            c = self._next()
        self._at -= 1
        if c in (0x2E, 0x45, 0x65):  # a fraction, an exponent
            raise ValueError
        return value

    def _error(self, first):
        if first != _QUOTE:
            return str(self._number(first))
        text = ""
        c = self._next()
        while c != _QUOTE:
            if c == _BACKSLASH:
                c = self._next()
            if 32 <= c < 127 and len(text) < _TEXT:
                text += chr(c)
            c = self._next()
        return text

    def _pass(self, first):
        """Passes over a value, whatever it is: texts, brackets, and what has neither."""
        depth = 0
        c = first
        while True:
            if c == _QUOTE:
                self._pass_text()
            elif c in (0x7B, 0x5B):
                depth += 1
            elif c in (0x7D, 0x5D):
                depth -= 1
            if not depth and c in (_QUOTE, 0x7D, 0x5D):
                return
            c = self._next()
            if not depth and c in (0x2C, 0x7D):
                self._at -= 1
                return

    def _pass_text(self):
        """Passes over the rest of a text."""
        c = self._next()
        while c != _QUOTE:
            if c == _BACKSLASH:
                self._next()
            c = self._next()

    def _token(self):
        c = self._next()
        while c in _SPACES:
            c = self._next()
        return c

    def _next(self):
        if self._at == self._end:
            self._end = min(self._mqtt.left, len(self._buf))
            self._at = 0
            if not self._end:
                raise ValueError
            self._mqtt.read_payload(self._buf, self._end)
        self._at += 1
        return self._buf[self._at - 1]


def _put(packet, at, data):
    for i in range(len(data)):
        packet[at + i] = data[i]
    return at + len(data)
