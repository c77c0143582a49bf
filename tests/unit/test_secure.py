# SPDX-License-Identifier: MIT
"""ota.secure with a stand-in for the module `tls`: what it loads, what it refuses, what it makes of each failure."""

import sys

from fakes import raises

from ota import secure
from ota.errors import TransferError

PEM = b"-----BEGIN %s-----\nQUJD\n-----END %s-----\n"
CERTIFICATE = PEM.replace(b"%s", b"CERTIFICATE")


class Tls:
    """The module, its context and the secure socket in one. `failure`: what the handshake raises."""

    PROTOCOL_TLS_CLIENT = 7
    CERT_REQUIRED = 2

    def __init__(self, failure=None):
        self._failure = failure
        self.verify_mode = None
        self.authorities = []
        self.own = None

    def SSLContext(self, protocol):
        assert protocol == self.PROTOCOL_TLS_CLIENT
        return self

    def load_verify_locations(self, cadata):
        if cadata == b"bad":
            raise ValueError("invalid cert")
        self.authorities.append(cadata)

    def load_cert_chain(self, cert, key):
        self.own = (cert, key)

    def wrap_socket(self, sock, server_hostname):
        assert self.verify_mode == self.CERT_REQUIRED
        if self._failure is not None:
            raise self._failure
        return (sock, server_hostname)


class Settings:
    def __init__(self, blobs):
        self._blobs = blobs

    def get_blob(self, name, buf):
        if name not in self._blobs:
            raise OSError(-4354, "ESP_ERR_NVS_NOT_FOUND")
        blob = self._blobs[name]
        if len(blob) > len(buf):
            raise OSError(-4364, "ESP_ERR_NVS_INVALID_LENGTH")
        buf[: len(blob)] = blob
        return len(blob)


class Board:
    def __init__(self, now=1800000000, **blobs):
        self.settings = Settings(blobs)
        self._now = now

    def now(self):
        return self._now

    def text(self, name, default):
        return default


def verifier(board, tls=None):
    """A Verifier that finds this module `tls`; MicroPython too looks there before it takes its own."""
    sys.modules["tls"] = tls or Tls()
    try:
        return secure.Verifier(board)
    finally:
        del sys.modules["tls"]


def test_secure_trusts_each_certificate_of_the_ca():
    tls = Tls()
    made = verifier(Board(ca=b"# ours\n" + CERTIFICATE + b"# another\n" + CERTIFICATE), tls)
    assert tls.authorities == [b"ABC", b"ABC"]
    assert tls.own is None
    assert made.wrap("socket", "host") == ("socket", "host")


def test_secure_takes_der_as_it_is_and_long_settings_whole():
    tls = Tls()
    der = bytes([0x30]) + bytes(5000)
    verifier(Board(ca=der), tls)
    assert tls.authorities == [der]


def test_secure_picks_certificate_and_key_by_their_names():
    tls = Tls()
    key = PEM.replace(b"%s", b"EC PARAMETERS") + PEM.replace(b"%s", b"EC PRIVATE KEY").replace(b"QUJD", b"REVG")
    verifier(Board(ca=CERTIFICATE, cert=CERTIFICATE + key, key=CERTIFICATE + key), tls)
    assert tls.own == (b"ABC", b"DEF")


def test_secure_without_a_ca_is_refused():
    raises(TransferError, "tls_no_ca", verifier, Board())
    raises(TransferError, "tls_no_ca", verifier, Board(ca=b""))
    raises(TransferError, "tls_no_ca", verifier, Board(ca=bytes(9000)))  # longer than any CA: not read
    raises(TransferError, "tls_no_ca", verifier, Board(ca=PEM.replace(b"%s", b"PUBLIC KEY")))


def test_secure_with_settings_that_cannot_be_read_is_refused():
    for ca in (b"bad", b"/no/such/file", b"-----BEGIN CERTIFICATE-----\nx"):
        raises(TransferError, "tls_bad_settings", verifier, Board(ca=ca))


def test_secure_needs_the_time():
    class NtpTime:
        host = "pool"

        def __init__(self, board, answer):
            self._board = board
            self._answer = answer

        def settime(self):
            if self._answer is None:
                raise OSError(110)
            self._board._now = self._answer

    for answer in (None, 1800000000):
        board = Board(None, ca=CERTIFICATE)
        sys.modules["ntptime"] = NtpTime(board, answer)
        try:
            if answer is None:
                raises(TransferError, "clock_unknown", verifier, board)
            else:
                verifier(board)
        finally:
            del sys.modules["ntptime"]


def test_secure_failures_have_codes():
    for failure, code in (
        (ValueError("\nThe certificate validity has expired\n"), "tls_untrusted"),
        (OSError(-30592), "tls_failed"),
        (OSError(-17024, "MBEDTLS_ERR_RSA_PUBLIC_FAILED"), "tls_failed"),
        (OSError(112), "tls_failed"),
        (MemoryError(), "no_memory"),
        (OSError(12), "no_memory"),
        (OSError(-17040, "MBEDTLS_ERR_RSA_PUBLIC_FAILED+MBEDTLS_ERR_MPI_ALLOC_FAILED"), "no_memory"),
        (OSError(-17040), "no_memory"),  # there was none for the text either
        (OSError(-20864, "MBEDTLS_ERR_MD_ALLOC_FAILED"), "no_memory"),
        (OSError("stream operation not supported"), "tls_unsupported"),
    ):
        error = raises(TransferError, code, verifier(Board(ca=CERTIFICATE), Tls(failure)).wrap, "socket", "host")
        assert "\n" not in error.detail
