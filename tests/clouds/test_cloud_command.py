# SPDX-License-Identifier: MIT
"""`python -m simulator cloud thingsboard` as a program: first line, events, stdin, signals, wrong input."""

import json
import signal
import socket
import subprocess
import sys

import pytest

from simulator.__main__ import main
from simulator.clouds import mqtt
from tests.clouds import peer

WAIT_S = 20
COMMAND = [sys.executable, "-m", "simulator", "cloud", "thingsboard"]


class Program:
    """The command with pipes; `info` is its first line, `until()` reads events."""

    def __init__(self, *options: str, stdin=subprocess.PIPE) -> None:
        self.process = subprocess.Popen([*COMMAND, *options], stdin=stdin, stdout=subprocess.PIPE, text=True)
        self.info = json.loads(self.process.stdout.readline())

    def tell(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def until(self, event: str) -> dict:
        for line in self.process.stdout:
            entry = json.loads(line)
            if entry["event"] == event:
                return entry
        raise AssertionError(f"the program ended before {event}")

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=WAIT_S)
        return self.process.returncode


@pytest.fixture
def start():
    """Starts programs and leaves none behind."""
    programs = []

    def run(*options: str, **streams) -> Program:
        programs.append(Program(*options, **streams))
        return programs[-1]

    yield run
    for program in programs:
        program.process.kill()
        program.process.wait()


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"a" * 5000)
    (tmp_path / "b.bin").write_bytes(b"b" * 5000)
    return tmp_path


def test_cloud_serves_one_device_and_obeys_stdin(start, files):
    first = f"title=thermo,version=1.0,file={files / 'a.bin'},tag=old"
    second = f"title=thermo two,version=2.0,file={files / 'b.bin'},algorithm=CRC32"
    program = start("--token", "TOKEN", "--delay", "1", "--package", first, "--package", second)
    assert set(program.info) == {"mqtt_port", "http_port", "token"}
    assert program.info["token"] == "TOKEN"
    assert program.until("initiated")["version"] == "1.0"
    with socket.create_connection(("127.0.0.1", program.info["mqtt_port"]), WAIT_S) as raw:
        raw.sendall(peer.connect(4, "TOKEN"))
        assert raw.recv(4, socket.MSG_WAITALL) == mqtt.connack(4, False, 0)
        assert program.until("connect")["protocol"] == "3.1.1"
        raw.sendall(peer.packet(0x82, b"\0\1", peer.text("v1/devices/me/attributes"), b"\0"))
        program.until("subscribe")
        program.tell("assign 'thermo two' 2.0")
        assert program.until("initiated")["title"] == "thermo two"
        program.tell("unassign")
        program.until("unassigned")
        program.tell("""attribute interval '{"s": 5}'""")
        while "interval" not in (body := program.until("push")["body"]):
            pass
        assert body == {"interval": {"s": 5}}
        program.tell("nonsense\nfault telemetry:close")
        program.until("fault_added")
        raw.sendall(peer.packet(0x30, peer.text("v1/devices/me/telemetry"), b"{}"))
        assert program.until("close")["reason"] == "fault"
    program.tell("quit")
    program.process.communicate(timeout=WAIT_S)
    assert program.process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cloud_outlives_stdin_and_ends_cleanly_by_signal(start, number):
    program = start(stdin=subprocess.DEVNULL)
    with socket.create_connection(("127.0.0.1", program.info["mqtt_port"]), WAIT_S) as raw:
        raw.sendall(peer.connect(4, program.info["token"]))
        assert program.until("connect")["device"] == "device"
    assert program.end(number) == 0


def test_cloud_ends_when_nobody_reads_its_events(start):
    program = start(stdin=subprocess.DEVNULL)
    program.process.stdout.close()
    with socket.create_connection(("127.0.0.1", program.info["mqtt_port"]), WAIT_S) as raw:
        raw.sendall(peer.connect(4, program.info["token"]))
        assert program.process.wait(WAIT_S) == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--package", "title=t,version=1,file=/nonexistent"], "no_such_file"),
        (["--package", "title=t,version=1"], "bad_package"),
        (["--package", "title=t,version=1,file=a,url=b"], "bad_package"),
        (["--package", "version=1,url=b"], "bad_package"),
        (["--package", "title=t,version=1,url=b,colour=red"], "bad_package"),
        (["--package", "title=t,version=1,url=b,size=big"], "bad_package"),
        (["--package", "title=t,version=1,url=b,algorithm=SHA1"], "bad_algorithm"),
        (["--fault", "chunk:explode"], "bad_fault"),
        (["--fault", "chunk:from=t 1"], "no_such_package"),
        (["--mqtt-port", "70000"], "usage"),
        (["--host", "192.0.2.1"], "cannot_listen"),
    ],
)
def test_cloud_refuses_wrong_input_in_one_line(capsys, options, code):
    assert main(["cloud", "thingsboard", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error[{code}]: ")
    assert err.count("\n") == 1
