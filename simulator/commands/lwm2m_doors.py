# SPDX-License-Identifier: MIT
"""The doors of `cloud lwm2m`: CoAP, images by CoAP and by HTTP, and if wanted CoAP over DTLS."""

import binascii
from collections.abc import Mapping

from simulator.clouds import dtls
from simulator.clouds.server import Door
from simulator.commands.cloud_options import read
from simulator.errors import UserError
from simulator.sides import Lwm2mSide


def doors(
    side: Lwm2mSide, ports: tuple[int, int, int], coaps_port: int | None, psks: tuple[str, ...], **files: str | None
) -> dict[str, Door]:
    """By name, CoAP first. Keys go to the devices they are for. Raises UserError: no_dtls, bad_psk, as dtls.py."""
    found = {entrance.name: entrance.door(port=port) for entrance, port in zip(side.entrances, ports, strict=True)}
    if coaps_port is not None:
        found["coaps_port"] = Door(side.cloud, coaps_port, _secured(side, psks, **files), datagrams=True)
    elif psks or any(files.values()):
        raise UserError("no_dtls", "keys and certificates are for --coaps-port")
    return found


def reached(side: Lwm2mSide, name: str, ports: Mapping[str, int]) -> None:
    """Images over DTLS are where the devices are, too."""
    side.reached(name, ports)
    if "coaps_port" in ports:
        side.cloud.bases["coaps"] = f"coaps://{name}:{ports['coaps_port']}"


def _secured(
    side: Lwm2mSide, psks: tuple[str, ...], cert: str | None, key: str | None, client_ca: str | None
) -> dtls.Dtls:
    if bool(psks) == bool(cert) or bool(cert) != bool(key):
        raise UserError("no_dtls", "--coaps-port needs --psk, or --cert and --key")
    if psks:
        keys = dict(map(_psk, psks))
        for endpoint, secret in keys.items():
            side.cloud.add_device(endpoint, secret)
        return dtls.with_keys(keys)
    return dtls.with_certificate(read(str(cert)), read(str(key)), read(client_ca) if client_ca else None)


def _psk(text: str) -> tuple[str, bytes]:
    name, colon, secret = text.partition(":")
    try:
        found = binascii.unhexlify(secret)
    except ValueError:
        found = b""
    if not name or not colon or not found:
        raise UserError("bad_psk", f"{text!r} is not ENDPOINT:HEX")
    return name, found
