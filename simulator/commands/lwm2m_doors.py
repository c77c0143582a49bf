# SPDX-License-Identifier: MIT
"""The doors of `cloud lwm2m`: CoAP, images by CoAP and by HTTP, and if wanted CoAP over DTLS and images by HTTPS."""

import binascii
import ssl
from collections.abc import Mapping

from simulator.clouds import dtls, tls
from simulator.clouds.rainmaker.pki import Authority
from simulator.clouds.server import Door
from simulator.commands.cloud_options import read, write
from simulator.errors import UserError
from simulator.sides import Lwm2mSide


def doors(
    side: Lwm2mSide,
    names: tuple[str, ...],
    ports: Mapping[str, int | None],
    psks: tuple[str, ...],
    *,
    cert: str | None,
    key: str | None,
    client_ca: str | None,
    ca_out: str | None,
) -> dict[str, Door]:
    """By name, CoAP first; `names`: hosts and addresses that it is found by. Keys go to the devices they are for.

    Without --psk, and by HTTPS in any case, a certificate is shown. Raises UserError: no_dtls, bad_psk, no_such_file,
    bad_certificate, cannot_write.
    """
    found = {entrance.name: entrance.door(port=ports[entrance.name] or 0) for entrance in side.entrances}
    coaps_port, https_port = ports["coaps_port"], ports["https_port"]
    has_keys = bool(psks)
    if has_keys and coaps_port is None:
        raise UserError("no_dtls", "--psk is for --coaps-port")
    if client_ca and (has_keys or coaps_port is None):
        raise UserError("no_dtls", "--client-ca is for --coaps-port, without --psk")
    if https_port is None and (has_keys or coaps_port is None):
        if cert or key or ca_out:
            raise UserError("no_dtls", "certificates are for --https-port, and for --coaps-port without --psk")
        secured, context = None, None
    else:
        secured, context = _shown(names, cert, key, ca_out)
    if coaps_port is not None:
        trusted = read(client_ca) if client_ca else None
        over = _with_keys(side, psks) if secured is None or has_keys else dtls.with_certificate(*secured, trusted)
        found["coaps_port"] = Door(side.cloud, coaps_port, over, datagrams=True)
    if https_port is not None:
        found["https_port"] = Door(found["http_port"].core, https_port, context)
    return found


def _shown(
    names: tuple[str, ...], cert: str | None, key: str | None, ca_out: str | None
) -> tuple[tuple[bytes, bytes], ssl.SSLContext]:
    """Chain and key for DTLS, and the context for TLS: of the certificate given, or of one of a new CA."""
    if bool(cert) != bool(key):
        raise UserError("no_dtls", "--cert and --key go together")
    if cert and key:
        if ca_out:
            raise UserError("no_dtls", "--ca-out is for certificates that are made here: without --cert and --key")
        return (read(cert), read(key)), tls.from_files(cert, key)
    authority = Authority()
    if ca_out:
        write(ca_out, authority.pem)
    return authority.pems(*names), authority.https(*names)


def _with_keys(side: Lwm2mSide, psks: tuple[str, ...]) -> dtls.Dtls:
    keys: dict[str, bytes] = {}
    for endpoint, secret, identity in map(_psk, psks):
        if identity in keys:
            raise UserError("bad_psk", f"there are two keys with the name {identity}")
        keys[identity] = secret
        side.cloud.add_device(endpoint, secret, identity)
    return dtls.with_keys(keys)


def _psk(text: str) -> tuple[str, bytes, str]:
    name, _, rest = text.partition(":")
    secret, colon, identity = rest.partition(":")
    try:
        found = binascii.unhexlify(secret)
    except ValueError:
        found = b""
    if not name or not found or (colon and not identity):
        raise UserError("bad_psk", f"{text!r} is not ENDPOINT:HEX[:IDENTITY]")
    return name, found, identity or name
