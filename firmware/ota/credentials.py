# SPDX-License-Identifier: MIT
"""What TLS is set up with: whom this board trusts, and who it is. Loaded for a new context.

Settings in NVS "ota_cfg": blob `ca`, and for X.509 credentials `cert` and `key`; each is PEM, DER, or the path of a
file that holds it (then it begins with "/"). Certificates have dates, so the time is needed: a clock that was never
set is set by NTP first (setting `ntp_host`).
"""

import binascii
import gc

from ota.errors import TransferError
from ota.port import const, forget
from ota.secure import line

_TOO_LONG = const(-4364)  # ESP_ERR_NVS_INVALID_LENGTH: the value is longer than the buffer
_LONGEST = const(8192)
_BEGIN = b"-----BEGIN "


def context(board, protocol=None):
    """The context of TLS for this board, or of another `protocol` of the module tls. Raises TransferError:

    tls_no_ca, tls_unsupported, tls_bad_settings (they cannot be read), clock_unknown.
    """
    authorities = _objects(board, "ca", b"CERTIFICATE")
    if not authorities:
        raise TransferError("tls_no_ca")
    try:
        import tls
    except ImportError:
        raise TransferError("tls_unsupported", "no module tls")
    _know_the_time(board)
    gc.collect()  # once, while nothing of the handshake is there yet
    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT if protocol is None else protocol)
    made.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue] (stubs lack it)
    certificate = _objects(board, "cert", b"CERTIFICATE")
    key = _objects(board, "key", b"KEY")
    try:
        for authority in authorities:
            made.load_verify_locations(authority)
        if certificate and key:
            made.load_cert_chain(certificate[0], key[0])
    except (ValueError, OSError) as error:
        raise TransferError("tls_bad_settings", line(error))
    return made


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
        raise TransferError("tls_bad_settings", name + ": " + line(error))


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

        forget("ota.clock")
        clock.ask(board)
        if board.now() is None:
            raise TransferError("clock_unknown")
