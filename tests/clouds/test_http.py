# SPDX-License-Identifier: MIT
"""The HTTP layer of the mock clouds: bytes to requests wherever they are cut, answers to bytes, and bad peers."""

import pytest

from simulator.clouds import http

POST = b"POST /a%20b/c?x=1&y=%C3%A4&x=2&z= HTTP/1.1\r\nHost: h\r\nX-Name: v\r\nContent-Length: 3\r\n\r\nabc"


class Wire:
    """A connection and everything it sent."""

    def __init__(self, *pieces: bytes) -> None:
        self.sent = bytearray()
        self.connection = http.Connection(self.sent.extend)
        for piece in pieces:
            self.connection.feed(piece)

    def next(self) -> http.Request | None:
        return self.connection.next()


@pytest.mark.parametrize("cut", [1, 7, 30, len(POST) - 1, len(POST)])
def test_request_is_the_same_wherever_the_stream_is_cut(cut):
    wire = Wire(POST[:cut])
    assert (wire.next() is None) == (cut < len(POST))
    wire = Wire(*(POST[at : at + cut] for at in range(0, len(POST), cut)))
    request = wire.next()
    assert (request.method, request.path, request.body) == ("POST", ("a b", "c"), b"abc")
    assert request.query == {"x": "1,2", "y": "ä", "z": ""}
    assert request.headers["x-name"] == "v"


def test_request_behind_another_waits_for_the_answer_to_that():
    wire = Wire(POST + POST)
    assert wire.next().body == b"abc"
    assert wire.next() is None
    assert wire.connection.answer(http.Response(200))
    assert wire.next().body == b"abc"


def test_chunked_body_is_put_together():
    wire = Wire(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert wire.next().body == b"abcde"


def test_client_that_waits_to_send_its_body_is_told_to():
    head, body = POST[:-3].replace(b"X-Name: v", b"Expect: 100-continue"), POST[-3:]
    wire = Wire(head)
    assert wire.next() is None
    assert bytes(wire.sent).startswith(b"HTTP/1.1 100 ")
    wire.connection.feed(body)
    assert wire.next().body == b"abc"


def test_answer_carries_length_type_and_headers():
    wire = Wire(POST)
    wire.next()
    assert wire.connection.answer(http.Response(200, b"[1]", "application/json", (("x-a", "b"),)))
    head, body = bytes(wire.sent).split(b"\r\n\r\n")
    assert body == b"[1]"
    lines = head.decode().split("\r\n")
    assert lines[0].startswith("HTTP/1.1 200")
    assert set(lines[1:]) == {"Content-Length: 3", "x-a: b", "Content-Type: application/json"}


def test_answer_to_head_has_the_length_and_no_body():
    wire = Wire(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
    wire.next()
    assert wire.connection.answer(http.Response(200, b"abc"))
    assert b"Content-Length: 3" in wire.sent
    assert wire.sent.endswith(b"\r\n\r\n")


def test_client_that_wants_to_close_gets_its_answer_and_the_close():
    wire = Wire(POST.replace(b"X-Name: v", b"Connection: close"))
    wire.next()
    assert not wire.connection.answer(http.Response(200))
    assert wire.sent


def test_cut_answer_promises_more_than_it_sends():
    wire = Wire(POST)
    wire.next()
    assert not wire.connection.answer(http.Response(200, b"abcdef", cut=2))
    assert b"Content-Length: 6" in wire.sent
    assert wire.sent.endswith(b"\r\n\r\nab")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x10\x0e\0\4MQTT\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no host
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"x" * 100_000, 431),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n" + bytes(http.BODY_LIMIT + 1), 413),
    ],
)
def test_bad_request_has_a_status_and_can_still_be_answered(data, status):
    wire = Wire(data)
    with pytest.raises(http.BadRequest) as refused:
        wire.next()
    assert refused.value.status == status
    assert not wire.connection.answer(http.Response(status))
    assert bytes(wire.sent).startswith(b"HTTP/1.1 %d " % status)
