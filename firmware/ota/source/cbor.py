# SPDX-License-Identifier: MIT
"""The CBOR of AWS IoT file streams (rainmaker.md 6.2, RFC 8949): a request for blocks, a block, an error.

An answer is a map that stays in the socket. It is read item by item, a block's bytes straight into their place: keys in
any order, integers of any width, what is unknown passed over. Whatever is wrong with an answer is a ValueError.
"""

from ota.port import const

HEAD = const(b"\xa4af\x01al\x19\x01\x21ao\x00an\x01")  # asks for the first 289 bytes
_BATCH = const(b"\xa5af\x01al\x19\x10\x00ao")  # for blocks of 4096, from a number on,
_BITMAP = const(b"abB")  # those that a bitmap of two bytes tells,
_COUNT = const(b"an\x10")  # 16 at most
_LIMIT = const(4352)  # bytes of an answer: a block, and room for what is around it
_HUGE = const(0x3FFFFF)  # larger than any number that makes sense; 8 bits more, and it is still a small integer
_TEXT = const(40)  # longest code of an error that is read
_F = const(0x66)  # letters that are keys: file, index, error code, payload
_I = const(0x69)
_O = const(0x6F)
_P = const(0x70)
_UINT = const(0)  # major types
_BYTES = const(2)
_STRING = const(3)
_LIST = const(4)
_MAP = const(5)
_TAG = const(6)
_LETTER = const(0x61)  # first byte of a string of one byte
_SHORT = const(0x78)  # of a string with a length of one byte
_OPEN_MAP = const(0xBF)
_BREAK = const(0xFF)


class Cbor:
    """After `read`: `file`, `index`, `size` of a block, each negative when it was not there; `code` of an error."""

    name = b"cbor"
    head = HEAD

    def __init__(self, mqtt):
        self._mqtt = mqtt
        self._buf = bytearray(8)
        self.file = self.index = self.size = -1
        self.code = ""

    def batch(self, packet, at, first, bits):
        """Puts a request into `packet`: for the blocks `first + i` whose bit i of 16 is set. Returns where it ends."""
        at = _put(packet, at, _BATCH)
        if first >= 24:
            packet[at] = 0x18 if first < 256 else 0x19
            at += 1
        if first >= 256:
            packet[at] = first >> 8
            at += 1
        packet[at] = first & 0xFF
        at = _put(packet, at + 1, _BITMAP)
        packet[at] = bits & 0xFF
        packet[at + 1] = bits >> 8
        return _put(packet, at + 2, _COUNT)

    def read(self, block):
        """Reads an answer; its bytes go to the start of `block`. Raises ValueError, perhaps with some of it unread."""
        self.file = self.index = self.size = -1
        self.code = ""
        if self._mqtt.left > _LIMIT:
            raise ValueError
        first = self._byte()
        if first >> 5 != _MAP:
            raise ValueError
        pairs = -1 if first == _OPEN_MAP else self._argument(first)
        while pairs and (pairs > 0 or self._mqtt.left > 1):
            self._pair(block)
            pairs -= 1
        if (pairs and self._byte() != _BREAK) or self._mqtt.left:
            raise ValueError

    def _pair(self, block):
        """A key and what belongs to it. No pair takes less than the three bytes that most of the keys begin with."""
        self._take(3)
        key, first = 0, self._buf[2]
        if self._buf[0] == _LETTER:
            key = self._buf[1]
        else:
            first = self._pass_key()
        if key == _P and self.size < 0:
            self.size = self._payload(first, block)
        elif key == _F:
            self.file = self._number(first)
        elif key == _I:
            self.index = self._number(first)
        elif key == _O:
            self.code = self._error(first)
        else:
            self._pass(first)

    def _pass_key(self):
        """Passes over the rest of a longer key; returns the first byte of what belongs to it."""
        kind, size = self._buf[0], self._buf[1]
        if kind != _SHORT:
            size = kind - _LETTER
        if kind >> 5 != _STRING or kind > _SHORT or size < 1:
            raise ValueError
        self._drop(size - 1)
        return self._byte()

    def _number(self, first):
        if first >> 5 != _UINT:
            raise ValueError
        return self._argument(first)

    def _payload(self, first, block):
        size = self._argument(first)
        if first >> 5 != _BYTES or size > len(block) or size > self._mqtt.left:
            raise ValueError
        self._mqtt.read_payload(block, size)
        return size

    def _error(self, first):
        """The code of an error, a text or a number, as text."""
        if first >> 5 != _STRING:
            return str(self._number(first))
        size = self._argument(first)
        text = bytearray(min(size, _TEXT))
        self._take(len(text), text)
        self._drop(size - len(text))
        return "".join([chr(c) for c in text if 32 <= c < 127])

    def _pass(self, first):
        """Passes over an item, whatever it is, that begins with the byte `first`."""
        items = 1
        while True:
            kind = first >> 5
            size = self._argument(first)
            if kind in (_BYTES, _STRING):
                self._drop(size)
            elif kind >= _LIST:
                items += size if kind == _LIST else 2 * size if kind == _MAP else kind == _TAG
            items -= 1
            if not items:
                return
            if items > self._mqtt.left:
                raise ValueError
            first = self._byte()

    def _argument(self, first):
        """The number in the head of an item; what is too large for us is _HUGE. There is none of unknown length."""
        size = first & 31
        if size < 24:
            return size
        if size > 27:
            raise ValueError
        size = 1 << size - 24
        self._take(size)
        value = 0
        for i in range(size):
            value = min(value << 8 | self._buf[i], _HUGE)
        return value

    def _byte(self):
        self._take(1)
        return self._buf[0]

    def _drop(self, size):
        while size:
            part = min(size, len(self._buf))
            self._take(part)
            size -= part

    def _take(self, size, buf=None):
        """Reads the next bytes. Never more than there are in this message."""
        if size > self._mqtt.left:
            raise ValueError
        self._mqtt.read_payload(self._buf if buf is None else buf, size)


def _put(packet, at, data):
    for i in range(len(data)):
        packet[at + i] = data[i]
    return at + len(data)
