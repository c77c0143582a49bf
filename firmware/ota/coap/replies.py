# SPDX-License-Identifier: MIT
"""What was answered lately, so that a request that comes twice gets the same answer and is not served again.

RFC 7252 4.5. A ring of small answers, written in place. A larger one belongs to a GET, which may be served again.
"""

from ota.port import const, ticks_diff

_SIZE = const(40)  # bytes of an answer that is kept
_LIFETIME_MS = const(247000)  # of a message id


class Replies:
    """Of one peer. The token is compared too, so a peer that began anew is not taken for its former self (F147)."""

    def __init__(self, count):
        """`count` of them are kept."""
        self._buf = bytearray(count * _SIZE)
        self._view = memoryview(self._buf)
        self._mids = [-1] * count
        self._sizes = [0] * count
        self._tokens = [b""] * count
        self._at = [0] * count
        self._next = 0

    def keep(self, mid, token, reply, size, now):
        """The first `size` bytes of `reply` answered the message `mid`."""
        if size > _SIZE:
            return
        i = self._find(mid, token)
        if i < 0:
            i, self._next = self._next, (self._next + 1) % len(self._mids)
        self._mids[i] = mid
        self._tokens[i] = token
        self._sizes[i] = size
        self._at[i] = now
        for k in range(size):
            self._buf[i * _SIZE + k] = reply[k]

    def of(self, message, now):
        """The answer that this message got before, as a view; None for a new one."""
        i = self._find(message.mid, message.token)
        if i < 0 or ticks_diff(now, self._at[i]) > _LIFETIME_MS:
            return None
        return self._view[i * _SIZE : i * _SIZE + self._sizes[i]]

    def _find(self, mid, token):
        for i in range(len(self._mids)):
            if self._mids[i] == mid and self._tokens[i] == token:
                return i
        return -1
