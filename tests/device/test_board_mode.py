# SPDX-License-Identifier: MIT
"""Board mode: the real clock and real sockets. Short on purpose, for here waiting takes its time."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.board import flash_file
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.flash import Flash
from simulator.board.nvs import Nvs
from simulator.board.power import Board
from simulator.board.story import Story
from simulator.board.wlan import Site
from simulator.clouds.server import Door, ThreadServer
from simulator.interpreters import Interpreter
from tests.clouds import test_datagram_server
from tests.device.harness import at_repl, image

JOIN = """
import network, socket, select, time, machine
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("simulated", "")
while not wlan.isconnected():
    time.sleep_ms(2)
"""


class Shout(socketserver.BaseRequestHandler):
    """Answers each message in capitals; "slow" a moment later."""

    def handle(self) -> None:
        while data := self.request.recv(1000):
            if data == b"slow":
                time.sleep(0.1)
            self.request.sendall(data.upper())


@pytest.fixture
def port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Shout) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def run(interpreter: Interpreter, program: str, timeout_s: float = 10) -> tuple[str, Story]:
    flash = flash_file.make(flash_file.layout("4MiB"), image({"main.py": program}))
    story = Story()
    chip = Chip(flash, RealClock())
    with Board(chip, interpreter, site=Site(join_ms=5), on_event=story.add) as board:
        return board.run(at_repl, timeout_s=timeout_s), story


def test_sockets_are_real(interpreter: Interpreter, port: int) -> None:
    program = f"""
sock = socket.socket()
sock.settimeout(5)
sock.connect(socket.getaddrinfo("127.0.0.1", {port}, 0, socket.SOCK_STREAM)[0][-1])
poll = select.poll()
poll.register(sock, select.POLLIN)
print(poll.poll(0))
sock.write(b"hello, world", 5)
print([(s is sock, e) for s, e in poll.ipoll(5000)])
buf = bytearray(8)
print(sock.readinto(buf, 5), bytes(buf))
sock.write(b"line one\\nrest")
print(sock.readline(), sock.read(4))
sock.close()
"""
    why, story = run(interpreter, JOIN + program)
    assert (why, story.lines) == (
        "until",
        ["[]", "[(True, 1)]", "5 b'HELLO\\x00\\x00\\x00'", "b'LINE ONE\\n' b'REST'"],
    )


def test_datagrams_are_real(interpreter: Interpreter) -> None:
    """As in lockstep (test_datagrams.py): `recv` takes one, `readinto` glues together what has come."""
    program = """
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect(socket.getaddrinfo("127.0.0.1", %d)[0][-1])
sock.setblocking(False)
try:
    sock.recv(10)
except OSError as error:
    print(error.args[0], sock.readinto(bytearray(4)))
poll, buf = select.poll(), bytearray(12)
poll.register(sock, select.POLLIN)

def wait(count):
    for i in range(count):
        sock.send(b"datagram%%d" %% i)
    time.sleep_ms(30)
    return len(poll.poll(5000))

print(wait(2), sock.recv(4), sock.recv(100))
print(wait(2), sock.readinto(buf), bytes(buf), sock.readinto(buf))
"""
    with ThreadServer(Door(test_datagram_server.Shout(), datagrams=True)) as server:
        why, story = run(interpreter, JOIN + program % server.port)
    assert (why, story.lines) == ("until", ["11 None", "1 b'DATA' b'DATAGRAM1'", "1 12 b'DATAGRAM0DAT' None"])


def test_no_name_is_found_without_wlan(interpreter: Interpreter) -> None:
    program = """
import socket
try:
    socket.getaddrinfo("127.0.0.1", 1883)
except OSError as error:
    print(error.args)
"""
    assert run(interpreter, program)[1].lines == ["(-202,)"]


def test_timers_interrupt_a_blocking_read(interpreter: Interpreter, port: int) -> None:
    program = f"""
sock = socket.socket()
sock.connect(socket.getaddrinfo("127.0.0.1", {port})[0][-1])
sock.write(b"slow")
machine.Timer(0, mode=0, period=20, callback=lambda t: print("timer"))
print(sock.read(4))
"""
    why, story = run(interpreter, JOIN + program)
    assert (why, story.lines) == ("until", ["timer", "b'SLOW'"])


def test_the_clock_is_real_time_plus_what_flash_costs(interpreter: Interpreter) -> None:
    program = """
import esp32, time
start = time.ticks_ms()
time.sleep_ms(30)
slept = time.ticks_diff(time.ticks_ms(), start)
for block in range(20):
    esp32.Partition("ota_1").ioctl(6, block)
print(30 <= slept < 400, 900 <= time.ticks_diff(time.ticks_ms(), start) - slept < 1400)
"""
    started = time.monotonic()
    assert run(interpreter, program)[1].lines == ["True True"]
    assert time.monotonic() - started < 0.9  # 20 erases are 900 ms of the board's time


def test_nobody_waits_at_the_repl_for_the_watchdog(interpreter: Interpreter) -> None:
    program = """
import machine
if machine.reset_cause() == 1:
    machine.WDT(timeout=300000)
    raise ValueError
print("back by", machine.reset_cause())
"""
    flash = flash_file.make(flash_file.layout("4MiB"), image({"main.py": program}))
    story, started = Story(), time.monotonic()
    with Board(Chip(flash, RealClock()), interpreter, on_event=story.add) as board:
        assert board.run(lambda event: event.get("line") == "back by 3", timeout_s=10) == "until"
    assert time.monotonic() - started < 5


def test_command_device_runs_until_the_agent_says_so(interpreter: Interpreter, tmp_path: Path, capsys) -> None:
    program = """
import esp32
settings, buf = esp32.NVS("ota_cfg"), bytearray(40)
host = bytes(buf[: settings.get_blob("host", buf)]).decode()
token = bytes(buf[: settings.get_blob("token", buf)]).decode()
print("ota running slot=ota_0 version=1.1.0")
print("told", host, settings.get_i32("port"), token)
print("ota failed error=rolled_back: it crashed or was reset")
print("ota reported")
"""
    file = flash_of(tmp_path, program)
    arguments = ["device", "--flash", str(file), "--host", "tb.example", "--port", "1884", "--token", "T0", "--json"]
    arguments += ["--interpreter", interpreter.name, "--timeout", "10"]
    assert main([*arguments, "--until", "failed"]) == 0
    output = capsys.readouterr()
    assert "told tb.example 1884 T0" in output.err.splitlines()
    summary = json.loads(output.out)
    assert {key: summary[key] for key in ("result", "error", "running_version", "running_slot", "boots", "states")} == {
        "result": "failed",
        "error": "rolled_back: it crashed or was reset",
        "running_version": "1.1.0",
        "running_slot": "ota_0",
        "boots": 1,
        "states": ["failed", "reported"],
    }
    assert main([*arguments, "--until", "updated"]) == 1
    flash = Flash.open(file)
    assert Nvs(flash, 0x9000, 0x4000).get_i32(Nvs(flash, 0x9000, 0x4000).open("ota_cfg"), "port") == 1884


def test_command_device_gives_up_in_time(tmp_path: Path, capsys) -> None:
    file = flash_of(tmp_path, "print('ota running slot=ota_0 version=3')")
    arguments = ["device", "--flash", str(file), "--interpreter", "cpython", "--timeout", "2"]
    assert main(arguments) == 1
    assert capsys.readouterr().out == "timeout: 3 in ota_0, 1 boots, on cpython\n"


@pytest.mark.parametrize("content", [None, b"", b"short", b"\xff" * 0x400000])
def test_command_device_refuses_what_is_no_flash(tmp_path: Path, capsys, content: bytes | None) -> None:
    file = tmp_path / "flash.img"
    if content is not None:
        file.write_bytes(content)
    assert main(["device", "--flash", str(file), "--interpreter", "cpython"]) == 2
    assert capsys.readouterr().err.startswith("error[bad_flash_file]: ")


def flash_of(folder: Path, program: str) -> Path:
    flash = flash_file.make(flash_file.layout("4MiB"), image({"main.py": program}))
    file = folder / "flash.img"
    file.write_bytes(flash.read(0, flash.size))
    return file
