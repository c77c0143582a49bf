# SPDX-License-Identifier: MIT
"""TLS: a stream whose peer was checked against the provisioned CA and by its name, or none at all.

Loaded with the first secure connection. Settings in NVS "ota_cfg": blob `ca`, and for X.509 credentials `cert` and
`key`; each is PEM, DER, or the path of a file that holds it (then it begins with "/"). There is no way to leave the
check out. It needs the time: a clock that was never set is set by NTP first (setting `ntp_host`).
The handshake blocks, 1 to 2 s on a chip (style.md C1); a peer that falls silent in it ends it after 10 s.
"""

import binascii
import gc

from ota.errors import TransferError
from ota.port import const

_TOO_LONG = const(-4364)  # ESP_ERR_NVS_INVALID_LENGTH: the value is longer than the buffer
_LONGEST = const(8192)
_BEGIN = b"-----BEGIN "


class Verifier:
    """Trusts the provisioned CA and nobody else. Raises TransferError before anything is connected:

    tls_no_ca, tls_unsupported, tls_bad_settings (they cannot be read), clock_unknown.
    `context`: of TLS, with all that was provisioned; one that has served may serve the next connection too.
    """

    def __init__(self, board, context=None):
        self.context = context or self._new(board)

    @staticmethod
    def _new(board):
        authorities = _objects(board, "ca", b"CERTIFICATE")
        if not authorities:
            raise TransferError("tls_no_ca")
        try:
            import tls
        except ImportError:
            raise TransferError("tls_unsupported", "no module tls")
        _know_the_time(board)
        gc.collect()  # once, while nothing of the handshake is there yet
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue] (stubs lack it)
        certificate = _objects(board, "cert", b"CERTIFICATE")
        key = _objects(board, "key", b"KEY")
        try:
            for authority in authorities:
                context.load_verify_locations(authority)
            if certificate and key:
                context.load_cert_chain(certificate[0], key[0])
        except (ValueError, OSError) as error:
            raise TransferError("tls_bad_settings", _line(error))
        return context

    def wrap(self, sock, host):
        """The secure stream over a connected `sock`. Raises tls_untrusted, tls_failed or tls_unsupported."""
        try:
            return self.context.wrap_socket(sock, server_hostname=host)
        except MemoryError:  # some 40 KiB of it are C's; its own shortage is an OSError
            gc.collect()
            raise TransferError("tls_failed", "no memory")
        except ValueError as error:  # MicroPython's way to say what is wrong with a certificate
            raise TransferError("tls_untrusted", _line(error))
        except OSError as error:
            is_number = bool(error.args) and isinstance(error.args[0], int)
            # Without one it is no error of TLS: this socket cannot carry it, as in the simulator's lockstep.
            raise TransferError("tls_failed" if is_number else "tls_unsupported", _line(error))


def _objects(board, name, kind):
    """The DER objects of a setting whose PEM label ends with `kind`; the whole of it if it is no PEM; [] without."""
    data = _setting(board, name)
    try:
        if data[:1] == b"/":
            with open(data.decode(), "rb") as file:
                data = file.read(_LONGEST)
        if _BEGIN not in data:
            return [data] if data else []
        found = []
        for part in data.split(_BEGIN)[1:]:
            label, body = part.split(b"-----", 2)[:2]
            if label.endswith(kind):
                found.append(binascii.a2b_base64(body))
        return found
    except (OSError, ValueError) as error:
        raise TransferError("tls_bad_settings", name + ": " + _line(error))


def _setting(board, name):
    size = 1024
    while size <= _LONGEST:
        buf = bytearray(size)
        try:
            return bytes(buf[: board.settings.get_blob(name, buf)])
        except OSError as error:
            if error.args[0] != _TOO_LONG:
                break
        size *= 2
    return b""


def _know_the_time(board):
    """Certificates have dates. Raises TransferError `clock_unknown` when no time server answers either."""
    if board.now() is None:
        from ota import clock

        clock.ask(board)
        if board.now() is None:
            raise TransferError("clock_unknown")


def _line(error):
    """What an exception says, as one short line."""
    return " ".join(str(error).split())[:80]
