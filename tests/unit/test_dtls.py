# SPDX-License-Identifier: MIT
"""ota.coap.dtls with a stand-in for the module `tls`: how a shared key is given to it, and what is not there."""

import sys

from fakes import raises

from ota.coap import dtls
from ota.errors import TransferError


class Context:
    """As of MicroPython before 1.29: without shared keys. A new one asks for certificates, as mbedTLS's client does."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.verify_mode = Tls.CERT_REQUIRED

    def wrap_socket(self, sock, server_hostname, do_handshake_on_connect):
        assert not do_handshake_on_connect
        return self, sock, server_hostname


class KeyContext(Context):
    psk_identity = None
    psk_key = None


class Tls:
    """The module, as of MicroPython 1.29."""

    PROTOCOL_TLS_CLIENT = 0
    PROTOCOL_DTLS_CLIENT = 2
    CERT_NONE = 0
    CERT_REQUIRED = 2
    SSLContext = KeyContext


class OldTls(Tls):
    SSLContext = Context


class TlsAlone:
    """As of MicroPython before 1.25: no DTLS."""

    PROTOCOL_TLS_CLIENT = 0
    SSLContext = Context


class Board:
    name = "esp32-0102"

    def __init__(self, **texts):
        self._texts = texts

    def text(self, name, default):
        return self._texts.get(name, default)


def _with(module, function, *args):
    before = sys.modules.get("tls")
    sys.modules["tls"] = module
    try:
        return function(*args)
    finally:
        del sys.modules["tls"]
        if before is not None:
            sys.modules["tls"] = before


def test_trap_1_a_shared_key_is_bytes_and_nobody_asks_for_a_certificate():
    make = _with(Tls, dtls.session_maker, Board(psk_id="board-1", psk_key="00ff10"), "psk")
    context, sock, host = make("sock", "lwm2m.example")
    assert context.protocol == Tls.PROTOCOL_DTLS_CLIENT
    assert context.verify_mode == Tls.CERT_NONE
    assert (context.psk_identity, context.psk_key) == (b"board-1", b"\x00\xff\x10")
    assert (sock, host) == ("sock", "lwm2m.example")


def test_without_an_identity_the_board_gives_the_name_that_it_registers_with():
    for texts, identity in (({}, b"esp32-0102"), ({"endpoint": "board-1"}, b"board-1")):
        context = _with(Tls, dtls.session_maker, Board(psk_key="00", **texts), "psk")("sock", "host")[0]
        assert context.psk_identity == identity


def test_a_key_that_is_no_hex():
    raises(TransferError, "tls_bad_settings", _with, Tls, dtls.session_maker, Board(psk_key="xyz"), "psk")


def test_what_this_micropython_does_not_have():
    expected = ((OldTls, "psk", "psk_unsupported"), (TlsAlone, "psk", "tls_unsupported"))
    expected += ((TlsAlone, "cert", "tls_unsupported"), (Tls, "rpk", "bad_settings"))
    for module, mode, code in expected:
        raises(TransferError, code, _with, module, dtls.check, mode)
    for module, mode in ((Tls, "psk"), (OldTls, "cert")):
        _with(module, dtls.check, mode)
