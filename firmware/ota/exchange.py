# SPDX-License-Identifier: MIT
"""Requests to one web server, one after the other, over a connection that is kept as long as both sides like.

    exchange.ask("GET", "/path")
    while not exchange.answered(50): ...      # the head is there
    body = exchange.text(50)                  # None: not all of it yet

A kept connection may turn out to be dead: then the request goes out once more, over a new one.
"""

from ota import http
from ota.answer import Answer
from ota.errors import TransferError
from ota.port import const

_TEXT = const(4096)  # bytes of a body that is read as text


class Exchange:
    """`answer`: the Answer to the last request. Every method raises TransferError."""

    def __init__(self, board, tls, host, port_number):
        self._board = board
        self._place = (tls, host, port_number)
        self._stream = None
        self._request = b""
        self._is_kept = False
        self._patience_ms = 0
        self._body = bytearray()
        self.answer = None

    def ask(self, method, path, body=None, patience_ms=10000):
        """Sends a request; blocks to connect if need be. `body`: bytes of JSON. `patience_ms`: of silence."""
        headers = ""
        if body is not None:
            headers = "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        self._request = b"".join(http.request(method, self._place + (path, 0), headers)) + (body or b"")
        self._patience_ms = patience_ms
        self.connect()
        self._send()

    def connect(self):
        """Opens the connection unless there is one."""
        self._is_kept = self._stream is not None
        if not self._is_kept:
            tls, host, port_number = self._place
            self._stream = self._board.open_stream(host, port_number, tls)
            self._stream.wait(False)

    def answered(self, ms):
        """Whether the head of the answer has come, within `ms`."""
        try:
            return self.readable(ms) and self.answer.head()
        except TransferError:
            if not self._is_kept or self.answer.started:
                raise
            self.close()
            self.connect()
            self._send()
            return False

    def readable(self, ms):
        """Whether there is more of the answer to read, within `ms`. Raises http_silence, http_slow."""
        return self.answer.body.readable(ms, self._patience_ms)

    def text(self, ms):
        """The whole body as bytes, at most 4 KiB (b"" if it is longer); None while it is still coming."""
        part, body = bytearray(256), self.answer.body
        got = body.readinto(part, len(part))
        while got:
            if len(self._body) + got > _TEXT:
                self.close()
                return b""
            self._body += part[:got]
            got = body.readinto(part, len(part))
        if got is None:
            self.readable(ms)
            return None
        self.end()
        return bytes(self._body)

    def end(self):
        """The answer was read to its end: the connection is kept if that is certain."""
        if not self.answer.reusable:
            self.close()

    def close(self):
        """Ends whatever is under way."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _send(self):
        """A request is shorter than what a socket takes at once; if not, the connection is no good."""
        try:
            if self._stream.write(self._request) != len(self._request):
                raise TransferError("link_lost", "request not sent")
        except OSError as error:
            raise TransferError("link_lost", str(error))
        self.answer = Answer(self._stream)
        self._body = bytearray()
