# SPDX-License-Identifier: MIT
"""`cloud thingsboard`: options, packages, and what lines of stdin mean."""

import functools
import secrets
import time

import click
import rich_click

from simulator.clouds.server import Server
from simulator.clouds.thingsboard import Device, Package, RateLimits, ThingsBoard, credentials, provisioning
from simulator.clouds.thingsboard.rest.app import application
from simulator.commands import cloud_doors
from simulator.commands.cloud_options import FAULT, FILE, HOST, PORT, SEED, pairs, read, sites, timing
from simulator.commands.cloud_running import Running, as_json, unknown
from simulator.commands.cloud_sites import Sites, Wanted
from simulator.dashboard.thingsboard import Adapter
from simulator.errors import UserError
from simulator.sides import ThingsBoardSide

_SETTINGS = ("queue_ms", "queue_interval_ms", "queue_size", "inactivity_ms", "cache_ttl_ms")
_PACKAGE_KEYS = ("title", "version", "file", "url", "type", "algorithm", "tag", "checksum", "size")


@rich_click.command("thingsboard")
@HOST
@click.option("--mqtt-port", type=PORT, default=0, show_default=True, help="0: any free port.")
@click.option("--http-port", type=PORT, default=0, show_default=True, help="HTTP device API; 0: any free port.")
@sites
@click.option("--tls-port", type=PORT, default=None, help="MQTT over TLS, 8883 on a real server; 0: any free port.")
@click.option("--https-port", type=PORT, default=None, help="HTTP device API over TLS; 0: any free port.")
@click.option("--cert", type=FILE, default=None, help="Certificate for TLS, PEM; a new CA makes one if not given.")
@click.option("--key", type=FILE, default=None, help="Its key, if that is not in the same file.")
@click.option("--ca-out", type=FILE, default=None, help="Where to write the certificate of the new CA, PEM.")
@click.option("--client-ca", type=FILE, default=None, help="Certificates of clients, or of their CAs, PEM.")
@click.option("--token", default=None, help="Access token of the one device; random if not given.")
@click.option("--client-cert", type=FILE, default=None, help="The device's certificate, PEM, instead of a token.")
@click.option("--provision", default=None, metavar="KEY:SECRET", help="Let devices in that have these.")
@click.option("--limit-messages", default=None, metavar="N:SECONDS,...", help="Rate limit of a device.")
@click.option("--limit-telemetry", default=None, metavar="N:SECONDS,...", help="The same for telemetry messages.")
@click.option("--limit-points", default=None, metavar="N:SECONDS,...", help="The same for the values in them.")
@click.option("--package", "packages", multiple=True, metavar="KEY=VALUE,...", help="A package; the first is assigned.")
@FAULT
@timing("--delay", "queue_ms", default=600, help="From QUEUED to the push, at least.")
@timing("--queue-interval", "queue_interval_ms", default=60_000, help="In that long, ...")
@click.option("--queue-size", default=100, show_default=True, type=click.IntRange(1), help="... so many are told.")
@timing("--inactivity", "inactivity_ms", default=600_000, help="Idle sessions end after that.")
@timing("--cache-ttl", "cache_ttl_ms", default=3_600_000, help="How long a package stays in the cache.")
@SEED
def thingsboard(
    packages: tuple[str, ...],
    faults: tuple[str, ...],
    seed: int,
    token: str | None,
    client_cert: str | None,
    provision: str | None,
    limit_messages: str | None,
    limit_telemetry: str | None,
    limit_points: str | None,
    wanted: Wanted,
    **others: str | int | None,
) -> None:
    """A mock ThingsBoard with one device, over MQTT 3.1.1 and 5, with or without TLS, and over HTTP.

    The first line on stdout is {"mqtt_port": ..., "http_port": ..., "rest_port": ..., "token": ...}, with "tls_port",
    "https_port" and "dashboard_port" if there are such; then one JSON object per event, until SIGINT or SIGTERM
    (exit 0).

    REST has the real server's paths, the device API included, and one user: tenant@thingsboard.org, password tenant.

    A package is title=..,version=..,file=.. (or url=..), and if wanted type=FIRMWARE|SOFTWARE, algorithm=SHA256 (MD5,
    SHA384, SHA512, CRC32, MURMUR3_32, MURMUR3_128), tag=.., checksum=.., and size=.. for a url.

    \b
    Lines on stdin while it runs; quote titles with blanks; the end of stdin
    changes nothing:
      assign TITLE VERSION     assign this package to the device
      unassign [TYPE]          take the device's FIRMWARE (or SOFTWARE) away
      attribute KEY JSON       write a shared attribute
      call METHOD JSON         call the device and wait 10 s for its answer
      claim SECRET USER        claim the device for a user
      fault RULE               add a rule
      quit                     end

    \b
    A rule is WHERE[=INDEX][xTIMES]:ACTION[=ARGUMENT]. INDEX: of the chunk.
    TIMES: once if not given, x* for ever.
      connect     refuse=CODE mute close
      subscribe   mute close
      telemetry   mute close
      attributes  drop mute close delay=MS
      chunk       drop mute close delay=MS duplicate empty corrupt
                  truncate=BYTES extend=BYTES other-id other-index
                  error=CODE reassign=TITLE VERSION from=TITLE VERSION
      download    mute close delay=MS status=CODE empty corrupt cut=BYTES
                  truncate=BYTES extend=BYTES
                  reassign=TITLE VERSION from=TITLE VERSION
      http        mute close delay=MS status=CODE cut=BYTES
    chunk is over MQTT, download over HTTP, http any other HTTP request.
    drop: a PUBACK only. mute: nothing. Example: --fault chunk=3x2:corrupt
    """
    limits = RateLimits(limit_messages, limit_telemetry, limit_points)
    settings = {name: others.pop(name) for name in _SETTINGS}
    cloud = ThingsBoard(seed=seed, now_ms=int(time.time() * 1000), rate_limits=limits, **settings)
    if provision:
        _let_in(cloud, provision)
    device = cloud.add_device("device", _credentials(token, client_cert))
    known = [_add_package(cloud, text) for text in packages]
    for rule in faults:
        cloud.add_fault(rule)
    server, names = cloud_doors.server(cloud, client_cert=client_cert, **others)
    side = ThingsBoardSide(cloud)
    beside = Sites(side, server, wanted, lambda ports: application(cloud, server, ports["http_port"]), Adapter)
    begin = functools.partial(_assign, cloud, device, server, known[:1])
    obey = functools.partial(_obey, cloud, device, server)
    opened = functools.partial(side.reached, "127.0.0.1")
    Running(cloud, server, names, beside, obey, begin, opened, {"token": device.token}).run()


def _let_in(cloud: ThingsBoard, text: str) -> None:
    key, _, secret = text.partition(":")
    if not key or not secret:
        raise UserError("bad_provision", f"{text!r} is not KEY:SECRET")
    profile = cloud.default_profile
    profile.provision_type, profile.provision_key, profile.provision_secret = provisioning.CREATE, key, secret


def _credentials(token: str | None, client_cert: str | None) -> str | credentials.Credentials:
    if client_cert is None:
        return token or secrets.token_hex(10)
    if token is not None:
        raise UserError("bad_credentials", "the device has a token or a certificate, not both")
    return credentials.x509(read(client_cert).decode(errors="replace"))


def _add_package(cloud: ThingsBoard, text: str) -> Package:
    fields = pairs(text, _PACKAGE_KEYS, "bad_package")
    missing = [key for key in ("title", "version") if not fields.get(key)]
    if missing or ("file" in fields) == ("url" in fields):
        raise UserError("bad_package", f"package {text!r}: needs title=, version= and either file= or url=")
    if "size" in fields and not (fields["size"].isdecimal() and "url" in fields):
        raise UserError("bad_package", f"package {text!r}: size= is a number of bytes, and for url= only")
    size = int(fields.pop("size")) if "size" in fields else None
    file = fields.pop("file", None)
    return cloud.add_package(**fields, data=read(file) if file is not None else None, size=size)


def _assign(cloud: ThingsBoard, device: Device, server: Server, packages: list[Package]) -> None:
    for package in packages:
        server.act(lambda now_ms, package=package: cloud.assign(device, package, now_ms))


def _obey(cloud: ThingsBoard, device: Device, server: Server, words: list[str]) -> None:
    """Does what one line of stdin says. Raises UserError as the cloud's calls, and bad_command."""
    match words:
        case ["assign", title, version]:
            package = cloud.find(f"{title} {version}")
            server.act(lambda now_ms: cloud.assign(device, package, now_ms))
        case ["unassign", *types] if types in ([], ["FIRMWARE"], ["SOFTWARE"]):
            server.act(lambda now_ms: cloud.unassign(device, (types or ["FIRMWARE"])[0], now_ms))
        case ["attribute", key, text]:
            server.act(lambda now_ms: cloud.save_attributes(device, {key: as_json(text)}, now_ms))
        case ["call", method, text]:
            server.act(lambda now_ms: cloud.call(device, method, as_json(text), now_ms))
        case ["claim", secret, user]:
            server.act(lambda now_ms: cloud.claim(device.name, secret, user, now_ms))
        case ["fault", *rule]:
            cloud.add_fault(" ".join(rule))
        case _:
            raise unknown(words)
