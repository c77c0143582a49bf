# SPDX-License-Identifier: MIT
"""What MicroPython's `tls` in lockstep has for datagrams, loaded on demand; see _tls.py.

Reads and writes go on with a handshake. `recv` takes one record, and says None where there is none; `readinto` glues
records together. Shared keys are there from MicroPython 1.29 on.
"""

import _tls
from _chip import call
from micropython import const

_OP_TLS_WRAP = const(73)
_OP_TLS_SHAKE = const(74)
_OP_TLS_KEY = const(75)
_NOT_VERIFIED = const(-0x2700)  # MBEDTLS_ERR_X509_CERT_VERIFY_FAILED
_TURN_MS = const(20)  # of a handshake
_SOME = const(0)
_SECURE = const(0x8000)  # poll asks the session, which knows its errors, and not the socket below


class Context(_tls.Context):
    """Verifies the peer and its name unless `verify_mode` is CERT_NONE."""

    def __init__(self, protocol):
        self._is_dtls = protocol == _tls.PROTOCOL_DTLS_CLIENT
        super().__init__(_tls.PROTOCOL_TLS_CLIENT if self._is_dtls else protocol)

    @property
    def verify_mode(self):
        return self._mode

    @verify_mode.setter
    def verify_mode(self, mode):
        if mode != _tls.CERT_REQUIRED and not self._is_dtls:
            raise ValueError("only CERT_REQUIRED")
        self._mode = mode

    def wrap_socket(self, sock, server_hostname="", do_handshake_on_connect=True):
        if not self._is_dtls:
            return super().wrap_socket(sock, server_hostname)
        if self._mode == _tls.CERT_REQUIRED and not server_hostname:
            raise ValueError("CERT_REQUIRED requires server_hostname")
        if getattr(self, "psk_key", None):
            identity = bytes(self.psk_identity or b"")
            call(_OP_TLS_KEY, self._handle, len(identity), 0, identity, self.psk_key)
        call(_OP_TLS_WRAP, sock.fileno(), self._handle, self._mode, server_hostname.encode())
        if do_handshake_on_connect:
            wait_ms = sock.wait_ms()
            while not _told(call, _OP_TLS_SHAKE, sock.fileno(), wait_ms, wait_ms or _TURN_MS):
                pass
        return Session(sock)


class KeyContext(Context):
    psk_identity = None
    psk_key = None


class Session:
    """Over `sock`, which is closed with it."""

    def __init__(self, sock):
        self._sock = sock
        self.setblocking = sock.setblocking
        self.close = sock.close

    def fileno(self):
        return self._sock.fileno() | _SECURE

    def write(self, data):
        return _told(self._sock.write, data)

    def read(self, size):
        return _told(self._sock.read, size)

    def readinto(self, buf):
        return _told(self._sock.readinto, buf)

    def recv(self, size):
        return _told(self._sock._bytes, _SOME, size)

    recv_into = readinto
    send = sendall = write


def _told(function, *values):
    """What is wrong with a certificate is no OSError when it is told first."""
    try:
        return function(*values)
    except OSError as error:
        if error.args[0] == _NOT_VERIFIED and len(error.args) > 1:
            raise ValueError(error.args[1])
        raise
