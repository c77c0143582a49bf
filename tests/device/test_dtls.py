# SPDX-License-Identifier: MIT
"""MicroPython's own DTLS in board mode, against mbedTLS, over a line that loses datagrams: the traps of lwm2m.md 6."""

from collections.abc import Callable

import pytest

from simulator import interpreters
from simulator.board import datagrams
from simulator.board.net import Fault
from simulator.clouds import dtls
from simulator.clouds.server import Door, ThreadServer
from simulator.errors import UserError
from simulator.faults.datagram_proxy import ThreadDatagramProxy
from tests.clouds.test_dtls_server import Named
from tests.device.test_board_mode import JOIN, run
from tests.pki import Authority, der

NAME = "localhost"
CONNECT = """
import tls

def context():
    made = tls.SSLContext(tls.PROTOCOL_DTLS_CLIENT)
    made.load_verify_locations(CA)
    return made

def connected():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
    return sock

def secure(setting=None):
    sock = connected()
    setting(sock) if setting else sock.setblocking(False)
    return context().wrap_socket(sock, server_hostname=NAME)

def since(start):
    return time.ticks_diff(time.ticks_ms(), start)

def wait(stream, ms=5000):
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    return bool(poll.poll(ms))
"""


# Trap 1: who is a client asks for a certificate and a name, with a shared key too, unless told otherwise.
ASKS_FOR_A_CERTIFICATE = """
made = tls.SSLContext(tls.PROTOCOL_DTLS_CLIENT)
print(made.verify_mode == tls.CERT_REQUIRED)
for mode in (tls.CERT_REQUIRED, tls.CERT_NONE):
    made.verify_mode = mode
    sock = connected()
    sock.setblocking(False)
    try:
        made.wrap_socket(sock, do_handshake_on_connect=False)
        print("begun")
    except ValueError as error:
        print(error)
"""
ASKED = ["True", "CERT_REQUIRED requires server_hostname", "begun"]

# Trap 4: a read that times out, in the handshake and after it; what poll says then of the session and of the socket.
TIMED_READ = """
def attempt(function, *values):
    try:
        return function(*values)
    except OSError as error:
        return error.args[0]

def polled(stream):
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    return [events for _, events in poll.poll(100)]

def dies(stream, sock):
    sock.settimeout(0.1)
    print(attempt(stream.recv, 10))
    sock.setblocking(False)
    time.sleep_ms(1000)  # what comes meanwhile is not heard
    print(attempt(stream.recv, 10), attempt(stream.write, b"hello"), polled(stream), polled(sock))
    stream.close()

sock = connected()
sock.setblocking(False)
stream = context().wrap_socket(sock, server_hostname=NAME, do_handshake_on_connect=False)
dies(stream, sock)
sock = connected()
sock.setblocking(False)
stream = context().wrap_socket(sock, server_hostname=NAME)
stream.write(b"hello")
print(wait(stream), stream.recv(100), polled(stream))
dies(stream, sock)
stream = secure()
stream.write(b"hello")
print(wait(stream), stream.recv(100))
"""
TIMED_OUT = [
    "110", "-110 -110 [32] []", "True b'HELLO' []", "-110", "-110 -110 [32] []", "True b'HELLO'",
]  # fmt: skip

# Trap 7: `ssl` is a Python module that not every build has.
NO_SSL = """
try:
    import ssl
    print("ssl")
except ImportError:
    print(tls.PROTOCOL_TLS_CLIENT, tls.PROTOCOL_DTLS_CLIENT)
"""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(params=("micropython32", "micropython"))
def play(request, authority: Authority):
    """What a program prints that has the constants PORT (of a server behind the faults), CA and NAME."""
    try:
        interpreter = interpreters.find(request.param)
    except UserError as missing:
        pytest.skip(missing.text)

    def run_it(program: str, *faults: Fault, name: str = NAME, core: Named | None = None) -> list[str]:
        chain, key = authority.pems(NAME)
        door = Door(core or Named(), tls=dtls.with_certificate(chain, key))
        with ThreadServer(door) as server, ThreadDatagramProxy(("127.0.0.1", server.port), 0, faults) as proxy:
            constants = f"PORT, NAME, CA = {proxy.port}, {name!r}, {der(authority.pem)!r}\n"
            why, story = run(interpreter, JOIN + constants + CONNECT + program, timeout_s=20)
        assert why == "until", (why, story.lines)
        return story.lines

    return run_it


def first_flight() -> Fault:
    return datagrams.nth(0, datagrams.lost, to_device=False)


def test_trap_1_a_client_asks_for_a_certificate_and_a_name(play) -> None:
    assert play(ASKS_FOR_A_CERTIFICATE) == ASKED


def test_trap_3_one_record_a_recv_and_more_in_a_readinto(play) -> None:
    """Two datagrams wait: `recv` takes one, and says None where a plain socket raises; `readinto` takes both."""
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
    core = Named()
    lines = play(program, core=core)
    assert lines == ["True b'AAAAAAAAAAAAAAAAAAAA' b'BBBBBBBBBB' None", "30 None", "30 None", "b'CCCC' b'CCCCCC'"]


def test_trap_2_a_lost_first_flight_is_repeated_only_without_blocking(play) -> None:
    program = """
start = time.ticks_ms()
stream = secure()
print(900 < since(start) < 3000)
stream.write(b"hello")
print(wait(stream), stream.recv(100))
"""
    assert play(program, first_flight()) == ["True", "True b'HELLO'"]


def test_trap_2_a_socket_with_a_time_out_gives_up_at_its_end(play) -> None:
    program = """
start = time.ticks_ms()
try:
    secure(lambda sock: sock.settimeout(0.3))
except OSError as error:
    print(error.args[0], 250 < since(start) < 1500)
"""
    assert play(program, first_flight()) == ["110 True"]


def test_trap_2_a_blocking_socket_hangs_until_the_watchdog(play) -> None:
    program = """
if machine.reset_cause() == 3:
    print("hung")
else:
    machine.WDT(timeout=2500)
    secure(lambda sock: sock.setblocking(True))
    print("secure")
"""
    assert play(program, first_flight()) == ["hung"]


def test_trap_4_a_read_that_times_out_is_an_error_that_stays(play) -> None:
    """As read of the ESP32's port (lwm2m.md 6), and the unix port does the same. Only a new session helps."""
    assert play(TIMED_READ, first_flight()) == TIMED_OUT


def test_trap_5_without_blocking_the_handshake_can_be_had_step_by_step(play) -> None:
    """poll does not wake for its timer: whoever waits has to come back and ask."""
    program = """
sock = connected()
sock.setblocking(False)
stream = context().wrap_socket(sock, server_hostname=NAME, do_handshake_on_connect=False)
start, turns = time.ticks_ms(), 0
while stream.write(b"hello") is None:
    wait(stream, 100)
    turns += 1
print(900 < since(start) < 3000, turns > 4, wait(stream), stream.recv(100))
"""
    assert play(program, first_flight()) == ["True True True b'HELLO'"]


def test_trap_7_the_module_is_tls(play) -> None:
    assert play(NO_SSL) == ["0 2"]


@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_nobody_is_believed_without_a_reason(play, wrong: str) -> None:
    program = """
try:
    secure()
except (ValueError, OSError) as error:
    print(type(error).__name__)
"""
    if wrong == "authority":
        program = f"CA = {der(Authority().pem)!r}\n" + program
    assert play(program, name="other.example" if wrong == "name" else NAME) == ["ValueError"]


def lost_up(index: int) -> Fault:
    return datagrams.nth(index, datagrams.lost, to_device=False)


@pytest.mark.parametrize("fault", [lost_up, lambda index: datagrams.nth(index, datagrams.lost)], ids=["up", "down"])
@pytest.mark.parametrize("index", [1, 3])
def test_any_datagram_of_a_handshake_may_be_lost(play, fault: Callable[[int], Fault], index: int) -> None:
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
    assert play(program, fault(index)) == ["b'HELLO'"]
