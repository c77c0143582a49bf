# SPDX-License-Identifier: MIT
"""MicroPython's `tls` in lockstep, as far as a client needs it. No cryptography: the host judges who the peer is.

Certificates and keys are DER, and live where a chip's C code has them, outside of Python's heap. A handshake takes
the time of a real one, and fails as a real one. The peer is `simulator/board/secure.py`.
"""

from _chip import call
from micropython import const

_OP_TLS_CONTEXT = const(70)
_OP_TLS_TRUST = const(71)
_OP_TLS_SHOW = const(72)
_OP_TLS_WRAP = const(73)
_OP_TLS_SHAKE = const(74)
_OP_TLS_KEY = const(75)
_NOT_VERIFIED = const(-0x2700)  # MBEDTLS_ERR_X509_CERT_VERIFY_FAILED

_TURN_MS = const(20)  # of a handshake over datagrams

PROTOCOL_TLS_CLIENT = 0
PROTOCOL_DTLS_CLIENT = 2
CERT_NONE = 0
CERT_OPTIONAL = 1
CERT_REQUIRED = 2


def __getattr__(name):
    """Which SSLContext it is depends on how new the board's MicroPython is."""
    if name != "SSLContext":
        raise AttributeError(name)
    return _KeyContext if call(_OP_TLS_CONTEXT, -1) else _Context


class _Context:
    """Verifies the peer and its name: of TLS always, and `verify_mode` may only be set to CERT_REQUIRED."""

    def __init__(self, protocol):
        if protocol != PROTOCOL_TLS_CLIENT and protocol != PROTOCOL_DTLS_CLIENT:
            raise ValueError("only for clients")
        self._is_dtls = protocol == PROTOCOL_DTLS_CLIENT
        self._handle = call(_OP_TLS_CONTEXT)
        self._mode = CERT_REQUIRED

    @property
    def verify_mode(self):
        return self._mode

    @verify_mode.setter
    def verify_mode(self, mode):
        if mode != CERT_REQUIRED and not self._is_dtls:
            raise ValueError("only CERT_REQUIRED")
        self._mode = mode

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

    def wrap_socket(self, sock, server_hostname="", do_handshake_on_connect=True):
        if self._is_dtls:
            return self._wrap_datagrams(sock, server_hostname, do_handshake_on_connect)
        try:
            call(_OP_TLS_WRAP, sock.fileno(), self._handle, sock.wait_ms(), server_hostname.encode())
        except OSError as error:
            raise _raised(error)
        return SSLSocket(sock)

    def _wrap_datagrams(self, sock, host, is_eager):
        if self._mode == CERT_REQUIRED and not host:
            raise ValueError("CERT_REQUIRED requires server_hostname")
        if getattr(self, "psk_key", None):
            identity = bytes(self.psk_identity or b"")
            call(_OP_TLS_KEY, self._handle, len(identity), 0, identity, self.psk_key)
        call(_OP_TLS_WRAP, sock.fileno(), self._handle, self._mode, host.encode())
        wait_ms = sock.wait_ms()
        try:
            while is_eager and not call(_OP_TLS_SHAKE, sock.fileno(), wait_ms, wait_ms or _TURN_MS):
                pass
        except OSError as error:
            raise _raised(error)
        return DTLSSocket(sock)


class _KeyContext(_Context):
    """As MicroPython has it from 1.29 on."""

    psk_identity = None
    psk_key = None


def _raised(error):
    """What is wrong with a certificate is no OSError."""
    return ValueError(error.args[1]) if error.args[0] == _NOT_VERIFIED and len(error.args) > 1 else error


class SSLSocket:
    """The stream over `sock`. It has no time-out of its own, as on the board."""

    def __init__(self, sock):
        self._sock = sock

    def __getattr__(self, name):
        if name not in ("read", "readinto", "readline", "write", "setblocking", "fileno", "close"):
            raise AttributeError(name)
        return getattr(self._sock, name)


class DTLSSocket(SSLSocket):
    """Reads and writes go on with the handshake, and tell of its end. `readinto` glues records together."""

    def _do(self, function, *values):
        try:
            return function(*values)
        except OSError as error:
            raise _raised(error)

    def write(self, data):
        return self._do(self._sock.write, data)

    def read(self, size):
        return self._do(self._sock.read, size)

    def readinto(self, buf):
        return self._do(self._sock.readinto, buf)

    recv_into = readinto
    send = sendall = write

    def recv(self, size):
        """Of one record; None when there is none, where a plain socket raises."""
        return self._do(self._sock.recv_or_none, size)
