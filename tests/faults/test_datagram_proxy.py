# SPDX-License-Identifier: MIT
"""The UDP proxy between a client and a server of this machine."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from simulator.board import datagrams
from simulator.board.net import Fault
from simulator.clouds.server import Door, ThreadServer
from simulator.faults.datagram_proxy import ThreadDatagramProxy
from tests.clouds.test_datagram_server import Shout, ask, client


@contextmanager
def proxied(*faults: Fault, round_trip_ms: float = 0) -> Iterator[tuple[Shout, ThreadDatagramProxy]]:
    core = Shout()
    with (
        ThreadServer(Door(core, datagrams=True)) as server,
        ThreadDatagramProxy(("127.0.0.1", server.port), round_trip_ms, faults) as proxy,
    ):
        yield core, proxy


def heard(core: Shout) -> list[bytes | str]:
    return [what for _, what in core.seen if what != "open"]


def test_a_proxy_passes_datagrams_of_several_peers_on() -> None:
    with proxied() as (core, proxy), closing(client(proxy.port)) as first, closing(client(proxy.port)) as second:
        assert [ask(first, b"a"), ask(second, b"b"), ask(first, b"c" * 1400)] == [b"A", b"B", b"C" * 1400]
        assert len({conn for conn, _ in core.seen}) == 2
        assert proxy.proxy.passed == 6


def test_the_round_trip_takes_its_time_and_order_is_kept() -> None:
    with proxied(round_trip_ms=60) as (_, proxy), closing(client(proxy.port)) as sock:
        start = time.monotonic()
        for letter in b"abcdefgh":
            sock.send(bytes((letter,)))
        assert [sock.recv(9) for _ in range(8)] == [b"A", b"B", b"C", b"D", b"E", b"F", b"G", b"H"]
        assert 0.06 <= time.monotonic() - start < 1


def spoiled(fault: Callable[[], Fault], count: int) -> tuple[list[bytes | str], list[bytes]]:
    """What the server has heard of three datagrams, and `count` answers."""
    with proxied(fault()) as (core, proxy), closing(client(proxy.port)) as sock:
        for data in (b"aa", b"bb", b"cc"):
            sock.send(data)
        return [sock.recv(9) for _ in range(count)], heard(core)  # type: ignore[return-value]


def test_faults_are_those_of_lockstep() -> None:
    up = {"to_device": False}
    assert spoiled(lambda: datagrams.nth(1, datagrams.lost, **up), 2) == ([b"AA", b"CC"], [b"aa", b"cc"])
    assert spoiled(lambda: datagrams.nth(0, datagrams.late(40)), 3)[0] == [b"BB", b"CC", b"AA"]
    assert spoiled(lambda: datagrams.nth(2, datagrams.twice(5)), 4)[0] == [b"AA", b"BB", b"CC", b"CC"]
    assert spoiled(lambda: datagrams.nth(1, datagrams.shortened(1), **up), 3)[1] == [b"aa", b"b", b"cc"]
