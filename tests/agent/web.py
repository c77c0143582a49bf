# SPDX-License-Identifier: MIT
"""A web server with one file, as a sans-IO core: honest by default, odd on request."""

import re

from simulator.clouds.core import Action, Close, Send

_RANGE = re.compile(rb"^Range: bytes=(\d+)-\r$", re.MULTILINE)


class Web:
    """`requests` are the starts of ranges asked for, 0 without one; `sent` counts bytes of bodies.

    `ranges`: whether it knows Range. `status`: sent instead, with an empty body. `length`: what Content-Length says.
    `cuts`: after how many bytes of the body the next answers end, used up one by one.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ranges = True
        self.status: str | None = None
        self.length: int | None = None
        self.cuts: list[int] = []
        self.requests: list[int] = []
        self.sent = 0
        self._buffers: dict[int, bytes] = {}
        self._actions: list[Action] = []

    def open(self, conn: int, now_ms: int) -> None:
        self._buffers[conn] = b""

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self._buffers[conn] += data
        if self._buffers[conn].endswith(b"\r\n\r\n"):
            self._answer(conn, self._buffers[conn])

    def lost(self, conn: int, now_ms: int) -> None:
        self._buffers.pop(conn, None)

    def tick(self, now_ms: int) -> None:
        """Has no timers."""

    def deadline(self) -> None:
        """Has no timers."""

    def take(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions

    def _answer(self, conn: int, request: bytes) -> None:
        asked = _RANGE.search(request)
        start = int(asked[1]) if asked else 0
        self.requests.append(start)
        if self.status:
            head, body = [self.status, "Content-Length: 0"], b""
        elif start and self.ranges:
            body = self.data[start:]
            span = f"Content-Range: bytes {start}-{len(self.data) - 1}/{len(self.data)}"
            head = ["206 Partial Content", f"Content-Length: {len(body)}", span]
        else:
            body = self.data
            head = ["200 OK", f"Content-Length: {len(body) if self.length is None else self.length}"]
        body = body[: self.cuts.pop(0)] if self.cuts else body
        self.sent += len(body)
        self._actions += [Send(conn, ("HTTP/1.1 " + "\r\n".join(head) + "\r\n\r\n").encode() + body), Close(conn)]
