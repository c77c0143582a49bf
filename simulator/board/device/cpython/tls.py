# SPDX-License-Identifier: MIT
"""MicroPython's `tls`, as far as a client needs it, over CPython's `ssl`. Certificates and keys are DER.

TLS 1.2 only, as on the ESP32. Loaded before the twins take the place of `socket`, which `ssl` imports.
"""

import base64
import contextlib
import errno
import ssl

from usocket import Stream, socket

_KEY = "-----BEGIN {0}PRIVATE KEY-----\n{1}-----END {0}PRIVATE KEY-----\n"

PROTOCOL_TLS_CLIENT = 0
CERT_REQUIRED = ssl.CERT_REQUIRED


class SSLContext:
    """Verifies the peer and its name, always: `verify_mode` may be set, but only to CERT_REQUIRED."""

    def __init__(self, protocol: int) -> None:
        assert protocol == PROTOCOL_TLS_CLIENT
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._context.sslsocket_class = SSLSocket

    @property
    def verify_mode(self) -> int:
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode: int) -> None:
        assert mode == CERT_REQUIRED
        self._context.verify_mode = ssl.CERT_REQUIRED

    def load_verify_locations(self, cadata: bytes) -> None:
        try:
            self._context.load_verify_locations(cadata=bytes(cadata))
        except ssl.SSLError:
            raise ValueError("invalid cert") from None

    def load_cert_chain(self, cert: bytes, key: bytes) -> None:
        """OpenSSL takes these from files only, and a key under its right name only."""
        import tempfile  # most boards never come here

        for kind in ("", "EC ", "RSA "):
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(ssl.DER_cert_to_PEM_cert(bytes(cert)))
                file.write(_KEY.format(kind, base64.encodebytes(bytes(key)).decode()))
                file.flush()
                with contextlib.suppress(ssl.SSLError):
                    return self._context.load_cert_chain(file.name)
        raise ValueError("invalid key")

    def wrap_socket(self, sock: socket, server_hostname: str) -> "SSLSocket":
        try:
            return self._context.wrap_socket(sock, server_hostname=server_hostname)
        except ssl.SSLCertVerificationError as error:
            raise ValueError(error.verify_message) from None
        except TimeoutError:
            raise OSError(errno.ETIMEDOUT) from None


class SSLSocket(Stream, ssl.SSLSocket):
    """With the stream methods of MicroPython's."""

    not_yet = ssl.SSLWantReadError

    def read(self, size: int = 1024, buffer=None):
        """`ssl` itself reads through this one as well, with a buffer."""
        if buffer is not None:
            return super().read(size, buffer)
        buf = bytearray(size)
        n = self.readinto(buf)
        return None if n is None else bytes(buf[:n])
