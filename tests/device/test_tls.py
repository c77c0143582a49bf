# SPDX-License-Identifier: MIT
"""TLS in board mode: real sockets, certificates made for the test, the firmware's own `open_stream`."""

import contextlib
import functools

import pytest

from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.story import Story
from simulator.board.wlan import Site
from simulator.breakage import FIRMWARE
from simulator.interpreters import Interpreter
from tests import pki
from tests.device.harness import at_repl

OPEN = """
import time
from ota.board import Board
from ota.errors import TransferError
board = Board()
board.join("simulated", "")
while not board.has_network():
    time.sleep_ms(2)

def opened(port, host="localhost"):
    try:
        return board.open_stream(host, port, True)
    except TransferError as error:
        print(error.code)

"""


@functools.cache
def authority() -> pki.Authority:
    return pki.Authority()


@pytest.fixture
def play(interpreter: Interpreter, tmp_path):
    """Runs a program on a board with these blobs in its settings; what it prints."""

    def run(program: str, **settings: bytes) -> list[str]:
        (tmp_path / "main.py").write_text(OPEN + program)
        values = [("ota_cfg", name, value) for name, value in settings.items()]
        image = build_firmware([FIRMWARE, tmp_path], "test", "1.0.0")
        flash = flash_file.make(flash_file.layout("4MiB"), image, None, values)
        story = Story()
        with Board(Chip(flash, RealClock()), interpreter, site=Site(join_ms=5), on_event=story.add) as board:
            assert board.run(at_repl, timeout_s=20) == "until", story.lines
        return story.lines

    return run


def test_tls_carries_bytes_both_ways(play) -> None:
    program = """
stream = opened(%d)
stream.write(b"hello")
print(stream.read(5))
stream.write(b"long")
buf = bytearray(20000)
print(stream.readable(1000), stream.readinto(buf, 3000), stream.readable(0), stream.readinto(buf, 17000))
print(stream.readable(20), bytes(buf[:17000]) == b"x" * 17000)
stream.write(b"end")
print(stream.readable(1000), stream.readinto(buf, 10))
stream.close()
"""
    with pki.echo(authority().server()) as port:
        lines = play(program % port, ca=authority().pem)
    assert lines == ["b'hello'", "True 3000 True 17000", "False True", "True 0"]


def test_tls_that_ends_without_a_word_is_an_end_like_any_other(play) -> None:
    """F075: the server hangs up without close_notify. Whoever reads knows by the length what is missing."""
    program = """
stream = opened(%d)
stream.write(b"hello")
stream.readable(1000)
stream.write(b"end")
buf = bytearray(10)
print(stream.readinto(buf, 10), bytes(buf[:5]))
"""
    with pki.echo(authority().server()) as port:
        assert play(program % port, ca=authority().pem) == ["5 b'hello'"]


def test_tls_reads_without_waiting_once_told_so(play) -> None:
    program = """
stream = opened(%d)
stream.write(b"hello")
buf = bytearray(10)
stream.wait(False)
got = 0
while got < 5:
    if stream.readable(1000):
        got += stream.readinto(buf, 10) or 0
print(bytes(buf[:5]), stream.readinto(buf, 10))
"""
    with pki.echo(authority().server()) as port:
        assert play(program % port, ca=authority().pem) == ["b'hello' None"]


REFUSED = """
for port, name in %r:
    opened(port, name)
"""


def test_tls_lets_nobody_in_who_is_not_who_he_should_be(play) -> None:
    """F073: other name, expired, not yet valid, another CA; there is no fallback."""
    ours, other = authority(), pki.Authority()
    servers = [
        ours.server("other.example"),
        ours.server(not_after=pki.EXPIRED, not_before=pki.EXPIRED.replace(year=2019)),
        ours.server(not_before=pki.FUTURE),
        other.server(),
    ]
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(pki.echo(server)) for server in servers]
        lines = play(REFUSED % [(port, pki.NAME) for port in ports], ca=ours.pem)
    assert lines == ["tls_untrusted"] * 4


def test_tls_without_a_ca_does_not_even_connect(play) -> None:
    with pki.echo(authority().server()) as port:
        assert play(REFUSED % [(port, pki.NAME)]) == ["tls_no_ca"]


@pytest.mark.parametrize(
    "ca",
    [b"no certificate", b"-----BEGIN CERTIFICATE-----\nxxxx\n-----END CERTIFICATE-----\n", b"/no/such/file"],
    ids=["text", "damaged", "no-file"],
)
def test_tls_with_a_ca_that_is_none_is_refused(play, ca: bytes) -> None:
    assert play(REFUSED % [(9, pki.NAME)], ca=ca) == ["tls_bad_settings"]


def test_tls_takes_the_ca_in_every_form(play) -> None:
    """PEM, several in one PEM, DER."""
    ca = authority().pem
    program = """
for name in ("ca", "second", "third"):
    blob = bytearray(8000)
    board.settings.set_blob("ca", blob[:board.settings.get_blob(name, blob)])
    stream = opened({port})
    stream.write(b"hello")
    print(stream.read(5))
    stream.close()
"""
    with pki.echo(authority().server()) as port:
        lines = play(program.format(port=port), ca=ca, second=pki.Authority().pem + ca, third=pki.der(ca))
    assert lines == ["b'hello'"] * 3


def test_tls_takes_the_ca_from_a_file(play) -> None:
    program = """
import os
path = os.getcwd().rstrip("/") + "/ca.pem"
blob = bytearray(8000)
with open(path, "wb") as file:
    file.write(blob[:board.settings.get_blob("ca", blob)])
board.settings.set_blob("ca", path.encode())
stream = opened(%d)
stream.write(b"hello")
print(stream.read(5))
"""
    with pki.echo(authority().server()) as port:
        assert play(program % port, ca=authority().pem) == ["b'hello'"]


def test_tls_shows_its_own_certificate_to_who_wants_one(play) -> None:
    program = """
try:
    stream = opened(%d)
    stream.write(b"hello")
    print(stream.read(5))
except (AttributeError, OSError) as error:
    print("refused")
"""
    with pki.echo(authority().server(wants_client=True)) as port:
        assert play(program % port, ca=authority().pem, **authority().client()) == ["b'hello'"]
        assert play(program % port, ca=authority().pem)[-1] == "refused"


def test_tls_needs_to_know_the_time(play) -> None:
    program = """
import ntptime
known = ntptime.time
def nobody():
    raise OSError(110)
ntptime.time = nobody
print(board.now())
opened({port})
ntptime.time = known
print(opened({port}) is None, board.now() is None)
"""
    with pki.echo(authority().server()) as port:
        lines = play(program.format(port=port), ca=authority().pem)
    assert lines == ["None", "clock_unknown", "False False"]


def test_tls_handshake_with_a_silent_peer_ends(play) -> None:
    with pki.mute() as port:
        lines = play("board.silence_s = 0.1" + REFUSED % [(port, pki.NAME)], ca=authority().pem)
    assert lines == ["tls_failed"]
