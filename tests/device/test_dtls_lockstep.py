# SPDX-License-Identifier: MIT
"""DTLS on virtual time: no cryptography, but the same certificates, verdicts and traps as in test_dtls.py."""

import itertools

import pytest

from simulator import interpreters
from simulator.board import datagrams
from simulator.board.inprocess import InProcess
from simulator.board.lockstep import HOST
from simulator.board.net import Fault, Packet
from simulator.board.secure import HANDSHAKE_MS
from simulator.clouds.core import Close, Send
from simulator.errors import UserError
from tests import pki
from tests.device.harness import board
from tests.device.test_datagrams import printed_by
from tests.device.test_dtls import ASKED, ASKS_FOR_A_CERTIFICATE, TIMED_OUT, TIMED_READ
from tests.device.test_sockets import JOIN
from tests.device.test_tls import authority

PORT = 5684
KEY = bytes(range(16))
CONNECT = (
    JOIN
    + f"""
import machine, tls
machine.RTC().datetime((2026, 1, 2, 5, 0, 0, 0, 0))

def context():
    made = tls.SSLContext(tls.PROTOCOL_DTLS_CLIENT)
    made.load_verify_locations(CA)
    return made

def connected():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(socket.getaddrinfo("{HOST}", {PORT})[0][-1])
    return sock

def secure(setting=None, **more):
    sock = connected()
    setting(sock) if setting else sock.setblocking(False)
    return context().wrap_socket(sock, server_hostname=NAME, **more)

def since(start):
    return time.ticks_diff(time.ticks_ms(), start)

def wait(stream, ms=5000):
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    return bool(poll.poll(ms))
"""
)


class Shout:
    """Answers in capitals; "bye" ends it. `came`: who, `heard`: what."""

    def __init__(self) -> None:
        self.came: list[tuple[bytes | None, str | None]] = []
        self.heard: list[bytes | str] = []
        self._actions: list = []

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None, identity: str | None = None) -> None:
        self.came.append((certificate, identity))

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self.heard.append(data)
        self._actions.append(Close(conn) if data == b"bye" else Send(conn, data.upper()))

    def lost(self, conn: int, now_ms: int) -> None:
        self.heard.append("lost")

    def tick(self, now_ms: int) -> None: ...

    def deadline(self) -> None: ...

    def take(self) -> list:
        actions, self._actions = self._actions, []
        return actions


@pytest.fixture(params=(*interpreters.NAMES, "in process"))
def play(request):
    """What a program prints that has the constants CA and NAME, behind the faults."""
    name = request.param
    try:
        runs = InProcess({}) if name == "in process" else interpreters.find(name)
    except UserError as missing:
        pytest.skip(missing.text)

    def run(
        program: str,
        *faults: Fault,
        core: Shout | None = None,
        name: str = HOST,
        chain: tuple[bytes, ...] | None = None,
        keys: dict[str, bytes] | None = None,
        is_new: bool = False,
    ) -> list[str]:
        shown = () if keys else authority().chain(HOST) if chain is None else chain
        constants = f"NAME, CA = {name!r}, {pki.der(authority().pem)!r}\n"
        with board(runs, CONNECT + constants + program) as twin:
            if is_new:
                twin.board.know_shared_keys()
            twin.net.serve_datagrams(HOST, PORT, core or Shout(), shown, keys)
            twin.net.faults += faults
            return printed_by(twin)

    return run


def first_flight() -> Fault:
    return datagrams.nth(0, datagrams.lost, to_device=False)


def test_a_handshake_takes_three_round_trips_and_the_chip_s_time(play) -> None:
    program = """
start = time.ticks_ms()
stream = secure()
print(since(start) // 10)
print(stream.write(b"hello"), wait(stream), stream.recv(100), stream.recv(100))
stream.close()
time.sleep_ms(50)
"""
    core = Shout()
    assert play(program, core=core) == [str((HANDSHAKE_MS + 60) // 10), "5 True b'HELLO' None"]
    assert core.came == [(None, None)] and core.heard == [b"hello", "lost"]


def test_trap_1_a_client_asks_for_a_certificate_and_a_name(play) -> None:
    assert play(ASKS_FOR_A_CERTIFICATE) == ASKED
    assert play(ASKS_FOR_A_CERTIFICATE, keys={"board-1": KEY}, is_new=True) == ASKED


def test_trap_3_one_record_a_recv_and_more_in_a_readinto(play) -> None:
    """Word for word as MicroPython's own in test_dtls.py."""
    program = """
stream = secure()
buf = bytearray(100)

def two():
    stream.write(b"a" * 20)
    stream.write(b"b" * 10)
    time.sleep_ms(100)

two()
print(wait(stream), stream.recv(100), stream.recv(100), stream.recv(100))
two()
print(stream.readinto(buf), stream.readinto(buf))
two()
print(stream.recv_into(buf), stream.recv(5))
stream.write(b"c" * 10)
time.sleep_ms(50)
print(stream.recv(4), stream.recv(100))
stream.close()
"""
    assert play(program) == [
        "True b'AAAAAAAAAAAAAAAAAAAA' b'BBBBBBBBBB' None", "30 None", "30 None", "b'CCCC' b'CCCCCC'",
    ]  # fmt: skip


def test_trap_2_a_lost_first_flight_is_repeated_only_without_blocking(play) -> None:
    program = """
start = time.ticks_ms()
stream = secure()
print(2200 < since(start) < 2400)
stream.write(b"hello")
print(wait(stream), stream.recv(100))
"""
    assert play(program, first_flight()) == ["True", "True b'HELLO'"]


def test_trap_2_a_socket_with_a_time_out_gives_up_at_its_end(play) -> None:
    program = """
code, ms = raised(secure, lambda sock: sock.settimeout(0.3))
print(code, 300 <= ms <= 301)
"""
    assert play(program, first_flight()) == ["ETIMEDOUT True"]


def test_trap_2_a_blocking_socket_hangs_until_the_watchdog(play) -> None:
    program = """
if machine.reset_cause() == 3:
    print("hung")
else:
    machine.WDT(timeout=60000)
    secure(lambda sock: sock.setblocking(True))
    print("secure")
"""
    assert play(program, first_flight()) == ["hung"]
    assert play(program) == ["secure"]


def test_trap_4_a_read_that_times_out_is_an_error_that_stays(play) -> None:
    assert play(TIMED_READ, first_flight()) == TIMED_OUT


def test_trap_5_without_blocking_the_handshake_can_be_had_step_by_step(play) -> None:
    program = """
stream = secure(do_handshake_on_connect=False)
start, turns = time.ticks_ms(), 0
while stream.write(b"hello") is None:
    wait(stream, 100)
    turns += 1
print(2200 < since(start) < 2600, turns > 9, wait(stream), stream.recv(100))
"""
    assert play(program, first_flight()) == ["True True True b'HELLO'"]


def test_a_peer_that_never_answers_ends_after_two_minutes_of_asking(play) -> None:
    program = """
start = time.ticks_ms()
stream = secure(do_handshake_on_connect=False)
try:
    while stream.recv(10) is None:
        time.sleep_ms(100)
except OSError as error:
    print(error.args[0], since(start) // 10000)
"""
    times: list[float] = []

    def deaf(packet: Packet) -> list[Packet]:
        times.append(packet.at)
        return []

    assert play(program, deaf) == ["-26624 12"]
    gaps = [round((b - a) / 1000) for a, b in itertools.pairwise(times)]
    assert gaps == [1, 2, 4, 8, 16, 32]


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("to_device", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("what", ["lost", "twice", "spoiled"])
def test_any_datagram_of_a_handshake_may_be_spoiled(play, index: int, to_device: bool, what: str) -> None:
    change = {"lost": datagrams.lost, "twice": datagrams.twice(3), "spoiled": datagrams.shortened(9)}[what]
    program = """
stream = secure()
for i in range(9):
    stream.write(b"hello")
    if wait(stream, 300):  # perhaps for a record of the handshake that came once more
        said = stream.recv(100)
        if said:
            print(said)
            break
"""
    core = Shout()
    assert play(program, datagrams.nth(index, change, to_device=to_device), core=core) == ["b'HELLO'"]
    assert len(core.came) == 1


CASES = {
    "another name": ({"name": "other.example"}, "ValueError"),
    "another authority": ({"chain": pki.Authority().chain(HOST)}, "ValueError"),
    "expired": ({"chain": authority().chain(HOST, not_after=pki.EXPIRED)}, "ValueError"),
    "no name": ({"name": ""}, "ValueError"),
    "no DTLS": ({"chain": ()}, "OSError"),
}


@pytest.mark.parametrize("case", CASES)
def test_nobody_is_believed_without_a_reason(play, case: str) -> None:
    program = """
try:
    secure()
except (ValueError, OSError) as error:
    print(type(error).__name__)
"""
    settings, expected = CASES[case]
    core = Shout()
    assert play(program, core=core, **settings) == [expected]
    assert not [data for data in core.heard if data != b"\x16\xfe\xfd"]


def test_what_is_wrong_with_a_certificate_comes_out_of_the_next_write(play) -> None:
    """And then an error that stays, as poll says too: measured on MicroPython."""
    program = """
stream = secure(do_handshake_on_connect=False)
for i in range(4):
    try:
        print(stream.write(b"hello"), wait(stream, 100))
    except (ValueError, OSError) as error:
        print(type(error).__name__)
poll = select.poll()
poll.register(stream, select.POLLIN)
print([events for _, events in poll.poll(0)])
"""
    expected = ["None True", "None True", "ValueError", "OSError", "[32]"]
    assert play(program, name="other.example") == expected


def test_the_client_s_certificate_is_told(play) -> None:
    mine = authority().client("node-1")
    key = pki.key_der(mine["key"])
    program = f"""
cert, key = {pki.der(mine["cert"])!r}, {key!r}
made = context()
made.load_cert_chain(cert, key)
sock = connected()
sock.setblocking(False)
stream = made.wrap_socket(sock, server_hostname=NAME)
stream.write(b"bye")
print(wait(stream), stream.recv(9))
"""
    core = Shout()
    assert play(program, core=core) == ["True b''"]
    assert core.came == [(pki.der(mine["cert"]), None)]


SHARED = f"""
print(hasattr(tls.SSLContext, "psk_identity"))
made = tls.SSLContext(tls.PROTOCOL_DTLS_CLIENT)
made.verify_mode = tls.CERT_NONE
made.psk_identity, made.psk_key = b"board-1", {KEY!r}
sock = connected()
sock.setblocking(False)
try:
    stream = made.wrap_socket(sock)
    stream.write(b"hello")
    print(wait(stream), stream.recv(9))
except OSError as error:
    print("OSError")
"""


def test_shared_keys_are_there_where_micropython_is_new_enough(play) -> None:
    core = Shout()
    assert play(SHARED, core=core, keys={"board-1": KEY}, is_new=True) == ["True", "True b'HELLO'"]
    assert core.came == [(None, "board-1")]
    assert play("print(hasattr(tls.SSLContext, 'psk_identity'))", keys={"board-1": KEY}) == ["False"]


@pytest.mark.parametrize("keys", [{"board-1": b"other"}, {"board-2": KEY}], ids=["key", "identity"])
def test_a_wrong_key_is_an_error_and_no_hang(play, keys: dict[str, bytes]) -> None:
    core = Shout()
    assert play(SHARED, core=core, keys=keys, is_new=True) == ["True", "OSError"]
    assert not core.came


def test_plain_datagrams_are_nothing_to_a_dtls_server(play) -> None:
    core = Shout()
    assert play('sock = connected()\nsock.send(b"hello")\nprint(wait(sock, 1000))', core=core) == ["False"]
    assert not core.came
