# SPDX-License-Identifier: MIT
"""Programs of others that serve a port of loopback, such as libcoap's server: how one is started.

A port is free only until somebody takes it, and then such a program ends: so another port is tried. One that does not
start on any says why: its own words are part of the error.
"""

import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

HOST = "127.0.0.1"
_TRIES = 3
_LOOKS = 100  # for a port of which nobody has anything
_LIMIT_S = 30  # on a machine that has much to do; none takes more than one
_PAUSE_S = 0.01

T = TypeVar("T")


class StartError(Exception):
    """A program serves nobody; the text has all that it wrote."""


def free_port() -> int:
    """One that nobody has by UDP or TCP, and the port above it neither: some have a second door there, for TLS.

    Raises StartError when none is found.
    """
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    for _ in range(_LOOKS):
        port = _offered()
        if all(_is_free(one, kind) for one in (port, port + 1) for kind in kinds):
            return port
    raise StartError(f"no free port on {HOST} in {_LOOKS} tries, with the one above it, by UDP and TCP")


def _offered() -> int:
    """One that the system gives whoever wants any; by TCP nobody has it."""
    with socket.create_server((HOST, 0)) as server:
        return server.getsockname()[1]


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as sock:
        try:
            sock.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def on_free_port(start: Callable[[int], T]) -> T:
    """What `start` makes of a free port. When that raises StartError, of another one; the last error goes on."""
    for _ in range(_TRIES - 1):
        try:
            return start(free_port())
        except StartError:
            continue
    return start(free_port())


def start(
    command: Sequence[str | Path],
    log: IO[Any],
    is_up: Callable[[subprocess.Popen], object],
    **options: Any,
) -> subprocess.Popen:
    """Runs `command` and returns once `is_up` says so; StartError, and nothing runs, if it ends before or takes 30 s.

    Its standard error goes to `log`, a file that can be read as well, to which `options` (of Popen) may add.
    """
    process = subprocess.Popen(command, stderr=log, **options)
    end = time.monotonic() + _LIMIT_S
    while process.poll() is None and time.monotonic() < end:
        if is_up(process):
            return process
        time.sleep(_PAUSE_S)
    why = f"does not serve within {_LIMIT_S} s" if process.poll() is None else f"ended ({process.returncode})"
    process.kill()
    process.communicate()
    log.seek(0)
    raise StartError(f"{command[0]} {why}, having said:\n{log.read()}")
