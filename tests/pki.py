# SPDX-License-Identifier: MIT
"""Certificates made at run time, and a TLS server that echoes, for whoever tests a secure connection."""

import datetime
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import trustme
from cryptography.hazmat.primitives import serialization

NAME = "localhost"
EXPIRED = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
FUTURE = datetime.datetime(2049, 1, 1, tzinfo=datetime.UTC)
FAR = datetime.datetime(2050, 1, 1, tzinfo=datetime.UTC)


class Authority:
    """A CA. `pem`: its certificate, bytes."""

    def __init__(self) -> None:
        self._ca = trustme.CA()
        self.pem = self._ca.cert_pem.bytes()

    def server(self, name: str = NAME, *, wants_client: bool = False, **dates: datetime.datetime) -> ssl.SSLContext:
        """What a server called `name` needs; with `wants_client` it lets nobody in whose certificate is not ours."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(name, **dates).configure_cert(context)
        if wants_client:
            self._ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def chain(self, name: str = NAME, **dates: datetime.datetime) -> tuple[bytes, ...]:
        """What such a server shows, DER, for links without cryptography."""
        return tuple(der(pem.bytes()) for pem in self._ca.issue_cert(name, **dates).cert_chain_pems)

    def pems(self, name: str = NAME, **dates: datetime.datetime) -> tuple[bytes, bytes]:
        """What such a server shows, and its key, PEM."""
        issued = self._ca.issue_cert(name, **dates)
        return b"".join(pem.bytes() for pem in issued.cert_chain_pems), issued.private_key_pem.bytes()

    def client(self, name: str = "board-1") -> dict[str, bytes]:
        """Settings `cert` and `key` of a device."""
        issued = self._ca.issue_cert(name + ".example", common_name=name)
        return {"cert": issued.cert_chain_pems[0].bytes(), "key": issued.private_key_pem.bytes()}


def der(pem: bytes) -> bytes:
    """The one certificate of a PEM."""
    return ssl.PEM_cert_to_DER_cert(pem.decode())


def key_der(pem: bytes) -> bytes:
    """A private key of a PEM."""
    key = serialization.load_pem_private_key(pem, None)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())


class _Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets; for "long" much more at once, and "end" is the end."""

    def handle(self) -> None:
        try:
            sock = self.server.tls.wrap_socket(self.request, server_side=True)
            while (data := sock.recv(1000)) not in (b"", b"end"):
                sock.sendall(b"x" * 20000 if data == b"long" else data)
        except OSError:
            pass  # the device thinks so too


@contextmanager
def echo(context: ssl.SSLContext) -> Iterator[int]:
    """A server on a thread of its own; its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads, server.tls = True, context
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def mute() -> Iterator[int]:
    """Accepts, and never says a word."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        yield server.server_address[1]  # connections wait in the kernel's queue
