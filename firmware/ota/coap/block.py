# SPDX-License-Identifier: MIT
"""Blocks of a large body (RFC 7959): an upload by Block1 as its blocks come in.

Blocks count by where they belong, never by how many came: so one that comes twice, late or again under another
message id changes nothing.
"""

from ota.port import const, ticks_diff, ticks_ms

_EMPTY = const(0)
_CHANGED = const(68)  # 2.04
_CONTINUE = const(95)  # 2.31
_BAD_REQUEST = const(128)  # 4.00
_INCOMPLETE = const(136)  # 4.08
_TOO_LARGE = const(141)  # 4.13
_LARGEST = const(1024)
_PATIENCE_MS = const(247000)  # without another block (2.5)
_TLV_SHORT = const(6)  # bytes that the head of a wrapped package may take


class Upload:
    """One body on its way in. `most`: bytes that there is room for. `total`: what was promised, 0: nothing (Size1
    is an estimate, RFC 7959 4).

    A block waits where it came in until `read` has taken it; only then it is answered, so the next is never too early.
    `is_last`: all has come, `ended_at`: so many bytes, negative before. `refused`: the code for whatever comes of a
    body that nobody wants any more. `is_text`: four of its letters stand for three bytes.
    """

    def __init__(self, most):
        self.most = most
        self._view = b""
        self.is_text = False
        self.generation = 0  # of the body, whose first block makes it another one
        self.begin()
        self.is_open = False

    def begin(self):
        """All that has come is forgotten."""
        self.is_open = True
        self.generation += 1
        self.is_last = False
        self.received = self.total = 0
        self.keep(b"")
        self.echo = 0
        self.refused = _INCOMPLETE
        self.ended_at = -1
        self.heard_at = ticks_ms()

    def close(self, refused=_INCOMPLETE):
        """No block is taken any more but the first of another body."""
        self.is_open = False
        self.refused = refused
        self.keep(b"")

    @property
    def _room(self):
        return self.most // 3 * 4 + 4 if self.is_text else self.most

    @property
    def is_waiting(self):
        """Whether a block is in the stage."""
        return self._from < self._to

    def is_dead(self):
        return self.is_open and not self.is_last and ticks_diff(ticks_ms(), self.heard_at) > _PATIENCE_MS

    def judge(self, block, size, size1):
        """`block`: the option's value, for a body of `size` bytes in one piece 0. EMPTY: take it with `put`.

        Else the code of the answer. A first block begins anew.
        """
        szx, more, num = block & 7, block & 8, block >> 4
        if szx == 7 or (more and size != 16 << szx) or size > _LARGEST:
            return _BAD_REQUEST
        at = num << szx + 4
        if not num:
            if size1 > self._room:
                return _TOO_LARGE
            return _EMPTY
        if not self.is_open:
            if not more and at + size == self.ended_at:
                return _CHANGED  # the last one again, whose answer was lost
            return self.refused
        if at + size <= self.received and (size or self.is_last):  # else it is empty, and says that all has come
            return _CONTINUE if more or not self.is_last else _CHANGED
        if at != self.received:
            return _INCOMPLETE
        return _EMPTY

    def put(self, block, payload):
        """Takes a block that was judged, and nothing waits if it is empty. False: it is too much."""
        size = len(payload)
        if not block >> 4:
            self.begin()
        if self.received + size > self._room + _TLV_SHORT:
            return False
        self.keep(payload)
        self.received += size
        self.echo = block
        self.heard_at = ticks_ms()
        if not block & 8:
            self.is_last = True
            self.ended_at = self.received
        return True

    def keep(self, data):
        """This is what came, or what it means."""
        self._view = data
        self._from, self._to = 0, len(data)

    def skip(self, size):
        """The first bytes of it are none of the body's."""
        self._from += size

    def read(self, block, filled):
        """Moves what is there behind the first `filled` bytes of `block`; returns how many bytes of it count now."""
        n = min(len(block) - filled, self._to - self._from)
        if n:
            block[filled : filled + n] = self._view[self._from : self._from + n]
            self._from += n
        if not self.is_waiting:
            self._view = b""  # the next one needs the place
        return filled + n

    @property
    def head(self):
        """A view of what waits."""
        return self._view[self._from : self._to]
