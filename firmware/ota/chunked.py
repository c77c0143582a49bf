# SPDX-License-Identifier: MIT
"""The lines before the chunks of a body, as HTTP/1.1 has them for who cannot tell a length. Loaded with the first."""

from ota.errors import TransferError
from ota.port import const

_MOST_DIGITS = const(7)  # of a chunk's size: 256 MiB
_LINE = const(128)
_SIZE = const(0)  # where in the line
_EXTENSION = const(1)
_GAP = const(2)  # the line end behind the chunk before


class Chunks:
    """`read()` puts the next byte into `byte`; False: there is none yet. Allocates nothing."""

    def __init__(self, byte, read):
        self._byte = byte
        self._read = read
        self._phase = _SIZE
        self._value = self._digits = self._count = 0

    def next(self):
        """The size of the next chunk, 0 behind the last one; None while it is not known. Raises TransferError."""
        while self._read():
            byte = self._byte[0]
            self._count += 1
            if self._count > _LINE:
                break
            if self._phase == _GAP:
                if byte == 10:
                    self._phase = _SIZE
                elif byte != 13:
                    break
            elif byte == 10 and self._digits:
                size = self._value
                self._phase = _GAP
                self._value = self._digits = self._count = 0
                return size
            elif self._phase == _SIZE:
                digit = _hex(byte)
                if digit >= 0 and self._digits < _MOST_DIGITS:
                    self._value = self._value << 4 | digit
                    self._digits += 1
                elif self._digits and byte in b"\r; \t":
                    self._phase = _EXTENSION
                else:
                    break
        else:
            return None
        raise TransferError("http_bad_answer", "bad chunk")


def _hex(byte):
    """The value of a hex digit, -1 if it is none."""
    if 48 <= byte <= 57:
        return byte - 48
    byte |= 0x20
    return byte - 87 if 97 <= byte <= 102 else -1
