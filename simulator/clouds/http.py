# SPDX-License-Identifier: MIT
"""The server's side of HTTP/1.1 without sockets: bytes to requests, answers to bytes; h11 knows the protocol."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import h11

BODY_LIMIT = 1 << 20  # bytes; no device has more to say


class BadRequest(Exception):
    """Not HTTP, or too much of it; the connection cannot go on. `status` is the code to say so with."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is the decoded segments, `headers` have lower-case names.

    `query` has one text for each name; given several times they are joined with commas, as server frameworks do.
    `certificate` is what the client has shown, in DER.
    """

    method: str
    path: tuple[str, ...]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """`cut` is after how many bytes of the body the connection breaks; None: not at all. `raw` is sent instead of
    all the rest, and then the connection is over. `pace` is (bytes, ms): a piece of so many bytes goes out, and then
    nothing for so long, and so on; None: all at once.
    """

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=())
    cut: int | None = None
    raw: bytes | None = None
    pace: tuple[int, int] | None = None

    @classmethod
    def json(cls, body: object, status: int = 200) -> "Response":
        return cls(status, json.dumps(body).encode(), "application/json")


class _Head(NamedTuple):
    """Of a request; h11's own cannot be copied."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]


class Connection:
    """One connection. Requests come one at a time: the next is read after the answer to the one before."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._h11 = h11.Connection(h11.SERVER)
        self._head: _Head | None = None
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        if data:  # to h11, nothing is the end of the stream
            self._h11.receive_data(data)

    def next(self) -> Request | None:
        """The next request, or None while it is not complete or one before it waits; raises BadRequest."""
        try:
            while True:
                event = self._h11.next_event()
                if isinstance(event, h11.Request):
                    self._begin(event)
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > BODY_LIMIT:
                        raise BadRequest(413, f"body of more than {BODY_LIMIT} bytes")
                elif isinstance(event, h11.EndOfMessage):
                    return self._request()
                else:
                    return None
        except h11.RemoteProtocolError as error:
            raise BadRequest(error.error_status_hint, str(error)) from error

    def _begin(self, head: h11.Request) -> None:
        self._head = _Head(head.method, head.target, list(head.headers))
        if self._h11.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[]))

    def _request(self) -> Request:
        target = urlsplit(self._head.target.decode("ascii", "replace"))
        body, self._body = bytes(self._body), bytearray()
        return Request(
            self._head.method.decode(),
            tuple(unquote(part) for part in target.path.strip("/").split("/")),
            {name: ",".join(texts) for name, texts in parse_qs(target.query, keep_blank_values=True).items()},
            {name.decode(): value.decode("latin-1") for name, value in self._head.headers},
            body,
        )

    def answer(self, response: Response) -> bool:
        """Sends it. True: the connection may go on, with `next`; False: close it."""
        if response.raw is not None:
            self._send(response.raw)
            return False
        headers = [("Content-Length", str(len(response.body))), *response.headers]
        if response.content_type:
            headers.append(("Content-Type", response.content_type))
        if self._h11.our_state is h11.ERROR or self._h11.their_state is h11.ERROR:
            headers.append(("Connection", "close"))
        self._write(h11.Response(status_code=response.status, headers=headers))
        if response.cut is not None:
            self._send(response.body[: response.cut])
            return False
        if response.body and not (self._head and self._head.method == b"HEAD"):
            self._write(h11.Data(data=response.body))
        self._write(h11.EndOfMessage())
        if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return False
        self._h11.start_next_cycle()
        return True

    def _write(self, event: h11.Event) -> None:
        self._send(self._h11.send(event))
