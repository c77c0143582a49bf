# SPDX-License-Identifier: MIT
"""A core behind a UDP port of this machine."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from simulator.clouds.core import Close, Send
from simulator.clouds.server import Door, ThreadServer
from simulator.errors import UserError


class Shout:
    """Answers in capitals, and once more 30 ms after "again"; "bye" ends it. `seen`: what came."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bytes | str]] = []
        self._actions: list = []
        self._later: list[tuple[int, int]] = []

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        self.seen.append((conn, "open"))

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self.seen.append((conn, data))
        self._actions.append(Close(conn) if data == b"bye" else Send(conn, data.upper()))
        if data == b"again":
            self._later.append((now_ms + 30, conn))

    def lost(self, conn: int, now_ms: int) -> None:
        self.seen.append((conn, "lost"))

    def tick(self, now_ms: int) -> None:
        self._actions += [Send(conn, b"LATER") for at, conn in self._later if at <= now_ms]
        self._later = [(at, conn) for at, conn in self._later if at > now_ms]

    def deadline(self) -> int | None:
        return min((at for at, _ in self._later), default=None)

    def take(self) -> list:
        actions, self._actions = self._actions, []
        return actions


@pytest.fixture
def core() -> Shout:
    return Shout()


@pytest.fixture
def port(core: Shout) -> Iterator[int]:
    with ThreadServer(Door(core, datagrams=True)) as server:
        yield server.port


def client(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect(("127.0.0.1", port))
    return sock


def ask(sock: socket.socket, data: bytes) -> bytes:
    sock.send(data)
    return sock.recv(2000)


def test_each_peer_is_a_connection_and_each_datagram_is_whole(core: Shout, port: int) -> None:
    with closing(client(port)) as first, closing(client(port)) as second:
        assert [ask(first, b"a"), ask(second, b"b"), ask(first, b"c" * 1400)] == [b"A", b"B", b"C" * 1400]
        (one, _), *_ = core.seen
        two = core.seen[2][0]
        assert core.seen == [(one, "open"), (one, b"a"), (two, "open"), (two, b"b"), (one, b"c" * 1400)]


def test_a_core_sends_when_its_time_has_come(port: int) -> None:
    with closing(client(port)) as sock:
        assert [ask(sock, b"again"), sock.recv(100)] == [b"AGAIN", b"LATER"]


def test_what_a_core_has_closed_begins_anew(core: Shout, port: int) -> None:
    with closing(client(port)) as sock:
        ask(sock, b"a")
        sock.send(b"bye")
        assert ask(sock, b"b") == b"B"
    first, *_, last = (conn for conn, what in core.seen if what == "open")
    assert first != last and (last, b"b") in core.seen


def test_a_peer_that_has_gone_ends_nothing(core: Shout, port: int) -> None:
    """The kernel says by ICMP that nobody is there any more; the next peer is served all the same."""
    with closing(client(port)) as gone:
        gone.send(b"again")
        assert gone.recv(100) == b"AGAIN"
    with closing(client(port)) as sock:
        assert [ask(sock, b"again"), sock.recv(100)] == [b"AGAIN", b"LATER"]
    assert not [what for _, what in core.seen if what == "lost"]


def test_a_port_in_use_is_an_error_of_one_line(port: int) -> None:
    with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1:{port}: ") as error:
        ThreadServer(Door(Shout(), port, datagrams=True)).start()
    assert error.value.code == "cannot_listen"
