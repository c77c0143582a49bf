# SPDX-License-Identifier: MIT
"""libcoap's server and client (4.3), and aiocoap's file server and client: none of them knows anything of our code."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulator import foreign
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


def aiocoap_client(*arguments: str | Path, timeout_s: float = 60) -> subprocess.CompletedProcess[bytes]:
    """The same of aiocoap."""
    command = [Path(sys.executable).with_name("aiocoap-client"), *arguments]
    return subprocess.run(command, capture_output=True, timeout=timeout_s)


@contextmanager
def server(*arguments: str, port: int = 0) -> Iterator[int]:
    """coap-server on this or a free port of loopback: anybody may PUT up to ten new resources."""
    with _running(
        lambda port: [program("coap-server"), "-A", foreign.HOST, "-p", str(port), "-d", "10", *arguments], port
    ) as port:
        yield port


@contextmanager
def file_server(folder: Path) -> Iterator[int]:
    """aiocoap-fileserver: Block2 with an ETag. By itself it would take three more ports, for TCP and WebSockets."""
    command = Path(sys.executable).with_name("aiocoap-fileserver")
    environment = os.environ | {"AIOCOAP_SERVER_TRANSPORT": "udp6"}
    with _running(lambda port: [command, "--bind", f"{foreign.HOST}:{port}", folder], env=environment) as port:
        yield port


@contextmanager
def _running(command: Callable[[int], list[str | Path]], port: int = 0, **options: Any) -> Iterator[int]:
    """What `command` makes of the port, or of a free one, until the end of the context."""
    with tempfile.TemporaryFile("w+") as log:

        def start(port: int) -> tuple[int, subprocess.Popen]:
            is_up = partial(_answers, port)
            return port, foreign.start(command(port), log, is_up, stdout=subprocess.DEVNULL, **options)

        port, process = start(port) if port else foreign.on_free_port(start)
        try:
            yield port
        finally:
            process.kill()
            process.wait()


def _answers(port: int, _: subprocess.Popen) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.1)
        sock.connect((foreign.HOST, port))
        try:
            sock.send(_PING)
            return bool(sock.recv(100))
        except (TimeoutError, ConnectionRefusedError):
            return False
