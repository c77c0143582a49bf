# SPDX-License-Identifier: MIT
"""What ota.source.http makes of an answer's status line and headers, with a scripted stream."""

from fakes import raises

from ota.errors import TransferError
from ota.source.http import Http


class Board:
    """Opens streams: itself, which plays one of `answers` after the other."""

    step_ms = 0

    def __init__(self, *answers):
        self._answers = list(answers)
        self._answer = b""
        self.sent = b""

    def open_stream(self, host, port):
        self._answer = self._answers.pop(0)
        return self

    def write(self, data):
        self.sent += data

    def readinto(self, buf, n):
        part = self._answer[:n]
        self._answer = self._answer[n:]
        buf[: len(part)] = part
        return len(part)

    def left(self):
        return len(self._answer)

    def readable(self, ms):
        return self._answer != b""

    def close(self):
        pass


class Cloud:
    def poll(self, ms):
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
    for other in (b"0-9/10", b"5-9/10", b"4-8/10", b"4-9/11", b"4-9/*", b"4-", b""):
        assert answer(head.replace(b"%s", other), offset=4) == "http_wrong_range", other


def test_http_head_of_a_part_that_does_not_say_which_is_refused():
    head = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 6"
    assert answer(head, offset=4) == "http_wrong_range"
    assert answer(head + b"\r\nContent-Type: multipart/byteranges; boundary=x", offset=4) == "http_wrong_range"


def test_http_head_of_a_part_that_nobody_asked_for_is_refused():
    assert answer(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10") == "http_206"


NO_RANGE = b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\n\r\n"


def test_http_server_that_knows_no_such_range_is_asked_for_all_of_it_once():
    board = Board(NO_RANGE, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789")
    source = Http(board, Cloud(), "http://h/x", 10, 4)
    assert board.sent.count(b"Range: bytes=4-") == board.sent.count(b"Range:") == 1
    assert board.sent.count(b"GET /x ") == 2
    block = bytearray(16)
    assert source.readinto(block) is None  # what we have already
    assert source.readinto(block) == 6
    assert bytes(block[:6]) == b"456789"


def test_http_server_that_knows_no_range_at_all_is_refused():
    raises(TransferError, "http_416", Http, Board(NO_RANGE), None, "http://h/x", 10, 0)
    raises(TransferError, "http_416", Http, Board(NO_RANGE, NO_RANGE), None, "http://h/x", 10, 4)


def test_http_head_with_another_length_or_none_is_refused():
    for length in (b"9", b"11", b"-10", b"+10", b"10, 10", b"1e1", b"ten", b"9" * 400, b""):
        assert answer(b"HTTP/1.1 200 OK\r\nContent-Length: " + length) == "http_wrong_size", length
    assert answer(b"HTTP/1.1 200 OK") == "http_wrong_size"


def test_http_head_with_two_lengths_is_refused():
    for other in (b"Content-Length: 9", b"content-length: 10"):
        assert answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" + other) == "http_bad_answer"


def test_http_head_of_a_coded_body_is_refused():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
    assert answer(head + b"Transfer-Encoding: chunked") == "http_chunked"
    assert answer(head + b"Content-Encoding: gzip") == "http_encoded"


def test_http_head_without_end_is_refused_after_a_bounded_part_of_it():
    for endless in (b"a" * 100000, b"a: b\r\n" * 20000, b"\xff" * 100000):
        board = Board(b"HTTP/1.1 200 OK\r\n" + endless)
        raises(TransferError, "http_bad_answer", Http, board, None, "http://h/x", 10, 0)
        assert board.left() > 90000


def test_http_body_longer_than_announced_is_read_to_the_size_and_no_further():
    board = Board(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + b"x" * 5000)
    source = Http(board, Cloud(), "http://h/x", 10, 0)
    block = bytearray(4096)
    assert source.readinto(block) == 10
    assert bytes(block) == b"x" * 10 + bytes(4086)
    assert board.left() == 4990
