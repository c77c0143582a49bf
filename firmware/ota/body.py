# SPDX-License-Identifier: MIT
"""What an HTTP server sends, byte by byte for a head and as it comes for a body. Allocates nothing, never waits."""

from ota.errors import TransferError
from ota.port import const, ticks_diff, ticks_ms

_SLOW_MS = const(120000)  # for a head, and for each block: whoever sends less than 34 bytes a second is as good as dead


class Body:
    """`left`: bytes of the body that are still to come, None when that is not known. `chunks`: where it has such.

    Every method raises TransferError.
    """

    def __init__(self, stream):
        self._stream = stream
        self.byte = bytearray(1)
        self.left = self.chunks = None
        self._ended = False
        self._began = self._since = ticks_ms()  # of what is being read, a head or a block; of the last byte

    def begin(self, left, chunks):
        """After a head: what it says of the body."""
        self.left, self.chunks = left, chunks

    def allow(self):
        """What comes next, a block, has all its time again."""
        self._began = ticks_ms()

    def readable(self, ms, patience_ms):
        """Whether there is more to read, within `ms`. Raises http_silence after `patience_ms` without, http_slow."""
        try:
            is_readable = self._stream.readable(ms)
        except OSError as error:
            raise TransferError("link_lost", str(error))
        now = ticks_ms()
        if is_readable:
            self._since = now
        elif ticks_diff(now, self._since) > patience_ms:
            raise TransferError("http_silence")
        if ticks_diff(now, self._began) > _SLOW_MS:
            raise TransferError("http_slow")
        return is_readable

    def readinto(self, buf, size):
        """The next bytes of the body, `size` at most, into the start of `buf`; None: nothing yet; 0: the end."""
        if self.chunks and not self.left and not self._ended:
            chunk = self.chunks.next()
            if chunk is None:
                return None
            self.left = chunk
            self._ended = not chunk  # what may follow, trailers, nobody reads
        if self._ended or self.left == 0:
            return 0
        if self.left is None:
            got = self._read(buf, size)
            self._ended = got == 0
            return got
        got = self._read(buf, min(size, self.left))
        if got == 0:
            raise TransferError("link_lost", "closed by the server")
        if got is not None:
            self.left -= got
        return got

    def next(self):
        """Reads one byte into `byte`; False: there is none yet."""
        got = self._read(self.byte, 1)
        if got == 0:
            raise TransferError("link_lost", "closed by the server")
        return got is not None

    def _read(self, buf, size):
        try:
            return self._stream.readinto(buf, size)
        except OSError as error:
            raise TransferError("link_lost", str(error))
