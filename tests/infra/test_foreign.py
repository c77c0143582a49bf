# SPDX-License-Identifier: MIT
"""Servers of others: one whose port is taken gets another, one that does not start tells why."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simulator import foreign

_LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("up", flush=True)
server.accept()
"""


def _has_said_so(process: subprocess.Popen) -> bool:
    return process.stdout.readline() == b"up\n"


def test_a_port_that_is_taken_after_all_is_left_to_its_owner(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log, socket.create_server((foreign.HOST, 0)) as owner:
        ports = [owner.getsockname()[1]]

        def start(port: int) -> subprocess.Popen:
            ports.append(port)
            command = [sys.executable, "-c", _LISTEN, str(ports[-2])]
            return foreign.start(command, log, _has_said_so, stdout=subprocess.PIPE)

        process = foreign.on_free_port(start)
        with socket.create_connection((foreign.HOST, ports[1])):
            assert process.wait() == 0
    assert len(ports) == 3
    assert "in use" in (tmp_path / "log").read_text()


def test_one_that_does_not_start_tells_why(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:

        def start(port: int) -> subprocess.Popen:
            return foreign.start([sys.executable, "-c", "raise SystemExit('no such file')"], log, lambda _: False)

        with pytest.raises(foreign.StartError, match=r"(?s)ended \(1\).*no such file"):
            foreign.on_free_port(start)


def test_one_that_is_silent_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(foreign, "_LIMIT_S", 0.05)
    seen = []
    with (tmp_path / "log").open("w+") as log, pytest.raises(foreign.StartError, match=r"does not serve within"):
        foreign.start([sys.executable, "-c", "import time; time.sleep(60)"], log, seen.append)
    assert seen[-1].returncode is not None


@pytest.mark.parametrize("above", [0, 1])
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_that_somebody_has_is_passed_by(monkeypatch: pytest.MonkeyPatch, kind: int, above: int) -> None:
    """By UDP or TCP, it or the one above it, whatever the system offers first."""
    with socket.socket(socket.AF_INET, kind) as owner:
        owner.bind((foreign.HOST, foreign.free_port()))
        if kind == socket.SOCK_STREAM:
            owner.listen()
        taken, free = owner.getsockname()[1] - above, foreign.free_port()
        monkeypatch.setattr(foreign, "_offered", iter((taken, taken, free)).__next__)
        assert foreign.free_port() == free


def test_the_search_for_a_port_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((foreign.HOST, 0)) as owner:
        monkeypatch.setattr(foreign, "_offered", lambda: owner.getsockname()[1])
        with pytest.raises(foreign.StartError, match=r"no free port on 127\.0\.0\.1 in 100 tries"):
            foreign.free_port()
