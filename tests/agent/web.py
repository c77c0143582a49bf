# SPDX-License-Identifier: MIT
"""A web server with one file, as a sans-IO core: honest by default, odd on request."""

import re

from simulator.clouds.core import Action, Close, Send

_RANGE = re.compile(r"bytes=(\d+)-")
_PIECE = 1460  # bytes of a TCP segment


class Web:
    """`asked`: (path, headers with names in lower case) of each request; `requests`: starts of the ranges asked for, 0
    without one; `sent`: bytes of bodies.

    `ranges`: whether it knows Range. `status`: sent instead, with an empty body. `length`: what Content-Length says.
    `tag`: its ETag; If-Range is obeyed. `framing`: "length", "chunked" or "none". `headers`: more header lines.
    `cuts`: after how many bytes of the body the next answers end, used up one by one.
    `raw`: whole answers that come first, used up one by one.
    `pace_ms`: time between two pieces of the answer, of `piece` bytes each; 0: all at once.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ranges = True
        self.status: str | None = None
        self.length: int | None = None
        self.tag: str | None = None
        self.framing = "length"
        self.headers: list[str] = []
        self.cuts: list[int] = []
        self.raw: list[bytes] = []
        self.pace_ms = 0
        self.piece = _PIECE
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.requests: list[int] = []
        self.sent = 0
        self._buffers: dict[int, bytes] = {}
        self._actions: list[Action] = []
        self._trickles: dict[int, tuple[int, bytes]] = {}  # when the next piece is due, and what is still to come

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        self._buffers[conn] = b""

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self._buffers[conn] += data
        if self._buffers[conn].endswith(b"\r\n\r\n"):
            self._send(conn, self._answer(self._buffers[conn].decode()), now_ms)

    def lost(self, conn: int, now_ms: int) -> None:
        self._buffers.pop(conn, None)
        self._trickles.pop(conn, None)

    def tick(self, now_ms: int) -> None:
        """Sends the pieces that are due."""
        for conn, (at, rest) in list(self._trickles.items()):
            if at <= now_ms:
                self._actions.append(Send(conn, rest[: self.piece]))
                self._trickle(conn, rest[self.piece :], at)

    def deadline(self) -> int | None:
        return min((at for at, _ in self._trickles.values()), default=None)

    def take(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions

    def _send(self, conn: int, answer: bytes, now_ms: int) -> None:
        if self.pace_ms:
            self._trickle(conn, answer, now_ms)
        else:
            self._actions += [Send(conn, answer), Close(conn)]

    def _trickle(self, conn: int, rest: bytes, now_ms: int) -> None:
        if rest:
            self._trickles[conn] = (now_ms + self.pace_ms, rest)
        else:
            del self._trickles[conn]
            self._actions.append(Close(conn))

    def _answer(self, request: str) -> bytes:
        line, *rows = request.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows)}
        self.asked.append((line.split(" ")[1], headers))
        found = _RANGE.fullmatch(headers.get("range", ""))
        start = int(found[1]) if found else 0
        self.requests.append(start)
        if self.raw:
            return self.raw.pop(0)
        if self.status:
            return _head(self.status, "Content-Length: 0", *self.headers)
        is_same = headers.get("if-range") in (None, self.tag)
        return self._file(start if start and self.ranges and is_same else 0)

    def _file(self, start: int) -> bytes:
        body = self.data[start:]
        rows = [f"Content-Range: bytes {start}-{len(self.data) - 1}/{len(self.data)}"] if start else []
        rows += [f"ETag: {self.tag}"] if self.tag else []
        if self.framing == "length":
            rows += [f"Content-Length: {len(body) if self.length is None else self.length}"]
        elif self.framing == "chunked":
            rows += ["Transfer-Encoding: chunked"]
        body = body[: self.cuts.pop(0)] if self.cuts else body
        self.sent += len(body)
        return _head("206 Partial Content" if start else "200 OK", *rows, *self.headers) + self._framed(body)

    def _framed(self, body: bytes) -> bytes:
        if self.framing != "chunked":
            return body
        parts = [body[at : at + 3000] for at in range(0, len(body), 3000)]
        return b"".join(b"%x;part\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def _head(status: str, *rows: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *rows, "", ""]).encode()
