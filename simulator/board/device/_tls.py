# SPDX-License-Identifier: MIT
"""MicroPython's `tls` in lockstep, as far as a client needs it. No cryptography: the host judges who the peer is.

Certificates and keys are DER, and live where a chip's C code has them, outside of Python's heap. A handshake takes
the time of a real one, and fails as a real one. The peer is `simulator/board/secure.py`. DTLS is in `_dtls.py`.
"""

from _chip import call
from micropython import const

_OP_TLS_CONTEXT = const(70)
_OP_TLS_TRUST = const(71)
_OP_TLS_SHOW = const(72)
_OP_TLS_WRAP = const(73)
_NOT_VERIFIED = const(-0x2700)  # MBEDTLS_ERR_X509_CERT_VERIFY_FAILED

PROTOCOL_TLS_CLIENT = 0
PROTOCOL_DTLS_CLIENT = 2
CERT_NONE = 0
CERT_OPTIONAL = 1
CERT_REQUIRED = 2


def __getattr__(name):
    """Which SSLContext it is depends on how new the board's MicroPython is."""
    if name != "SSLContext":
        raise AttributeError(name)
    if not call(_OP_TLS_CONTEXT, -1):
        return _made
    import _dtls

    return _dtls.KeyContext


def _made(protocol):
    if protocol == PROTOCOL_TLS_CLIENT:
        return Context(protocol)
    import _dtls

    return _dtls.Context(protocol)


class Context:
    """Verifies the peer and its name, always: `verify_mode` may be set, but only to CERT_REQUIRED."""

    def __init__(self, protocol):
        if protocol != PROTOCOL_TLS_CLIENT:
            raise ValueError("only for clients")
        self._handle = call(_OP_TLS_CONTEXT)
        self._mode = CERT_REQUIRED

    @property
    def verify_mode(self):
        return self._mode

    @verify_mode.setter
    def verify_mode(self, mode):
        if mode != CERT_REQUIRED:
            raise ValueError("only CERT_REQUIRED")

    def load_verify_locations(self, cadata):
        try:
            call(_OP_TLS_TRUST, self._handle, 0, 0, cadata)
        except OSError:
            raise ValueError("invalid cert")

    def load_cert_chain(self, cert, key):
        try:
            call(_OP_TLS_SHOW, self._handle, len(cert), 0, cert, key)
        except OSError as error:
            raise ValueError(error.args[1])

    def wrap_socket(self, sock, server_hostname=""):
        try:
            call(_OP_TLS_WRAP, sock.fileno(), self._handle, sock.wait_ms(), server_hostname.encode())
        except OSError as error:
            if error.args[0] == _NOT_VERIFIED:
                raise ValueError(error.args[1])
            raise
        return SSLSocket(sock)


class SSLSocket:
    """The stream over `sock`. It has no time-out of its own, as on the board."""

    def __init__(self, sock):
        self._sock = sock

    def __getattr__(self, name):
        if name not in ("read", "readinto", "readline", "write", "setblocking", "fileno", "close"):
            raise AttributeError(name)
        return getattr(self._sock, name)
