# SPDX-License-Identifier: MIT
"""UDP of a board in lockstep, against a core that echoes; the same programs in process."""

import errno
import random

import pytest

from simulator import interpreters
from simulator.board import datagrams
from simulator.board.inprocess import InProcess
from simulator.board.lockstep import HOST, Lockstep
from simulator.board.net import Fault, Packet
from simulator.clouds.core import Close, Send
from simulator.errors import UserError
from tests.device.harness import at_repl, board, printed
from tests.device.test_sockets import JOIN

PORT, OTHER_PORT = 5683, 5684
PROGRAM = (
    JOIN
    + f"""
def datagrams(port={PORT}):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(socket.getaddrinfo("{HOST}", port)[0][-1])
    sock.setblocking(False)
    return sock

def arrived(sock, ms=1000):
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(ms))

def answers(sock, ms=100):
    found = []
    while arrived(sock, ms):
        found.append(sock.recv(100))
    return found
"""
)


class Echo:
    """Sends back what it gets; "twice" two times, "N bytes" so many, "bye" ends the conversation. `seen`: what came."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bytes | str]] = []
        self._actions: list = []

    def open(self, conn: int, now_ms: int) -> None:
        self.seen.append((conn, "open"))

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self.seen.append((conn, data))
        if data == b"bye":
            self._actions.append(Close(conn))
        elif data.endswith(b" bytes"):
            self._actions.append(Send(conn, bytes(int(data[:-6]))))
        else:
            self._actions += [Send(conn, data)] * (2 if data == b"twice" else 1)

    def lost(self, conn: int, now_ms: int) -> None:
        raise AssertionError("nobody can tell that a peer of datagrams is gone")

    def tick(self, now_ms: int) -> None: ...

    def deadline(self) -> None: ...

    def take(self) -> list:
        actions, self._actions = self._actions, []
        return actions

    @property
    def heard(self) -> list[bytes]:
        return [data for _, data in self.seen if isinstance(data, bytes)]


@pytest.fixture(params=(*interpreters.NAMES, "in process"))
def twin_of(request):
    """A board with this program, and the echo on PORT."""
    name = request.param
    try:
        runs = InProcess({}) if name == "in process" else interpreters.find(name)
    except UserError as missing:
        pytest.skip(missing.text)

    def make(program: str, echo: Echo, *faults: Fault) -> Lockstep:
        twin = board(runs, PROGRAM + program)
        twin.net.serve_datagrams(HOST, PORT, echo)
        twin.net.faults += faults
        return twin

    return make


def printed_by(twin: Lockstep) -> list[str]:
    """What the program has printed, to its end."""
    assert twin.run(at_repl, timeout_s=600), f"{twin.why}: {twin.story.lines}"
    return [line for line in twin.story.lines if line != "the program has ended"]


@pytest.fixture
def play(twin_of):
    """What the program prints until its end."""

    def run(program: str, echo: Echo | None = None, *faults: Fault) -> list[str]:
        with twin_of(program, echo or Echo(), *faults) as twin:
            return printed_by(twin)

    return run


def test_a_datagram_comes_back_after_a_round_trip(play) -> None:
    program = """
sock = datagrams()
start = time.ticks_ms()
print(sock.send(b"hello"), arrived(sock), rounded(start), sock.recv(100))
print(sock.write(b"again"), arrived(sock), sock.recv(100))
sock.close()
"""
    echo = Echo()
    assert play(program, echo) == ["5 True 20 b'hello'", "5 True b'again'"]
    (conn, begin), *rest = echo.seen
    assert begin == "open" and rest == [(conn, b"hello"), (conn, b"again")]


def test_nothing_there_is_said_as_on_the_board(play) -> None:
    program = """
sock = datagrams()
print(raised(sock.recv, 10)[0], raised(sock.recvfrom, 10)[0], sock.read(10), sock.readinto(bytearray(10)))
sock.settimeout(2)
print(raised(sock.recv, 10), raised(sock.readinto, bytearray(10)))
print(arrived(sock, 300), [e for s, e in select_out(sock)])
"""
    select_out = "def select_out(s):\n    p = select.poll()\n    p.register(s, select.POLLOUT)\n    return p.poll(0)\n"
    expected = ["EAGAIN EAGAIN None None", "('ETIMEDOUT', 2000) ('ETIMEDOUT', 2000)", "False [4]"]
    assert play(select_out + program) == expected


def test_recv_takes_one_datagram_and_cuts_it(play) -> None:
    program = """
sock = datagrams()
sock.send(b"0123456789")
sock.send(b"abc")
time.sleep_ms(30)
print(sock.recv(4), sock.recv(100), raised(sock.recv, 4)[0])
"""
    assert play(program) == ["b'0123' b'abc' EAGAIN"]


def test_reads_of_streams_glue_datagrams_together(play) -> None:
    """As MicroPython's stream functions do on any port; a time-out loses what they had."""
    program = """
sock, buf = datagrams(), bytearray(12)
sock.send(b"0123456789")
sock.send(b"abcdef")
time.sleep_ms(30)
print(sock.readinto(buf), bytes(buf), sock.readinto(buf))
sock.send(b"xy")
time.sleep_ms(30)
print(sock.read(5))
sock.settimeout(1)
sock.send(b"lost")
print(raised(sock.readinto, buf))
sock.send(b"all there ok")
print(sock.readinto(buf), bytes(buf))
"""
    assert play(program) == ["12 b'0123456789ab' None", "b'xy'", "('ETIMEDOUT', 1000)", "12 b'all there ok'"]


def test_an_empty_datagram_is_the_end_of_all_to_micropython(play) -> None:
    """modsocket.c takes it for a peer that has closed, and never reads again."""
    program = """
sock = datagrams()
sock.send(b"0 bytes")
print(arrived(sock), sock.recv(10))
sock.send(b"hello")
print(arrived(sock), sock.recv(10), sock.readinto(bytearray(9)), sock.recvfrom(5)[0])
sock.close()
sock = datagrams()
sock.send(b"hello")
print(arrived(sock), sock.recv(10))
"""
    assert play(program) == ["True b''", "True b'' 0 b''", "True b'hello'"]


def test_each_socket_is_another_peer_to_the_cloud(play) -> None:
    program = """
first, second = datagrams(), datagrams()
first.send(b"1")
second.send(b"2")
first.send(b"3")
print(arrived(first), arrived(second), first.recv(9), second.recv(9), first.recv(9))
first.close()
print(raised(first.send, b"x")[0])
first = datagrams()
first.send(b"bye")
time.sleep_ms(20)
first.send(b"5")
print(answers(first))
"""
    echo = Echo()
    assert play(program, echo) == ["True True b'1' b'2' b'3'", "EBADF", "[b'5']"]
    conns = [conn for conn, what in echo.seen if what == "open"]
    assert len(set(conns)) == 3
    assert conns[2] == conns[3], "after its Close the same socket is opened anew"
    assert [conn for conn, data in echo.seen if data in (b"1", b"3")] == [conns[0]] * 2


def test_a_socket_without_a_connection_hears_everybody(twin_of) -> None:
    program = f"""
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(1)
print(sock.send(b"to nobody"), sock.sendto(b"one", ("{HOST}", {PORT})), sock.sendto("two", ("{HOST}", {OTHER_PORT})))
print(sock.recvfrom(100), sock.recvfrom(2))
sock.sendto(b"three", ("{HOST}", {OTHER_PORT}))
sock.connect(("{HOST}", {PORT}))
sock.send(b"four")
print(sock.recv(100), raised(sock.recv, 100)[0])
"""
    echo, other = Echo(), Echo()
    with twin_of(program, echo) as twin:
        twin.net.serve_datagrams(HOST, OTHER_PORT, other)
        assert printed_by(twin) == [
            "9 3 3",
            f"(b'one', ('{HOST}', {PORT})) (b'tw', ('{HOST}', {OTHER_PORT}))",
            "b'four' ETIMEDOUT",
        ]
    assert echo.heard == [b"one", b"four"] and other.heard == [b"two", b"three"]


def test_one_core_behind_two_ports_answers_from_the_right_one(twin_of) -> None:
    program = f"""
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(1)
for port in ({PORT}, {OTHER_PORT}):
    sock.sendto(b"x", ("{HOST}", port))
    print(sock.recvfrom(9)[1][1])
"""
    echo = Echo()
    with twin_of(program, echo) as twin:
        twin.net.serve_datagrams(HOST, OTHER_PORT, echo)
        assert printed_by(twin) == [str(PORT), str(OTHER_PORT)]


def test_nobody_listens_and_nobody_says_so(play) -> None:
    """What ICMP says about it is nothing to lwIP. A TCP server on the port is somebody else."""
    program = """
sock = datagrams(9)
sock.send(b"hello")
print(arrived(sock, 5000), raised(sock.recv, 9)[0], sock.send(b"hello"))
"""
    assert play(program) == ["False EAGAIN 5"]


def test_what_the_network_interface_makes_of_sizes(play) -> None:
    """Fragments go out, but none are put together: ESP-IDF has that switched off. `recv` takes 100 bytes here."""
    program = """
sock = datagrams()
def refused(size):
    try:
        return sock.send(bytes(size))
    except OSError as error:
        return error.args[0]
print(sock.send(bytes(1473)), arrived(sock, 100), refused(65508))
for size in (1472, 1473):
    sock.send(b"%d bytes" % size)
    print([len(data) for data in answers(sock)], arrived(sock, 0))
"""
    echo = Echo()
    assert play(program, echo) == [f"1473 False {errno.EMSGSIZE}", "[100] False", "[] False"]
    assert [len(data) for data in echo.heard] == [1473, 10, 10]


def test_a_mailbox_holds_six(play) -> None:
    program = """
sock = datagrams()
for i in range(8):
    sock.send(b"%d" % i)
time.sleep_ms(100)
print(answers(sock))
"""
    assert play(program) == ["[b'0', b'1', b'2', b'3', b'4', b'5']"]


def test_without_wifi_nothing_is_sent_and_the_socket_outlives_it(twin_of) -> None:
    program = """
sock = datagrams()
sock.send(b"before")
print(answers(sock))
while wlan.isconnected():
    time.sleep_ms(100)
print(raised(sock.send, b"lost")[0])
while not wlan.isconnected():
    time.sleep_ms(100)
sock.send(b"after")
print(answers(sock))
"""
    echo = Echo()
    with twin_of(program, echo) as twin:
        assert twin.run(printed("[b'before']"))
        twin.site.is_up = False
        assert twin.run(printed("EHOSTUNREACH"))
        twin.site.is_up = True
        assert twin.run(printed("[b'after']"))
    assert [what for _, what in echo.seen] == ["open", b"before", b"after"]


def test_what_is_under_way_when_the_wifi_goes_is_lost(twin_of) -> None:
    program = """
sock = datagrams()
sock.send(b"under way")
print("sent")
while wlan.isconnected():
    time.sleep_ms(1)
while not wlan.isconnected():
    time.sleep_ms(100)
print(answers(sock))
"""
    echo = Echo()
    with twin_of(program, echo) as twin:
        assert twin.run(printed("sent"))
        twin.site.is_up = False
        twin.run_for(1)
        twin.site.is_up = True
        assert twin.run(printed("[]"))
    assert echo.heard == [b"under way"]


FAULTS = {
    "lost on the way up": (lambda: datagrams.nth(1, datagrams.lost, to_device=False), "aa cc", "aa cc"),
    "lost on the way down": (lambda: datagrams.nth(1, datagrams.lost), "aa bb cc", "aa cc"),
    "twice on the way up": (lambda: datagrams.nth(1, datagrams.twice(), to_device=False), "aa bb bb cc", "aa bb bb cc"),
    "a copy later": (lambda: datagrams.nth(1, datagrams.twice(15)), "aa bb cc", "aa bb cc bb"),
    "reordered": (lambda: datagrams.nth(0, datagrams.late(15), to_device=False), "bb aa cc", "bb aa cc"),
    "late": (lambda: datagrams.nth(0, datagrams.late(90)), "aa bb cc", "bb cc aa"),
    "cut short": (lambda: datagrams.nth(1, datagrams.shortened(1), to_device=False), "aa b cc", "aa b cc"),
    "flipped": (lambda: datagrams.nth(1, datagrams.flipped(1, 1)), "aa bb cc", "aa b` cc"),
    "flipped beyond its end": (lambda: datagrams.nth(1, datagrams.flipped(7)), "aa bb cc", "aa bb cc"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_befall_one_datagram(play, name: str) -> None:
    program = """
sock = datagrams()
for letter in (b"aa", b"bb", b"cc"):
    sock.send(letter)
    time.sleep_ms(10)
print((b" ".join(answers(sock))).decode())
"""
    fault, heard, expected = FAULTS[name]
    echo = Echo()
    assert play(program, echo, fault()) == [expected]
    assert b" ".join(echo.heard).decode() == heard


def test_a_lossy_line_loses_its_share(play) -> None:
    program = """
sock, came = datagrams(), 0
for i in range(400):
    sock.send(b"x")
    came += arrived(sock, 25) and len(sock.recv(1))
print(came)
"""
    echo = Echo()
    came = int(play(program, echo, datagrams.lossy(0.2, random.Random(7)))[0])
    assert 290 <= len(echo.heard) <= 350 and 220 <= came <= 290


def test_streams_do_not_count_as_datagrams() -> None:
    packet = Packet(link=datagrams.Link(1), to_device=True, content=b"stream", at=0)
    assert datagrams.nth(0, datagrams.lost)(packet) == [packet]


def test_the_peer_is_gone_after_a_reset_and_so_is_the_port(twin_of) -> None:
    program = """
import machine
sock = datagrams()
if machine.reset_cause() == 1:
    sock.send(b"first")
    machine.reset()
sock.send(b"second")
print(answers(sock))
"""
    echo = Echo()
    with twin_of(program, echo) as twin:
        assert printed_by(twin) == ["[b'second']"], "the answer to the first found nobody"
    assert len({conn for conn, _ in echo.seen}) == 2


def test_the_loop_of_a_download_allocates_no_more_than_its_datagram(play) -> None:
    """With the heap locked where there is one to lock: sends, polls and reads into a buffer."""
    program = """
import micropython
sock, buf, block = datagrams(), bytearray(64), bytearray(64)
poll = select.poll()
poll.register(sock, select.POLLIN)

def loop():
    for number in range(3):
        sock.write(block)
        for ready in poll.ipoll(1000):
            sock.readinto(buf)

loop()
getattr(micropython, "heap_lock", int)()
loop()
getattr(micropython, "heap_unlock", int)()
print("done")
"""
    assert play(program) == ["done"]


def test_a_run_is_the_same_every_time(twin_of) -> None:
    program = "sock = datagrams()\nfor i in range(30):\n    sock.send(b'%d' % i)\n    print(answers(sock, i))\n"

    def run() -> list:
        echo = Echo()
        with twin_of(program, echo, datagrams.lossy(0.3, random.Random(1))) as twin:
            assert twin.run(at_repl)
            return [*echo.seen, *twin.story.events]

    assert run() == run()
