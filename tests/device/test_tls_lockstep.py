# SPDX-License-Identifier: MIT
"""TLS on virtual time: no cryptography, but the same certificates, the same verdicts and the time that it takes."""

import pytest

from simulator.board.build import build_firmware
from simulator.board.lockstep import HOST, Lockstep
from simulator.board.net import Packet
from simulator.board.secure import HANDSHAKE_MS
from simulator.breakage import FIRMWARE
from simulator.clouds.core import Close, Send
from simulator.interpreters import Interpreter
from tests import pki
from tests.device.test_tls import OPEN, at_repl, authority

PORT = 8883
SET_CLOCK = "import machine\nmachine.RTC().datetime((2026, 1, 2, 5, 0, 0, 0, 0))\n"
ASK = f"""
if opened({PORT}, "{HOST}"):
    print("secure")
"""


class Echo:
    """A core that sends back what it gets, and remembers who came with which certificate."""

    def __init__(self) -> None:
        self.came: list[bytes | None] = []
        self.heard = b""
        self._actions: list = []

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        self.came.append(certificate)

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self.heard += data
        self._actions.append(Close(conn) if data.startswith(b"\x16") else Send(conn, data))

    def lost(self, conn: int, now_ms: int) -> None: ...

    def tick(self, now_ms: int) -> None: ...

    def deadline(self) -> None: ...

    def take(self) -> list:
        actions, self._actions = self._actions, []
        return actions


@pytest.fixture
def play(interpreter: Interpreter, tmp_path):
    """Runs a program to its end, with what `echo` shows on PORT; what it has printed. `taps` see every packet."""

    def run(program: str, echo: Echo, chain: tuple[bytes, ...], taps=(), ca: bytes | None = None, **settings):
        (tmp_path / "main.py").write_text(OPEN + SET_CLOCK + program)
        image = build_firmware([FIRMWARE, tmp_path], "test", "1.0.0")
        settings = {"ca": (ca or authority().pem).decode(), **settings}
        with Lockstep(interpreter, image, None, settings) as twin:
            twin.net.serve(HOST, PORT, echo, chain)
            twin.net.faults += taps
            assert twin.run(at_repl)
            return twin.story.lines

    return run


def test_tls_in_lockstep_takes_its_time_and_carries_what_is_said(play) -> None:
    program = f"""
import time
since = time.ticks_ms()
stream = opened({PORT}, "{HOST}")
print(time.ticks_diff(time.ticks_ms(), since) // 100)
stream.write(b"hello")
buf = bytearray(5)
print(stream.readinto(buf), bytes(buf), stream.readable(0))
stream.close()
"""
    echo = Echo()
    lines = play(program, echo, authority().chain(HOST))
    assert lines == [str(HANDSHAKE_MS // 100), "5 b'hello' False"]
    assert echo.came == [None] and echo.heard == b"hello"


def test_tls_in_lockstep_shows_the_clients_certificate(play) -> None:
    client, echo = authority().client("node-1"), Echo()
    settings = {name: pem.decode() for name, pem in client.items()}
    assert play(ASK, echo, authority().chain(HOST), **settings) == ["secure"]
    assert echo.came == [pki.der(client["cert"])]


@pytest.mark.parametrize(
    "case", ["another authority", "another name", "expired", "not yet", "plain server", "plain client"]
)
def test_tls_in_lockstep_believes_nobody_without_a_reason(play, case: str) -> None:
    other, program, echo = pki.Authority(), ASK, Echo()
    chain, expected = {
        "another authority": (other.chain(HOST), "tls_untrusted"),
        "another name": (authority().chain("other.example"), "tls_untrusted"),
        "expired": (authority().chain(HOST, not_after=pki.EXPIRED), "tls_untrusted"),
        "not yet": (authority().chain(HOST, not_before=pki.FUTURE, not_after=pki.FAR), "tls_untrusted"),
        "plain server": ((), "tls_failed"),
        "plain client": (authority().chain(HOST), "b''"),
    }[case]
    if case == "plain client":
        program = f"""
stream = board.open_stream("{HOST}", {PORT})
stream.write(b"hello")
print(stream.read(1))
"""
    assert play(program, echo, chain) == [expected]
    assert b"hello" not in echo.heard and not (chain and echo.came)


def test_tls_in_lockstep_ends_with_a_silent_peer(play) -> None:
    def nothing_secure(packet: Packet) -> list[Packet]:
        return [] if packet.content == "hello" else [packet]

    assert play("board.silence_s = 2" + ASK, Echo(), authority().chain(HOST), [nothing_secure]) == ["tls_failed"]
