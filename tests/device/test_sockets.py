# SPDX-License-Identifier: MIT
"""Wi-Fi and sockets of a board in lockstep, against a core that echoes."""

from simulator.board.lockstep import HOST, PORT
from simulator.board.net import cut_after, delay, silence_after
from simulator.clouds.core import Close, Send
from simulator.interpreters import Interpreter
from tests.device.harness import at_repl, board, printed

JOIN = f"""
import errno, network, select, socket, time
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("simulated", "")
while not wlan.isconnected():
    time.sleep_ms(100)

def link(timeout=None):
    sock = socket.socket()
    sock.settimeout(timeout)
    sock.connect(socket.getaddrinfo("{HOST}", {PORT})[0][-1])
    return sock

def rounded(start):
    return (time.ticks_diff(time.ticks_ms(), start) + 5) // 10 * 10  # the cloud counts whole ms, flash does not

def raised(function, *args):
    start = time.ticks_ms()
    try:
        return function(*args)
    except OSError as error:
        return errno.errorcode.get(error.args[0], error.args[0]), time.ticks_diff(time.ticks_ms(), start)
"""


class Echo:
    """Sends back what it gets; "bye" closes, "wait N" answers N ms later. `seen` has what came, and when."""

    def __init__(self) -> None:
        self.seen: list[tuple] = []
        self._actions: list = []
        self._later: list[tuple[int, Send]] = []

    def open(self, conn: int, now_ms: int) -> None:
        self.seen.append(("open", now_ms))

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self.seen.append((data, now_ms))
        if data == b"bye":
            self._actions.append(Close(conn))
        elif data.startswith(b"wait "):
            self._later.append((now_ms + int(data[5:]), Send(conn, b"late")))
        else:
            self._actions.append(Send(conn, data))

    def lost(self, conn: int, now_ms: int) -> None:
        self.seen.append(("lost", now_ms))

    def tick(self, now_ms: int) -> None:
        self._actions += [send for at, send in self._later if at <= now_ms]
        self._later = [(at, send) for at, send in self._later if at > now_ms]

    def deadline(self) -> int | None:
        return min((at for at, _ in self._later), default=None)

    def take(self) -> list:
        actions, self._actions = self._actions, []
        return actions


def lines(interpreter: Interpreter, program: str, *faults) -> list[str]:
    with board(interpreter, JOIN + program, cloud=Echo()) as twin:
        twin.net.faults += faults
        assert twin.run(at_repl, timeout_s=600), f"{twin.why}: {twin.story.lines}"
        return twin.story.lines


def test_joining_takes_the_site_s_time_and_the_right_name(interpreter: Interpreter) -> None:
    program = """
import network, time, socket
wlan = network.WLAN(network.WLAN.IF_STA)
try:
    wlan.connect("simulated")
except OSError as error:
    print(error)
wlan.active(True)
try:
    socket.getaddrinfo("cloud.example", 1883)
except OSError as error:
    print(error.args)
for ssid in ("elsewhere", "simulated"):
    wlan.disconnect()
    wlan.connect(ssid, "")
    print(wlan.status(), wlan.isconnected())
    time.sleep_ms(1490)
    print(wlan.status() == network.STAT_CONNECTING)
    time.sleep_ms(20)
    print(wlan.status(), wlan.isconnected(), wlan.ifconfig()[0], wlan.ipconfig("addr4")[0])
"""
    with board(interpreter, program) as twin:
        assert twin.run(at_repl)
        assert twin.story.lines == [
            "Wifi Not Started", "(-202,)", "1001 False", "True", "201 False 0.0.0.0 0.0.0.0",
            "1001 False", "True", "1010 True 192.168.4.2 192.168.4.2",
        ]  # fmt: skip


def test_wlan_comes_back_by_itself(interpreter: Interpreter) -> None:
    program = "print('on')\nwhile True:\n    time.sleep(1)\n    print(wlan.isconnected())\n"
    with board(interpreter, JOIN + program) as twin:
        assert twin.run(printed("True"))
        twin.site.is_up = False
        assert twin.run(printed("False"), timeout_s=3)
        twin.site.is_up = True
        assert twin.run(printed("True"), timeout_s=5)


def test_streams_read_exactly_what_is_asked_for(interpreter: Interpreter) -> None:
    program = """
sock = link()
sock.write(b"0123456789", 4)
sock.write("abc\\nrest")
print(sock.read(3), sock.readline(), sock.recv(100))
buf = bytearray(b"--------")
sock.send(b"12345")
print(sock.readinto(buf, 5), bytes(buf))
sock.write(b"bye")
print(sock.read(5), sock.recv(5), sock.readinto(buf))
sock.close()
"""
    assert lines(interpreter, program) == ["b'012' b'3abc\\n' b'rest'", "5 b'12345---'", "b'' b'' 0"]


def test_a_round_trip_takes_twice_the_latency(interpreter: Interpreter) -> None:
    program = """
start = time.ticks_ms()
sock = link()
print(rounded(start))
sock.write(b"x")
sock.read(1)
print(rounded(start))
"""
    assert lines(interpreter, program) == ["20", "40"]
    assert lines(interpreter, program, delay(50)) == ["120", "240"]


def test_a_time_out_raises_and_loses_what_it_had_read(interpreter: Interpreter) -> None:
    program = """
sock = link(2)
sock.write(b"abc")
print(raised(sock.readinto, bytearray(8)))
sock.write(b"def")
print(sock.read(3))
"""
    assert lines(interpreter, program) == ["('ETIMEDOUT', 2000)", "b'def'"]


def test_a_socket_that_does_not_block_returns_none(interpreter: Interpreter) -> None:
    program = """
sock = link()
sock.setblocking(False)
print(sock.read(4))
sock.write(b"ab")
time.sleep_ms(30)
print(sock.read(4), sock.readinto(bytearray(4)))
"""
    assert lines(interpreter, program) == ["None", "b'ab' None"]


def test_poll_waits_for_data_and_no_longer(interpreter: Interpreter) -> None:
    program = """
sock, quiet, start = link(), link(), time.ticks_ms()
poll = select.poll()
poll.register(quiet, select.POLLIN)
poll.register(sock, select.POLLIN)
print(poll.poll(100), time.ticks_diff(time.ticks_ms(), start))
sock.write(b"wait 300")
print([(s is sock, e) for s, e in poll.ipoll(1000)], rounded(start))
poll.unregister(sock)
print(list(poll.ipoll(0)))
poll.register(sock, select.POLLOUT)
print([(s is sock, e) for s, e in poll.poll()])
"""
    assert lines(interpreter, program) == ["[] 100", "[(True, 1)] 420", "[]", "[(True, 4)]"]


def test_looking_again_and_again_takes_time_as_well(interpreter: Interpreter) -> None:
    program = """
sock = link()
sock.write(b"wait 100")
poll = select.poll()
poll.register(sock, select.POLLIN)
while not poll.poll(0):
    pass
print(sock.read(4))
wlan.disconnect()
wlan.connect("simulated", "")
while not wlan.isconnected():
    pass
print("joined")
"""
    assert lines(interpreter, program) == ["b'late'", "joined"]


def test_timers_fire_while_a_read_waits(interpreter: Interpreter) -> None:
    program = """
import machine
sock = link()
machine.Timer(0, mode=0, period=100, callback=lambda t: print("timer"))
sock.write(b"wait 500")
start = time.ticks_ms()
print(sock.read(4), rounded(start))
"""
    assert lines(interpreter, program) == ["timer", "b'late' 520"]


def test_nobody_listens_there(interpreter: Interpreter) -> None:
    program = """
sock = socket.socket()
print(raised(sock.connect, socket.getaddrinfo("127.0.0.1", 9)[0][-1]))
print(raised(socket.getaddrinfo, "no.such.host", 1883))
print(raised(socket.socket().write, b"x")[0])
"""
    assert lines(interpreter, program) == ["('ECONNREFUSED', 20)", "(-202, 0)", "ENOTCONN"]


def test_a_link_that_is_cut_is_reset_on_both_sides(interpreter: Interpreter) -> None:
    program = """
sock = link(5)
sock.write(b"0123456789")
print(sock.read(4), raised(sock.read, 4), raised(sock.write, b"x"))
sock.close()
sock = link(5)
sock.write(b"again")
print(sock.read(5))
"""
    assert lines(interpreter, program, cut_after(4)) == ["b'0123' ('ECONNRESET', 0) ('ECONNRESET', 0)", "b'again'"]


def test_a_link_that_goes_silent_says_nothing_at_all(interpreter: Interpreter) -> None:
    program = """
sock = link(5)
sock.write(b"01")
print(sock.read(2))
sock.write(b"23")
print(raised(sock.read, 2))
"""
    assert lines(interpreter, program, silence_after(2)) == ["b'01'", "('ETIMEDOUT', 5000)"]


def test_the_cloud_learns_late_that_the_board_was_reset(interpreter: Interpreter) -> None:
    program = """
import machine
if machine.reset_cause() == 1:
    sock = link()
    sock.write(b"wait 9000")
    time.sleep_ms(50)
    machine.reset()
print("again")
time.sleep(20)
"""
    echo = Echo()
    with board(interpreter, JOIN + program, cloud=echo) as twin:
        assert twin.run(printed("again"))
        assert [what for what, _ in echo.seen] == ["open", b"wait 9000"]
        twin.run_for(10)
        _, (_, asked), (lost, at) = echo.seen
        assert (lost, at - asked) == ("lost", 9020)


def test_a_run_is_the_same_every_time(interpreter: Interpreter) -> None:
    program = "sock = link()\nfor i in range(20):\n    sock.write(b'wait 7')\n    sock.read(4)\n    time.sleep_ms(i)\n"

    def run() -> list:
        echo = Echo()
        with board(interpreter, JOIN + program, cloud=echo) as twin:
            assert twin.run(at_repl)
            return [*echo.seen, *twin.story.events]

    assert run() == run()


def test_the_link_allocates_nothing(interpreter: Interpreter) -> None:
    """The calls of a download loop, with the heap locked where there is one to lock."""
    program = """
import esp32, machine, micropython
spare, buf, wdt, sock = esp32.Partition("ota_1"), bytearray(4096), machine.WDT(timeout=100000), link()
poll = select.poll()
poll.register(sock, select.POLLIN)

def loop():
    for block in range(3):
        sock.write(buf)
        for ready in poll.ipoll(1000):
            sock.readinto(buf, 4096)
        spare.ioctl(6, block)
        spare.writeblocks(block, buf)
        spare.writeblocks(block, buf, 0)
        spare.readblocks(block, buf)
        wdt.feed()
        time.ticks_diff(time.ticks_ms(), 5)
        time.sleep_ms(1)

loop()
getattr(micropython, "heap_lock", int)()
loop()
getattr(micropython, "heap_unlock", int)()
print("done")
"""
    assert lines(interpreter, program) == ["done"]


def test_a_send_waits_for_a_peer_that_takes_nothing(interpreter: Interpreter) -> None:
    program = """
sock = link(3)
print("full")
print(raised(sock.write, b"lost"))
sock.setblocking(False)
print(sock.write(b"not now"))
print(raised(sock.send, b"not now")[0])
sock.setblocking(True)
print("waits")
start = time.ticks_ms()
print(sock.write(b"at last"), rounded(start))
print(sock.read(7))
"""
    cloud = Echo()
    with board(interpreter, JOIN + program, cloud=cloud) as twin:
        assert twin.run(printed("full"))
        twin.net.is_taking = False
        assert twin.run(printed("waits"))
        twin.run_for(60)
        twin.net.is_taking = True
        assert twin.run(at_repl)
        assert twin.story.lines == ["full", "('ETIMEDOUT', 3000)", "None", "EAGAIN", "waits", "7 60000", "b'at last'"]
        assert [data for data, _ in cloud.seen if data not in ("open", "lost")] == [b"at last"]
