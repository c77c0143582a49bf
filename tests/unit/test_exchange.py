# SPDX-License-Identifier: MIT
"""Requests one after the other, with a web server that is played from a script."""

from fakes import Pieces, raises

from ota import body
from ota.errors import TransferError
from ota.exchange import Exchange

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Board:
    """Opens one of `streams` after the other. `opened` counts."""

    def __init__(self, *streams):
        self._streams = list(streams)
        self.opened = 0

    def open_stream(self, host, port_number, tls):
        assert (host, port_number, tls) == ("h", 80, False)
        self.opened += 1
        return self._streams.pop(0)


class Choked(Pieces):
    """Takes a part of a request only."""

    def write(self, data):
        return len(data) - 1


def made(*streams):
    board = Board(*streams)
    return board, Exchange(board, False, "h", 80)


def answer(exchange, path="/x", body=None):
    """(status, text) of the next request."""
    exchange.ask("GET" if body is None else "POST", path, body)
    for _ in range(100):
        if exchange.answered(0):
            break
    for _ in range(100):
        text = exchange.text(0)
        if text is not None:
            return exchange.answer.status, text
    raise AssertionError("no end")


def test_exchange_keeps_its_connection():
    stream = Pieces(OK, None, OK)
    board, exchange = made(stream)
    assert [answer(exchange, "/a"), answer(exchange, "/b")] == [(200, b"ok")] * 2
    assert board.opened == 1
    assert stream.sent.count(b"GET /a ") == stream.sent.count(b"GET /b ") == 1


def test_exchange_sends_json_with_its_length():
    stream = Pieces(OK)
    answer(made(stream)[1], "/x", b"{}")
    assert stream.sent.startswith(b"POST /x HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" in stream.sent
    assert stream.sent.endswith(b"\r\n\r\n{}")


def test_exchange_opens_a_new_connection_after_one_that_ends_with_its_answer():
    ending = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    first = Pieces(ending)
    board, exchange = made(first, Pieces(OK))
    assert [answer(exchange), answer(exchange)] == [(200, b"ok")] * 2
    assert board.opened == 2
    assert first.closed


def test_exchange_asks_once_more_when_a_kept_connection_was_dead():
    first, second = Pieces(OK, b""), Pieces(OK)
    board, exchange = made(first, second)
    assert answer(exchange, "/a") == (200, b"ok")
    assert answer(exchange, "/b") == (200, b"ok")
    assert second.sent.startswith(b"GET /b ")
    assert board.opened == 2


def test_exchange_on_a_new_connection_asks_once_only():
    raises(TransferError, "link_lost", answer, made(Pieces(b""), Pieces(OK))[1])


def test_exchange_never_repeats_what_was_answered_in_part():
    board, exchange = made(Pieces(OK, b"HTTP", b""), Pieces(OK))
    answer(exchange)
    raises(TransferError, "link_lost", answer, exchange)
    assert board.opened == 1


def test_exchange_that_cannot_send_its_request_is_a_lost_link():
    raises(TransferError, "link_lost", made(Choked())[1].ask, "GET", "/x")


def test_exchange_reads_no_text_without_end():
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000
    stream = Pieces(endless)
    assert answer(made(stream)[1]) == (200, b"")
    assert stream.closed
    assert answer(made(Pieces(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 4096, b""))[1]) == (200, b"x" * 4096)


def given_up(pieces, ms):
    """(code, ms) at which it gives up when a piece comes every `ms`."""
    clock = [0]
    real, body.ticks_ms = body.ticks_ms, lambda: clock[0]
    try:
        exchange = made(Pieces(*pieces))[1]
        exchange.ask("GET", "/x")
        for _ in range(1000):
            clock[0] += ms
            if exchange.answered(0):
                break
        for _ in range(1000):
            clock[0] += ms
            exchange.text(0)
    except TransferError as error:
        return error.code, clock[0]
    finally:
        body.ticks_ms = real
    raise AssertionError("it waits for ever")


def test_exchange_gives_up_after_silence():
    for pieces in ([], [b"HTTP/1.1"], [OK[:-1]]):
        code, ms = given_up(pieces, 100)
        assert (code, 10000 < ms < 10500) == ("http_silence", True), ms


def test_exchange_gives_up_who_only_trickles():
    for beginning in (b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"):
        pieces = [beginning]
        for _ in range(90):
            pieces += [None, b"x"]
        code, ms = given_up(pieces, 4000)
        assert (code, 120000 < ms < 130000) == ("http_slow", True), ms
