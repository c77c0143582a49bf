# SPDX-License-Identifier: MIT
"""The delaying proxy: time on a clock of the test's own, bytes over real sockets."""

import asyncio
import contextlib
import hashlib
import socket
import threading
import time

import pytest

from simulator.errors import UserError
from simulator.faults.proxy import Lane, Proxy, ThreadProxy, Window

WAIT_S = 10


class FakeLoop:
    """The two calls of an event loop that a Lane makes, and a hand to turn the clock. Latest timers of a time first."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.timers = []

    def time(self) -> float:
        return self.now_s

    def call_at(self, when_s, call) -> None:
        self.timers.insert(0, (when_s, call))

    def turn(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while due := [timer for timer in self.timers if timer[0] <= end_s]:
            first = min(due, key=lambda timer: timer[0])
            self.timers.remove(first)
            self.now_s = first[0]
            first[1]()
        self.now_s = end_s


@pytest.fixture
def loop():
    return FakeLoop()


def test_lane_delivers_after_the_delay_and_in_order(loop):
    lane, out = Lane(loop, lambda: 0.025), []
    for number in range(3):
        lane.put(lambda number=number: out.append((number, loop.time())))
    loop.turn(0.010)
    lane.put(lambda: out.append((3, loop.time())))
    loop.turn(0.014)
    assert out == []
    loop.turn(1)
    assert out == [(0, 100.025), (1, 100.025), (2, 100.025), (3, pytest.approx(100.035))]


def test_lane_has_no_limit_of_bandwidth(loop):
    lane, out = Lane(loop, lambda: 0.025), []
    for number in range(10_000):
        lane.put(lambda number=number: out.append(number))
    loop.turn(0.025)
    assert out == list(range(10_000))


def test_lane_keeps_the_order_when_the_delay_shrinks(loop):
    delays, out = iter((0.050, 0.001)), []
    lane = Lane(loop, lambda: next(delays))
    lane.put(lambda: out.append("slow"))
    lane.put(lambda: out.append("fast"))
    loop.turn(0.049)
    assert out == []
    loop.turn(0.001)
    assert out == ["slow", "fast"]


def test_lane_delivers_what_leaves_later_later(loop):
    lane, out = Lane(loop, lambda: 0.025), []
    lane.put(lambda: out.append(loop.time()), leave_s=loop.time() + 0.1)
    loop.turn(1)
    assert out == [pytest.approx(100.125)]


def test_window_lets_a_window_leave_for_each_round_trip():
    window = Window(5760)
    leave = [window.leave_s(100, 1440, 0.050) for _ in range(12)]
    assert leave == [pytest.approx(100 + 0.050 * (number // 4)) for number in range(12)]


def test_window_is_open_again_after_a_pause():
    window = Window(2880)
    assert [window.leave_s(100, 1440, 0.050) for _ in range(3)] == [100, 100, pytest.approx(100.050)]
    assert [window.leave_s(101, 1440, 0.050) for _ in range(2)] == [101, 101]


def test_window_small_pieces_fill_it_as_well():
    window = Window(2000)
    assert [window.leave_s(0, 500, 1) for _ in range(9)] == [0, 0, 0, 0, 1, 1, 1, 1, 2]


def connection(proxy: ThreadProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), WAIT_S)


@contextlib.contextmanager
def echo_server():
    """Sends back what it gets until the end of it, then says bye."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            conn, _ = listener.accept()
            with conn:
                while data := conn.recv(65_536):
                    conn.sendall(data)
                conn.sendall(b"bye")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        thread.join(WAIT_S)


def test_proxy_adds_the_round_trip_that_is_set():
    with echo_server() as target, ThreadProxy(target, 40) as proxy, connection(proxy) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for round_trip_s in (0.040, 0.010):
            proxy.proxy.round_trip_ms = round_trip_s * 1000
            start = time.monotonic()
            raw.sendall(b"x")
            assert raw.recv(1) == b"x"
            assert time.monotonic() - start >= round_trip_s - 0.001


def test_proxy_carries_megabytes_unharmed_and_half_closes():
    image = b"".join(number.to_bytes(4) for number in range(500_000))
    with echo_server() as target, ThreadProxy(target, 2) as proxy, connection(proxy) as raw:

        def send() -> None:
            raw.sendall(image)
            raw.shutdown(socket.SHUT_WR)

        threading.Thread(target=send, daemon=True).start()
        received = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert hashlib.sha256(received).digest() == hashlib.sha256(image + b"bye").digest()


def test_proxy_hangs_up_when_the_target_refuses():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        target = closed.getsockname()
    with ThreadProxy(target, 2) as proxy, connection(proxy) as raw, contextlib.suppress(ConnectionResetError):
        assert raw.recv(1) == b""


def test_proxy_lets_a_fast_sender_wait_for_a_slow_reader():
    """With nobody reading at the far end, the sender must come to a stop well before 64 MiB are on the way."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ThreadProxy(listener.getsockname(), 1) as proxy,
        connection(proxy) as raw,
    ):
        reader, _ = listener.accept()
        with reader:
            raw.settimeout(0.1)
            sent = received = 0
            with pytest.raises(TimeoutError):
                while sent < 1 << 26:
                    sent += raw.send(bytes(1 << 20))
            reader.settimeout(WAIT_S)
            while received < sent:
                received += len(reader.recv(1 << 20))
            assert received == sent


def test_proxy_on_a_taken_port_is_an_error_of_the_user():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        proxy = Proxy(("127.0.0.1", 1), 1, port=taken.getsockname()[1])
        with pytest.raises(UserError) as refused:
            asyncio.run(proxy.open())
    assert refused.value.code == "cannot_listen"


def test_proxy_passes_on_that_the_client_went():
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            conn, _ = listener.accept()
            with conn, contextlib.suppress(ConnectionResetError):
                if conn.recv(1) == b"":
                    ended.set()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with ThreadProxy(listener.getsockname(), 2) as proxy:
            connection(proxy).close()
            assert ended.wait(WAIT_S)
        thread.join(WAIT_S)
