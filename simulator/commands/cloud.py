# SPDX-License-Identifier: MIT
"""`cloud`: one mock cloud alone on its port, for any client. One JSON line on stdout per thing it saw or did."""

import asyncio
import contextlib
import functools
import json
import os
import pathlib
import secrets
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable

import click
import rich_click

from simulator.clouds.server import Server
from simulator.clouds.thingsboard import Device, Package, RateLimits, ThingsBoard, credentials, provisioning
from simulator.commands import cloud_doors
from simulator.commands.cloud_sites import Sites, Wanted
from simulator.errors import UserError

_PORT = click.IntRange(0, 65_535)
_timing = functools.partial(click.option, show_default=True, metavar="MS", type=click.IntRange(0))
_FILE = click.Path(dir_okay=False)
_SETTINGS = ("queue_ms", "queue_interval_ms", "queue_size", "inactivity_ms", "cache_ttl_ms")
_PACKAGE_KEYS = ("title", "version", "file", "url", "type", "algorithm", "tag", "checksum", "size")


@rich_click.group("cloud")
def command() -> None:
    """Serves one mock cloud alone."""


@command.command("thingsboard")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--mqtt-port", type=_PORT, default=0, show_default=True, help="0: any free port.")
@click.option("--http-port", type=_PORT, default=0, show_default=True, help="HTTP device API; 0: any free port.")
@click.option(
    "--rest-port", type=_PORT, default=0, show_default=True, help="REST for administrators; 0: any free port."
)
@click.option("--dashboard", is_flag=True, help="A page that shows the devices and their updates, live.")
@click.option("--dashboard-port", type=_PORT, default=8090, show_default=True, help="Where; 0: any free port.")
@click.option("--fleet", default=0, metavar="N", type=click.IntRange(0, 50), help="Run N simulated boards to look at.")
@click.option("--tls-port", type=_PORT, default=None, help="MQTT over TLS, 8883 on a real server; 0: any free port.")
@click.option("--https-port", type=_PORT, default=None, help="HTTP device API over TLS; 0: any free port.")
@click.option("--cert", type=_FILE, default=None, help="Certificate for TLS, PEM; a new CA makes one if not given.")
@click.option("--key", type=_FILE, default=None, help="Its key, if that is not in the same file.")
@click.option("--ca-out", type=_FILE, default=None, help="Where to write the certificate of the new CA, PEM.")
@click.option("--client-ca", type=_FILE, default=None, help="Certificates of clients, or of their CAs, PEM.")
@click.option("--token", default=None, help="Access token of the one device; random if not given.")
@click.option("--client-cert", type=_FILE, default=None, help="The device's certificate, PEM, instead of a token.")
@click.option("--provision", default=None, metavar="KEY:SECRET", help="Let devices in that have these.")
@click.option("--limit-messages", default=None, metavar="N:SECONDS,...", help="Rate limit of a device.")
@click.option("--limit-telemetry", default=None, metavar="N:SECONDS,...", help="The same for telemetry messages.")
@click.option("--limit-points", default=None, metavar="N:SECONDS,...", help="The same for the values in them.")
@click.option("--package", "packages", multiple=True, metavar="KEY=VALUE,...", help="A package; the first is assigned.")
@click.option("--fault", "faults", multiple=True, metavar="RULE", help="Misbehaviour, see below.")
@_timing("--delay", "queue_ms", default=600, help="From QUEUED to the push, at least.")
@_timing("--queue-interval", "queue_interval_ms", default=60_000, help="In that long, ...")
@click.option("--queue-size", default=100, show_default=True, type=click.IntRange(1), help="... so many are told.")
@_timing("--inactivity", "inactivity_ms", default=600_000, help="Idle sessions end after that.")
@_timing("--cache-ttl", "cache_ttl_ms", default=3_600_000, help="How long a package stays in the cache.")
@click.option("--seed", default=0, show_default=True, help="Seed of everything that is random in the cloud.")
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
    rest_port: int,
    dashboard: bool,
    dashboard_port: int,
    fleet: int,
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
    wanted = Wanted(str(others["host"]), rest_port, dashboard_port if dashboard else None, fleet)
    asyncio.run(_serve(cloud, device, known[:1], server, names, Sites(cloud, server, wanted)))


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
    return credentials.x509(_read(client_cert).decode(errors="replace"))


def _add_package(cloud: ThingsBoard, text: str) -> Package:
    fields = dict(pair.partition("=")[::2] for pair in text.split(","))
    unknown = [key for key in fields if key not in _PACKAGE_KEYS]
    missing = [key for key in ("title", "version") if not fields.get(key)]
    if unknown or missing or ("file" in fields) == ("url" in fields):
        raise UserError("bad_package", f"package {text!r}: needs title=, version= and either file= or url=")
    if "size" in fields and not (fields["size"].isdecimal() and "url" in fields):
        raise UserError("bad_package", f"package {text!r}: size= is a number of bytes, and for url= only")
    size = int(fields.pop("size")) if "size" in fields else None
    file = fields.pop("file", None)
    return cloud.add_package(**fields, data=_read(file) if file is not None else None, size=size)


def _read(file: str) -> bytes:
    try:
        return pathlib.Path(file).read_bytes()
    except OSError as error:
        raise UserError("no_such_file", f"cannot read {file}: {error.strerror}") from error


async def _serve(
    cloud: ThingsBoard, device: Device, first: list[Package], server: Server, names: list[str], sites: Sites
) -> None:
    """Prints, assigns, and listens to stdin until a signal, `quit`, or nobody reads stdout any more."""
    await server.open()
    ports = await sites.open()
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def show(line: dict) -> None:
        try:
            print(json.dumps(line), flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            done.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    show({**dict(zip(names, server.ports, strict=True)), **ports, "token": device.token})
    if "dashboard_port" in ports:
        print(f"dashboard: http://127.0.0.1:{ports['dashboard_port']}/", file=sys.stderr, flush=True)

    def hear(event: dict) -> None:
        show(event)
        sites.hear(event)

    cloud.on_event = hear
    sites.start_boards()
    for package in first:
        server.act(lambda now_ms, package=package: cloud.assign(device, package, now_ms))

    def obey(line: str) -> None:
        try:
            if _obey(cloud, device, server, line):
                done.set()
        except UserError as error:
            print(f"error[{error.code}]: {error.text}", file=sys.stderr, flush=True)

    def tell(line: str) -> None:
        loop.call_soon_threadsafe(obey, line)

    threading.Thread(target=_read_lines, args=(tell,), daemon=True).start()
    await done.wait()
    await sites.close()
    await server.close()


def _obey(cloud: ThingsBoard, device: Device, server: Server, line: str) -> bool:
    """Does what one line of stdin says; True for `quit`."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UserError("bad_command", f"{line!r}: {error}") from error
    match words:
        case []:
            pass
        case ["quit"]:
            return True
        case ["assign", title, version]:
            package = cloud.find(f"{title} {version}")
            server.act(lambda now_ms: cloud.assign(device, package, now_ms))
        case ["unassign", *types] if types in ([], ["FIRMWARE"], ["SOFTWARE"]):
            server.act(lambda now_ms: cloud.unassign(device, (types or ["FIRMWARE"])[0], now_ms))
        case ["attribute", key, text]:
            server.act(lambda now_ms: cloud.save_attributes(device, {key: _json(text)}, now_ms))
        case ["call", method, text]:
            server.act(lambda now_ms: cloud.call(device, method, _json(text), now_ms))
        case ["claim", secret, user]:
            server.act(lambda now_ms: cloud.claim(device.name, secret, user, now_ms))
        case ["fault", *rule]:
            cloud.add_fault(" ".join(rule))
        case _:
            raise UserError("bad_command", f"{line!r} is not a command; --help lists them")
    return False


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError("bad_command", f"{text!r} is not JSON") from error


def _read_lines(tell: Callable[[str], object]) -> None:
    """Lines of stdin to `tell` until the end. Reads the descriptor: a thread inside sys.stdin would block the exit."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTIN})  # in the background of a terminal: an error, no stop
    rest = b""
    with contextlib.suppress(OSError, RuntimeError):  # no stdin; or the loop has ended meanwhile
        while piece := os.read(0, 4096):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                tell(line.decode(errors="replace"))
        tell(rest.decode(errors="replace"))
