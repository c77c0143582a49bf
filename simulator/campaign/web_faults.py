# SPDX-License-Identifier: MIT
"""Packages that are files behind http:// links, and what their server can do wrong (reliability.md F).

`packages=links` is part of story `url`, and may come first in any other case. `web=KIND:TIMES[:NUMBER]` spoils the
first TIMES answers that it can spoil:

    status:T:CODE    an answer without a body: 302 with a place to go, 429 and 503 with a time to wait
    end:T:N          closes after N bytes of the body
    stall:T:N        says nothing more after N bytes of the body
    length:T:N       the header says N bytes, whatever the body has
    no-length:T      no header says how long it is
    two-lengths:T    two headers say so, and only one of them is right
    more:T:N         the body is followed by N bytes
    chunked:T        Transfer-Encoding
    gzip:T           Content-Encoding
    headers:T:N      N more headers
    garbage:T        no HTTP at all
    page:T           200, and somebody's page instead of the file
    flip:T:N         byte N of the file is another one
    other:T          another file of the same length, with an ETag of its own

and those that answer a Range only:

    whole:T          200 and the whole file
    range:T:N        the range begins N bytes later, and says so
    total:T:N        the whole file has N bytes, it says
    no-range:T       206 that does not say which range
    multipart:T      206 as multipart/byteranges
    unknown:T        416
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from simulator.campaign.case import fault
from simulator.clouds.broker import release
from simulator.clouds.core import Action, Close, Send
from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.checksums import checksum
from simulator.clouds.thingsboard.packages import Package
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.campaign.run import Run

HOST, PORT = "files.example", 80
_REQUEST = re.compile(rb"GET (\S+) HTTP/1\.1\r\n(?:.+\r\n)*\r\n")
_START = re.compile(rb"^Range: bytes=([0-9]+)-\r$", re.MULTILINE)
_ARGUMENTS = re.compile(r"([a-z-]+):([0-9]{1,9})(?::([0-9]{1,9}))?")
_PAGE = b"<!doctype html><title>Welcome</title><p>Please accept our terms to go on."


@dataclass
class Answer:
    """What the server is about to say: `data` is the file, `start` the first byte that goes out, `size` how many do."""

    data: bytes
    start: int = 0
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    more: bytes = b""
    size: int | None = None
    closes: bool = True
    is_http: bool = True

    @classmethod
    def of(cls, data: bytes, start: int | None) -> "Answer":
        """The honest one; `start` None: no range was asked for."""
        answer = cls(data, start or 0)
        answer.headers = {"ETag": '"1"', "Content-Length": str(len(data) - answer.start)}
        if start is not None:
            answer.status = "206 Partial Content"
            answer.headers["Content-Range"] = _range(answer.start, len(data))
        return answer

    def change(self, **fields: object) -> None:
        """Sets these fields."""
        self.__dict__.update(fields)

    def __bytes__(self) -> bytes:
        body = self.data[self.start :] + self.more
        body = body if self.size is None else body[: self.size]
        if not self.is_http:
            return body
        head = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.headers.items()), "\r\n"]
        return "\r\n".join(head).encode() + body


def _range(start: int, size: int) -> str:
    return f"bytes {start}-{size - 1}/{size}"


def _status(answer: Answer, code: int) -> None:
    waits = {"Retry-After": "60"} if code in (429, 503) else {}
    place = {"Location": f"http://{HOST}/elsewhere"} if 300 <= code < 400 else {}
    answer.status, answer.data, answer.start = f"{code} Because", b"", 0
    answer.headers = {"Content-Length": "0", **waits, **place}


def _two_lengths(answer: Answer, _: int) -> None:
    """The header is written before the other one, by the same name with another case."""
    answer.headers = {"content-length": "100", **answer.headers}


def _page(answer: Answer, _: int) -> None:
    answer.data, answer.start, answer.status = _PAGE, 0, "200 OK"
    answer.headers = {"Content-Type": "text/html", "Content-Length": str(len(_PAGE))}


def _flip(answer: Answer, at: int) -> None:
    spoiled = bytearray(answer.data)
    spoiled[at % len(spoiled)] ^= 1
    answer.data = bytes(spoiled)


def _other(answer: Answer, _: int) -> None:
    answer.data = bytes(byte ^ 0x55 for byte in answer.data)
    answer.headers["ETag"] = '"2"'


def _whole(answer: Answer, _: int) -> None:
    honest = Answer.of(answer.data, None)
    answer.start, answer.status, answer.headers = 0, honest.status, honest.headers


def _shift(answer: Answer, by: int) -> None:
    answer.start += by
    answer.headers["Content-Range"] = _range(answer.start, len(answer.data))


def _multipart(answer: Answer, _: int) -> None:
    del answer.headers["Content-Range"]
    answer.headers["Content-Type"] = "multipart/byteranges; boundary=x"


def _header(name: str, value: str = "{}") -> Callable[[Answer, int], None]:
    return lambda answer, number: answer.headers.update({name: value.format(number)})


Oddity = Callable[[Answer, int], None]
AT_RANGES: dict[str, Oddity] = {
    "whole": _whole,
    "range": _shift,
    "total": lambda answer, n: answer.headers.update({"Content-Range": f"bytes {answer.start}-{n - 1}/{n}"}),
    "no-range": lambda answer, n: answer.headers.pop("Content-Range"),
    "multipart": _multipart,
    "unknown": lambda answer, _: _status(answer, 416),
}
KINDS: dict[str, Oddity] = {
    "status": _status,
    "end": lambda answer, n: answer.change(size=n),
    "stall": lambda answer, n: answer.change(size=n, closes=False),
    "length": _header("Content-Length"),
    "no-length": lambda answer, n: answer.headers.pop("Content-Length"),
    "two-lengths": _two_lengths,
    "more": lambda answer, n: answer.change(more=bytes(n)),
    "chunked": _header("Transfer-Encoding", "chunked"),
    "gzip": _header("Content-Encoding", "gzip"),
    "headers": lambda answer, n: answer.headers.update({f"X-{number}": "and so on" for number in range(n)}),
    "garbage": lambda answer, n: answer.change(is_http=False),
    "page": _page,
    "flip": _flip,
    "other": _other,
    **AT_RANGES,
}


WHOLE = ("no-length", "two-lengths", "chunked", "gzip", "garbage", "page", "other")  # those without a number


class FileServer:
    """A sans-IO core (clouds/core.py). `files` by path; `oddities` strike in order, each as often as it says."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.oddities: list[WebFault] = []
        self._buffers: dict[int, bytes] = {}
        self._actions: list[Action] = []

    def open(self, conn: int, now_ms: int) -> None:
        self._buffers[conn] = b""

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self._buffers[conn] += data
        asked = _REQUEST.fullmatch(self._buffers[conn])
        if asked:
            self._buffers[conn] = b""
            start = _START.search(asked[0])
            self._answer(conn, self.files.get(asked[1].decode()), int(start[1]) if start else None)

    def lost(self, conn: int, now_ms: int) -> None:
        self._buffers.pop(conn, None)

    def tick(self, now_ms: int) -> None:
        """Has no timers."""

    def deadline(self) -> None:
        """Has no timers."""

    def take(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions

    def _answer(self, conn: int, data: bytes | None, start: int | None) -> None:
        answer = Answer.of(data or b"", start)
        if data is None:
            _status(answer, 404)
        for oddity in self.oddities:
            oddity.strike(answer)
        self._actions.append(Send(conn, bytes(answer)))
        if answer.closes:
            self._actions.append(Close(conn))


_servers: "WeakKeyDictionary[Run, FileServer]" = WeakKeyDictionary()


@fault("packages")
class LinkedPackages:
    """Whatever package is made in this run is a link, and its file lies on a server of its own."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        if arguments != ["links"]:
            raise UserError("bad_case", f"packages={':'.join(arguments)}: links")

    def attach(self, run: "Run") -> None:
        self._cloud, self._server = run.cloud, FileServer()
        _servers[run] = self._server
        run.twin.net.serve(HOST, PORT, self._server)
        if run.story.cloud == "broker":
            run.side.package = self._release
        else:
            run.cloud.add_package = self._add_link

    def _put(self, version: str, data: bytes) -> str:
        path = f"/{version}.bin"
        self._server.files[path] = data
        return f"http://{HOST}{path}"

    def _release(self, title: str, version: str, data: bytes, type: str = "FIRMWARE") -> tuple[str, dict]:
        return type.lower(), release(title, version, data, url=self._put(version, data))

    def _add_link(self, title: str, version: str, data: bytes, type: str = "FIRMWARE") -> Package:
        facts = {"size": len(data), "algorithm": "SHA256", "checksum": checksum("SHA256", data)}
        return ThingsBoard.add_package(self._cloud, title, version, url=self._put(version, data), type=type, **facts)


@fault("web")
class WebFault:
    """See the table above. `hits` counts how often it has struck."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        text = ":".join(arguments)
        found = _ARGUMENTS.fullmatch(text)
        if not found or found[1] not in KINDS:
            raise UserError("bad_case", f"web={text}: KIND:TIMES[:NUMBER] of {', '.join(KINDS)}")
        self._kind, self._times, self._number = found[1], int(found[2]), int(found[3] or 0)
        self.hits = 0

    def attach(self, run: "Run") -> None:
        """Raises UserError("bad_case") for a story without links."""
        if run not in _servers:
            raise UserError("bad_case", f"story {run.case.story!r} has no web server")
        _servers[run].oddities.append(self)

    def strike(self, answer: Answer) -> None:
        """Spoils the answer, if it is one of those."""
        is_mine = self._kind not in AT_RANGES or "Content-Range" in answer.headers
        if is_mine and self.hits < self._times:
            self.hits += 1
            KINDS[self._kind](answer, self._number)
