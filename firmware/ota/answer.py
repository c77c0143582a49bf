# SPDX-License-Identifier: MIT
"""The head of what an HTTP server answers, read as its bytes come in; what follows is a Body (body.py).

An Answer never waits. What it says about itself is believed only when it says it once: two lengths, or a length and
chunks, are refused.
"""

from ota.body import Body
from ota.errors import TransferError
from ota.port import const

_LINE = const(2600)  # a location of 2 KiB fits
_HEAD = const(8192)  # bytes of all heads before a body, answers 1xx among them
_KNOWN = const(
    " content-length content-range content-encoding transfer-encoding location etag last-modified retry-after"
    " connection "
)


class Answer:
    """`head()` until it is True; then `status`, `headers` (those of _KNOWN) and `body`. `started`: anything came.

    Every method raises TransferError: link_lost, http_bad_answer, http_encoded.
    """

    def __init__(self, stream):
        self.body = Body(stream)
        self._line = bytearray()
        self._size = 0
        self.started = False
        self.status = 0
        self.headers = {}

    def head(self):
        """Reads on in the head as far as it has come; True when it is complete."""
        body = self.body
        while body.next():
            self.started = True
            self._size += 1
            if self._size > _HEAD or len(self._line) > _LINE:
                raise TransferError("http_bad_answer", "head too long")
            if body.byte[0] != 10:
                self._line.append(body.byte[0])
            elif self._take_line():
                return True
        return False

    @property
    def reusable(self):
        """Whether the next request may use the same connection."""
        return self.body.left == 0 and not self.body.chunks and self.headers.get("connection", "").lower() != "close"

    def _take_line(self):
        """One line of the head is complete; True when it was the last one."""
        try:
            line = bytes(self._line).decode().strip()
        except ValueError:
            raise TransferError("http_bad_answer", "no text")
        self._line = bytearray()
        if not self.status:
            self._status_line(line)
        elif line:
            name, _, value = line.partition(":")
            self._header(name.strip().lower(), value.strip())
        elif self.status < 200:
            self.status = 0  # an interim answer, the real one follows
            self.headers = {}
        else:
            self._measure()
            return True
        return False

    def _status_line(self, line):
        words = line.split(None, 2)
        if len(words) < 2 or words[0][:7].lower() != "http/1." or len(words[1]) != 3 or not words[1].isdigit():
            raise TransferError("http_bad_answer", "no status")
        self.status = int(words[1])
        if self.status < 100:
            raise TransferError("http_bad_answer", "no status")

    def _header(self, name, value):
        if " %s " % name in _KNOWN:
            if name == "content-length" and name in self.headers:
                raise TransferError("http_bad_answer", "two lengths")
            self.headers[name] = value

    def _measure(self):
        """How long the body is, and how that will be known."""
        left = chunks = None
        length = self.headers.get("content-length")
        coding = self.headers.get("transfer-encoding", "").lower()
        if coding not in ("", "identity", "chunked") or self.headers.get("content-encoding", "identity") != "identity":
            raise TransferError("http_encoded")
        if coding == "chunked":
            from ota.chunked import Chunks

            left, chunks = 0, Chunks(self.body.byte, self.body.next)
        if length is not None:
            if chunks or not length.isdigit() or len(length) > 9:
                raise TransferError("http_bad_answer", "bad length")
            left = int(length)
        if self.status in (204, 304):
            left = 0
        self.body.begin(left, chunks)
