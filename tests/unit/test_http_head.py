# SPDX-License-Identifier: MIT
"""What ota.source.http makes of an answer's status line and headers, with a scripted stream."""

from ota.errors import TransferError
from ota.source.http import Http


class Board:
    """Opens one stream: itself, which plays `answer`."""

    step_ms = 0

    def __init__(self, answer):
        self._answer = answer
        self.sent = b""

    def open_stream(self, host, port):
        return self

    def write(self, data):
        self.sent += data

    def readinto(self, buf, n):
        part = self._answer[:n]
        self._answer = self._answer[n:]
        buf[: len(part)] = part
        return len(part)

    def close(self):
        pass


def answer(head, size=10, offset=0):
    """None if `head` is accepted for bytes `offset` to `size`, else the code it is refused with."""
    try:
        Http(Board(head + b"\r\n\r\n"), None, "http://h/x", size, offset)
    except TransferError as error:
        return error.code
    return None


def test_http_head_with_the_right_size_is_accepted():
    assert answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10") is None


def test_http_head_with_another_status_is_refused_by_its_number():
    assert answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 10") == "http_404"


def test_http_header_called_status_does_not_replace_the_status_line():
    assert answer(b"HTTP/1.1 200 OK\r\nStatus: 503\r\nContent-Length: 10") is None
    assert answer(b"HTTP/1.1 503 Busy\r\nStatus: 200 OK\r\nContent-Length: 10") == "http_503"


def test_http_head_with_another_range_is_refused():
    head = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %s"
    assert answer(head.replace(b"%s", b"4-9/10"), offset=4) is None
    assert answer(head.replace(b"%s", b"0-9/10"), offset=4) == "http_wrong_range"
