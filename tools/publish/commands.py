# SPDX-License-Identifier: MIT
"""The commands of `python -m tools.publish`."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import rich_click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from simulator import software
from simulator.board.image import ImageError, parse
from simulator.clouds.broker import Names, chunks
from simulator.clouds.broker import release as record_of
from simulator.clouds.broker.scheme import CHUNK, FIRMWARE, SOFTWARE, check_name, encode
from simulator.commands.files import read_file
from simulator.errors import UserError
from tools.publish.fleet import Fleet, Rule, job_id
from tools.publish.line import Line, Where
from tools.publish.rollout import Target, table, watch

_FILE = click.Path(path_type=Path)
_ONOFF = click.Choice(["on", "off"])
_SEVERITIES = {"critical": 0, "mandatory": 1, "optional": 2}
_SEVERITY = click.Choice(list(_SEVERITIES))


class Publisher:
    """Where the broker is, and what the product is called; talk and bars go to stderr."""

    def __init__(self, where: Where, product: str) -> None:
        self.where = where
        self.names = Names(product)
        self.console = Console(stderr=True, highlight=False)

    def line(self) -> Line:
        return Line(self.where)

    def upload(self, line: Line, data: bytes, chunk: int) -> None:
        """Puts an image on the broker, and looks whether it is there. Raises UserError."""
        parts = list(chunks(self.names, data, chunk))
        columns = (TextColumn("upload"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self.console, disable=not self.console.is_terminal) as progress:
            task = progress.add_task("", total=len(data))
            line.keep(parts, lambda size: progress.advance(task, size))
        line.check_kept(*parts[-1])

    def keep(self, line: Line, topic: str, payload: bytes) -> None:
        line.keep([(topic, payload)])
        line.check_kept(topic, payload)

    def change(self, device: str, **changes: Any) -> None:
        """Changes some of what is special about a device. Raises UserError("bad_config") for what nobody can read."""
        topic = self.names.device(check_name("device", device), "config")
        with self.line() as line:
            config = _object(line.retained(topic).get(topic, b"")) | {"immediate": None} | changes
            self.keep(line, topic, encode({key: v for key, v in config.items() if v not in (None, [])} or None))


def _object(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload) if payload else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UserError("bad_config", "what is there is no JSON object; take it away first: `config DEVICE {}`")
    return found


@rich_click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, envvar="MQTT_HOST", help="The broker.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Its port; 1883, or 8883 with --ca.", envvar="MQTT_PORT")
@click.option("--user", envvar="MQTT_USER", help="User name.")
@click.option("--password", envvar="MQTT_PASSWORD", help="Better in the environment: MQTT_PASSWORD.")
@click.option("--ca", help="Certificate of the CA that the broker is verified with, PEM; so TLS it is.")
@click.option("--cert", help="Our certificate, PEM.")
@click.option("--key", help="Its key.")
@click.option("--product", required=True, help="Name of the product, a part of each topic.")
@click.pass_context
def cli(
    context: click.Context,
    host: str,
    port: int | None,
    user: str | None,
    password: str | None,
    ca: str | None,
    cert: str | None,
    key: str | None,
    product: str,
) -> None:
    """Uploads images to your own broker, releases them, and watches the fleet."""
    where = Where(host, port or (8883 if ca else 1883), user, password, ca, cert, key)
    context.obj = Publisher(where, product)


def _image(command: Callable) -> Callable:
    """The options for what is released."""
    options = (
        click.argument("file", type=_FILE),
        click.option("--title", help="Default: the image's own."),
        click.option("--version", help="Default: the image's own."),
        click.option("--software", "is_software", is_flag=True, help="It is a software package."),
        click.option("--url", help="A web server has the image; default: retained chunks on the broker."),
        click.option("--chunk", default=CHUNK, show_default=True, type=click.IntRange(512, 65_536), metavar="BYTES"),
        click.option("--immediate/--gradual", default=False, help="When it arrives, or at the next connect. [gradual]"),
        click.option("--severity", type=_SEVERITY, help="How long it may wait."),
        click.option("--max-defer", type=click.IntRange(0), metavar="S", help="Seconds that it may wait at most."),
        click.option("--spread", type=click.IntRange(0), metavar="S", help="Boards start at moments spread over that."),
        click.option("--requires", metavar="FIRMWARE", help="Of software: 'TITLE >= VERSION' has to run first."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _audience(command: Callable) -> Callable:
    """The options for whom a release is for."""
    command = click.option("--device", help="Of this development device; default: of all.")(command)
    return click.option("--group", help="The release of this group; default: of all.")(command)


def _guard(command: Callable) -> Callable:
    """The options for how long a rollout is watched, and when it stops."""
    options = (
        click.option("--stop-at", metavar="PERCENT", help="Take it back when so many of who answered failed: 10%."),
        click.option("--least", default=1, show_default=True, type=click.IntRange(1), help="... of so many at least."),
        click.option("--expect", default=1, show_default=True, type=click.IntRange(1), help="So many have to answer."),
        click.option(
            "--timeout", default=3600.0, show_default=True, metavar="S", type=click.FloatRange(0, min_open=True)
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _place(group: str | None, device: str | None) -> str:
    if group is not None and device is not None:
        raise UserError("bad_place", "a release is for a group or for a device, not both")
    if group is not None:
        return f"group/{check_name('group', group)}"
    return f"device/{check_name('device', device)}" if device is not None else ""


def _read(
    names: Names,
    file: Path,
    title: str | None,
    version: str | None,
    is_software: bool,
    url: str | None,
    chunk: int,
    immediate: bool,
    severity: str | None,
    max_defer: int | None,
    spread: int | None,
    requires: str | None,
    group: str | None = None,
    device: str | None = None,
) -> tuple[Target, dict[str, Any], bytes]:
    """What is to be released, judged as a device judges it. Raises UserError."""
    kind = SOFTWARE if is_software else FIRMWARE
    topic = names.release(kind, _place(group, device))
    data = read_file(file)
    own_title, own_version = _told_by(data, is_software)
    title, version = title or own_title, version or own_version
    if not title or not version:
        raise UserError("no_version", f"{file} does not tell its title and version: give --title and --version")
    more: dict[str, Any] = {"immediate": immediate, "max_defer": max_defer, "spread": spread, "requires": requires}
    more["severity"] = _SEVERITIES[severity] if severity else None
    given = {name: value for name, value in more.items() if value is not None}
    record = record_of(title, version, data, url=url, chunk_size=chunk, **given)
    encode(record)
    job = _job_of(record, kind)
    return Target(topic, kind, job, title, version, len(data)), record, data


def _job_of(record: dict[str, Any], kind: str) -> str:
    """What devices call it. Raises UserError with the code that they would refuse it with."""
    try:
        return job_id(record, kind)
    except Exception as error:
        code = getattr(error, "code", None)
        if code is None:
            raise
        raise UserError(code, f"devices would refuse this release: {getattr(error, 'detail', '') or code}") from None


def _told_by(data: bytes, is_software: bool) -> tuple[str, str]:
    """Title and version that a file tells, empty for what it does not. Raises UserError for what no board takes."""
    if is_software:
        contents = software.inspect(data)
        return contents.title, contents.version
    try:
        found = parse(data).descriptor
    except ImageError as error:
        raise UserError("not_an_image", f"no app image for an ESP32: {error}") from None
    return (found.project, found.version) if found else ("", "")


@cli.command()
@_image
@_audience
@click.pass_obj
def release(publisher: Publisher, **options: Any) -> None:
    """Uploads an image and releases it. Prints the release as JSON."""
    target, record, data = _read(publisher.names, **options)
    with publisher.line() as line:
        if "url" not in record:
            publisher.upload(line, data, record["chunk_size"])
        publisher.keep(line, target.topic, encode(record))
    click.echo(json.dumps({"topic": target.topic, "job": target.job, **record}))


@cli.command()
@_image
@_audience
@_guard
@click.option("--restore", is_flag=True, help="When it is taken back, put the former release in its place.")
@click.pass_obj
def rollout(
    publisher: Publisher,
    stop_at: str | None,
    least: int,
    expect: int,
    restore: bool,
    timeout: float,
    **options: Any,
) -> int:
    """Releases an image and watches the devices that it is for, live; stops by rule. Prints how it went as JSON.

    Exit 0: all have updated, and there are as many as expected; 1: some have not, in time or at all.
    """
    rule = Rule(_percent(stop_at), least) if stop_at is not None else None
    target, record, data = _read(publisher.names, **options)
    with publisher.line() as line:
        former = line.retained(target.topic).get(target.topic, b"")
        if "url" not in record:
            publisher.upload(line, data, record["chunk_size"])
        publisher.keep(line, target.topic, encode(record))

        def stop() -> None:
            line.keep([(target.topic, former if restore and former != encode(record) else b"")])

        result = watch(line, publisher.names, target, rule, expect, timeout, stop, publisher.console)
    click.echo(json.dumps(result.as_dict()))
    return 0 if result.why == "done" and not result.count.failed else 1


@cli.command()
@click.option("--software", "is_software", is_flag=True, help="The release of software.")
@_audience
@_guard
@click.pass_obj
def follow(
    publisher: Publisher,
    is_software: bool,
    group: str | None,
    device: str | None,
    stop_at: str | None,
    least: int,
    expect: int,
    timeout: float,
) -> int:
    """Watches a release that is there already, as `rollout` does."""
    rule = Rule(_percent(stop_at), least) if stop_at is not None else None
    kind = SOFTWARE if is_software else FIRMWARE
    topic = publisher.names.release(kind, _place(group, device))
    with publisher.line() as line:
        record = _object(line.retained(topic).get(topic, b""))
        if not record:
            raise UserError("no_release", f"nothing is released on {topic}")
        target = Target(topic, kind, _job_of(record, kind), record["title"], record["version"], record["size"])
        stop = functools.partial(line.keep, [(topic, b"")])
        result = watch(line, publisher.names, target, rule, expect, timeout, stop, publisher.console)
    click.echo(json.dumps(result.as_dict()))
    return 0 if result.why == "done" and not result.count.failed else 1


def _percent(text: str) -> float:
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = -1
    if not 0 < value <= 100:
        raise UserError("bad_percent", f"{text!r} is not a number of percent, above 0 and up to 100")
    return value


@cli.command("take-back")
@click.option("--software", "is_software", is_flag=True, help="The release of software.")
@_audience
@click.pass_obj
def take_back(publisher: Publisher, is_software: bool, group: str | None, device: str | None) -> None:
    """Takes a release away: who downloads it stops, who has it keeps it."""
    topic = publisher.names.release(SOFTWARE if is_software else FIRMWARE, _place(group, device))
    with publisher.line() as line:
        publisher.keep(line, topic, b"")


@cli.command()
@click.argument("locked", metavar="DEVICE")
@_image
@click.pass_obj
def lock(publisher: Publisher, locked: str, **options: Any) -> None:
    """Uploads an image; DEVICE runs that and nothing else from now on."""
    _, record, data = _read(publisher.names, **options)
    if "url" not in record:
        with publisher.line() as line:
            publisher.upload(line, data, record["chunk_size"])
    name = "software_locked" if options["is_software"] else "locked"
    publisher.change(locked, **{name: record}, immediate=options["immediate"])


@cli.command()
@click.argument("device")
@click.pass_obj
def unlock(publisher: Publisher, device: str) -> None:
    """DEVICE takes what is released to its groups or to all."""
    publisher.change(device, locked=None, software_locked=None)


@cli.command()
@click.argument("device")
@click.argument("groups", nargs=-1)
@click.pass_obj
def groups(publisher: Publisher, device: str, groups: tuple[str, ...]) -> None:
    """DEVICE is in these groups, or in none."""
    publisher.change(device, groups=[check_name("group", name) for name in groups])


@cli.command()
@click.argument("device")
@click.argument("state", type=_ONOFF)
@click.pass_obj
def development(publisher: Publisher, device: str, state: str) -> None:
    """DEVICE takes nothing but what is released to it alone."""
    publisher.change(device, development=state == "on")


@cli.command()
@click.argument("device")
@click.argument("name", type=click.Choice(["forced", "enabled", "pending"]))
@click.argument("state", type=click.Choice(["on", "off", "unset"]))
@click.pass_obj
def switch(publisher: Publisher, device: str, name: str, state: str) -> None:
    """Overrules what keeps an update of DEVICE waiting, or switches its updates off."""
    topic = publisher.names.device(check_name("device", device), f"set/{name}")
    with publisher.line() as line:
        publisher.keep(line, topic, {"on": b"true", "off": b"false", "unset": b""}[state])


@cli.command()
@click.argument("device")
@click.pass_obj
def cancel(publisher: Publisher, device: str) -> None:
    """Stops the update that is under way on DEVICE."""
    with publisher.line() as line:
        line.send(publisher.names.device(check_name("device", device), "set/cancel"), b"true")


@cli.command("watch")
@click.option("--software", "is_software", is_flag=True, help="Of the software instead of the firmware.")
@click.option("--timeout", default=2.0, show_default=True, metavar="S", type=click.FloatRange(0, min_open=True))
@click.option("--json", "as_json", is_flag=True, help="A JSON object a device.")
@click.pass_obj
def show(publisher: Publisher, is_software: bool, timeout: float, as_json: bool) -> int:
    """Shows what is known of each device. Exit 1 if there is none."""
    kind = SOFTWARE if is_software else FIRMWARE
    fleet = Fleet(publisher.names)
    with publisher.line() as line:
        line.listen(*fleet.filters)
        while message := line.next(timeout):
            fleet.hear(*message)
    devices = sorted(fleet.devices.values(), key=lambda device: device.name)
    if as_json:
        for one in devices:
            about = {"device": one.name, "online": one.is_online, "runs": one.running.get(kind)}
            click.echo(json.dumps({**about, "wanted": fleet.wanted(one, kind), "job": one.jobs.get(kind)}))
    else:
        Console(highlight=False).print(table(devices, kind))
    return 0 if devices else 1
