# SPDX-License-Identifier: MIT
"""DTLS over a socket of datagrams: by certificate, or by a key that both sides know (lwm2m.md 6).

The module `tls` has it from MicroPython 1.25 on, keys only from 1.29 on. The handshake goes on with each call on the
session: nothing blocks, and what is lost in it is sent again. Settings: `security`: "cert" (ca, cert, key as for TLS,
see ota.credentials) or "psk" (psk_key in hex; psk_id, without it the endpoint's name, see lwm2m.md 1.1).
"""

import binascii

from ota.errors import TransferError
from ota.secure import is_no_memory, line


def check(mode):
    """Raises TransferError: tls_unsupported, psk_unsupported, bad_settings."""
    try:
        import tls
    except ImportError:
        raise TransferError("tls_unsupported", "no module tls")
    if not hasattr(tls, "PROTOCOL_DTLS_CLIENT"):
        raise TransferError("tls_unsupported", "no DTLS")
    if mode == "psk":
        if not hasattr(tls.SSLContext, "psk_identity"):
            raise TransferError("psk_unsupported")
    elif mode != "cert":
        raise TransferError("bad_settings", "security")


def session_maker(board, mode):
    """A function of (sock, host) that begins a session. Raises TransferError."""
    check(mode)
    import tls

    if mode == "psk":
        context = tls.SSLContext(tls.PROTOCOL_DTLS_CLIENT)
        context.verify_mode = tls.CERT_NONE  # pyright: ignore[reportAttributeAccessIssue] (who has the key is the peer)
        try:
            context.psk_identity = (  # pyright: ignore[reportAttributeAccessIssue]
                board.text("psk_id", "") or board.text("endpoint", "") or board.name
            ).encode()
            context.psk_key = binascii.unhexlify(  # pyright: ignore[reportAttributeAccessIssue]
                board.text("psk_key", "")
            )
        except ValueError as error:
            raise TransferError("tls_bad_settings", line(error))
    else:
        from ota import credentials

        context = credentials.context(board, tls.PROTOCOL_DTLS_CLIENT)

    def session(sock, host):
        try:
            return context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        except (ValueError, OSError) as error:
            raise TransferError("no_memory" if is_no_memory(error) else "tls_failed", line(error))

    return session
