# SPDX-License-Identifier: MIT
"""libcoap's server and client (4.3), and aiocoap's file server: none of them knows anything of our code."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.interpreters import BIN

_PING = bytes.fromhex("40007b7b")  # an empty CON, which is answered by a RST


def program(name: str) -> Path:
    path = BIN / name
    if not path.exists():
        pytest.skip("libcoap is not set up: run `make setup`, which says why it may be left out")
    return path


def client(*arguments: str | Path, timeout_s: float = 60) -> subprocess.CompletedProcess[bytes]:
    """Runs coap-client to its end; what comes is on its standard output."""
    command = [program("coap-client"), "-v", "3", *arguments]
    return subprocess.run(command, capture_output=True, timeout=timeout_s)


@contextmanager
def server(*arguments: str) -> Iterator[int]:
    """coap-server on a free port of loopback: anybody may PUT up to ten new resources."""
    port = free_port()
    with _running([program("coap-server"), "-A", "127.0.0.1", "-p", str(port), "-d", "10", *arguments], port):
        yield port


@contextmanager
def file_server(folder: Path) -> Iterator[int]:
    """aiocoap-fileserver: Block2 with an ETag."""
    port = free_port()
    command = [Path(sys.executable).with_name("aiocoap-fileserver"), "--bind", f"127.0.0.1:{port}", folder]
    with _running(command, port):
        yield port


@contextmanager
def _running(command: list[str | Path], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_up(port)
        yield
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _wait_until_up(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.1)
        sock.connect(("127.0.0.1", port))
        for _ in range(600):
            try:
                sock.send(_PING)
                if sock.recv(100):
                    return
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                time.sleep(0.05)
    raise AssertionError("the server does not start")
