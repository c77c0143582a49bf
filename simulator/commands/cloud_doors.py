# SPDX-License-Identifier: MIT
"""The doors of `cloud thingsboard` for devices: MQTT and HTTP, each with or without TLS."""

import ssl

from simulator.clouds import tls
from simulator.clouds.server import Door, Server
from simulator.clouds.thingsboard import HttpDoor, ThingsBoard
from simulator.commands.cloud_options import write
from simulator.errors import UserError


def server(
    cloud: ThingsBoard,
    host: str,
    mqtt_port: int,
    http_port: int,
    tls_port: int | None,
    https_port: int | None,
    **certificates: str | None,
) -> tuple[Server, list[str]]:
    """Not open yet, MQTT first and HTTP second; and what its ports are called in the command's first line.

    Raises UserError: no_tls, and as _context.
    """
    web = HttpDoor(cloud)
    doors = {"mqtt_port": Door(cloud, mqtt_port), "http_port": Door(web, http_port)}
    if tls_port is not None or https_port is not None:
        context = _context(host, **certificates)
        secure = {"tls_port": (cloud, tls_port), "https_port": (web, https_port)}
        doors |= {name: Door(core, port, context) for name, (core, port) in secure.items() if port is not None}
    elif any(certificates.values()):
        raise UserError("no_tls", "certificates are for --tls-port and --https-port")
    first, *others = doors.values()
    return Server(first.core, host, first.port, *others), list(doors)


def _context(
    host: str,
    cert: str | None,
    key: str | None,
    ca_out: str | None,
    client_ca: str | None,
    client_cert: str | None,
) -> ssl.SSLContext:
    """With the certificate given, or with one of a new CA. Raises UserError: bad_certificate, cannot_write."""
    if cert:
        context = tls.from_files(cert, key)
    else:
        context, authority = tls.throw_away("localhost", host)
        if ca_out:
            write(ca_out, authority)
    if client_ca or client_cert:
        tls.ask_for_certificate(context, client_ca or client_cert)
    return context
