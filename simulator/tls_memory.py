# SPDX-License-Identifier: MIT
"""What TLS and DTLS take outside of MicroPython's heap: contexts, sessions of mbedtls, as the unix port has them."""

import base64
import re
import ssl
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from socket import create_server, socket

from simulator.clouds import dtls
from simulator.clouds.core import Action, Send
from simulator.clouds.rainmaker.pki import Authority
from simulator.clouds.server import Door, ThreadServer
from simulator.interpreters import Interpreter
from simulator.probes import source

_IN_USE = re.compile(r"^Total .*?^in use bytes\s*=\s*(\d+)", re.MULTILINE | re.DOTALL)
_SESSIONS = 2
_NAME = "localhost"


@dataclass(frozen=True)
class Tls:
    """Bytes that stay in use: of a context with CA, certificate and key, of the first session, and of one beside it."""

    context: int
    session: int
    another: int


def measure(interpreter: Interpreter) -> Tls | None:
    """Two sessions with a server on this machine; certificates of both sides are ECDSA P-256.

    None where the interpreter has no way to its C library (module ffi).
    """
    authority = Authority()
    with create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_serve, args=(listener, authority.mqtt(_NAME)), daemon=True)
        server.start()
        return _probe(interpreter, authority, "tls", listener.getsockname()[1])


def measure_datagrams(interpreter: Interpreter) -> Tls | None:
    """The same of DTLS."""
    authority = Authority()
    door = Door(_Echo(), tls=dtls.with_certificate(*authority.pems(_NAME), authority.pem))
    with ThreadServer(door) as server:
        return _probe(interpreter, authority, "dtls", server.port)


def _probe(interpreter: Interpreter, authority: Authority, kind: str, port: int) -> Tls | None:
    node = authority.node("240AC4000001")
    with tempfile.TemporaryDirectory() as folder:
        files = {"ca": ssl.PEM_cert_to_DER_cert(authority.pem.decode()), "cert": node.der, "key": _key(node.key)}
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        script = Path(folder, "main.py")
        script.write_text(source("tls"))
        command = interpreter.argv(script, kind, str(port), *(Path(folder, name) for name in files))
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "ImportError" in done.stderr:
        return None
    seen = [int(found) for found in _IN_USE.findall(done.stderr)]
    if len(seen) != 2 + _SESSIONS:
        raise RuntimeError(f"the probe did not end: {done.stdout}{done.stderr}")
    return Tls(*(after - before for before, after in pairwise(seen)))


def _key(pem: bytes) -> bytes:
    """In DER."""
    return base64.b64decode(b"".join(pem.split(b"-----")[2].split()))


def _serve(listener: socket, context: ssl.SSLContext) -> None:
    """Answers one byte in each session, and keeps it open until the other side has gone."""
    kept = []
    for _ in range(_SESSIONS):
        secure = context.wrap_socket(listener.accept()[0], server_side=True)
        secure.sendall(secure.recv(1))
        kept.append(secure)
    for secure in kept:
        secure.recv(1)
        secure.close()


class _Echo:
    """A core (simulator/clouds/core.py) that sends back what it gets."""

    def __init__(self) -> None:
        self._actions: list[Action] = []

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None: ...

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self._actions.append(Send(conn, data))

    def lost(self, conn: int, now_ms: int) -> None: ...

    def tick(self, now_ms: int) -> None: ...

    def deadline(self) -> int | None:
        return None

    def take(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions
