# SPDX-License-Identifier: MIT
"""`cloud broker`: options, releases, and what lines of stdin mean."""

import functools
import time
from typing import Any

import click
import rich_click

from simulator.clouds.broker import Acl, Broker, Names, chunks, release
from simulator.clouds.broker.scheme import FIRMWARE, SOFTWARE, check_name, encode
from simulator.clouds.server import Door, Server
from simulator.commands.cloud_options import FAULT, FILE, HOST, PORT, SEED, pages, pairs, read
from simulator.commands.cloud_running import Running, as_json, unknown
from simulator.commands.cloud_sites import Sites, Wanted
from simulator.dashboard.broker import Adapter
from simulator.errors import UserError
from simulator.sides import BrokerSide

_KEYS = ("title", "version", "file", "url", "type", "chunk")
_KINDS = {"FIRMWARE": FIRMWARE, "SOFTWARE": SOFTWARE}


@rich_click.command("broker")
@HOST
@click.option("--mqtt-port", type=PORT, default=0, show_default=True, help="0: any free port.")
@pages
@click.option("--product", default="thermometer", show_default=True, help="Name of the product, a part of each topic.")
@click.option("--image", "images", multiple=True, metavar="KEY=VALUE,...", help="An image; the first is released.")
@click.option("--user", "users", multiple=True, metavar="NAME:PASSWORD", help="Let in only who has such a name.")
@click.option("--acl", type=FILE, default=None, help="Who may do what, as mosquitto's acl_file.")
@click.option("--forgetful", is_flag=True, help="Nothing retained outlives a `restart`.")
@FAULT
@SEED
def broker(
    host: str,
    mqtt_port: int,
    wanted: Wanted,
    product: str,
    images: tuple[str, ...],
    users: tuple[str, ...],
    acl: str | None,
    forgetful: bool,
    faults: tuple[str, ...],
    seed: int,
) -> None:
    """A plain MQTT broker with a maker's releases on it: MQTT 3.1, 3.1.1 and 5 with QoS 0 and 1.

    The first line on stdout is {"mqtt_port": ..., "product": ...}, with "dashboard_port" if there is one; then one JSON
    object per event, until SIGINT or SIGTERM (exit 0). docs/broker.md says what is on which topic.

    An image is title=..,version=..,file=.. (or url=.. besides), and if wanted type=FIRMWARE|SOFTWARE, chunk=BYTES. The
    first one is released to everybody, for now.

    \b
    Lines on stdin while it runs; quote titles with blanks; the end of stdin
    changes nothing:
      release TITLE VERSION [gradual] [group=G|device=D]
                               release this image
      back [TYPE] [group=G|device=D]
                               take a release of FIRMWARE or SOFTWARE back
      config DEVICE JSON       what is special about a device
      set DEVICE NAME VALUE    a switch, kept; or a command: cancel, explain
      publish TOPIC TEXT       any message, not kept
      restart                  end all connections and begin anew
      takeover DEVICE          somebody logs in under this name
      fault RULE               add a rule
      quit                     end

    \b
    A rule is WHERE[=INDEX][xTIMES]:ACTION[=ARGUMENT]. INDEX: of the chunk.
    TIMES: once if not given, x* for ever.
      connect     mute close
      subscribe   mute close refuse
      publish     drop mute close
      chunk release
                  drop close delay=MS duplicate empty corrupt
                  truncate=BYTES extend=BYTES
    Example: --fault chunk=3x2:corrupt
    """
    names = Names(product)
    rights = Acl.parse(read(acl).decode(errors="replace")) if acl else None
    now_ms = int(time.time() * 1000)
    known = dict(map(_user, users)) if users else None
    cloud = Broker(seed=seed, now_ms=now_ms, users=known, acl=rights, persistence=not forgetful)
    program = _Program(cloud, names)
    found = [program.add(text) for text in images]
    for rule in faults:
        cloud.add_fault(rule)
    server = program.server = Server(Door(cloud, mqtt_port), host)
    side = BrokerSide(cloud, names)
    beside = Sites(side, server, wanted, None, lambda fleet, cloud: Adapter(fleet, cloud, names))
    begin = functools.partial(program.begin, found[:1])
    opened = functools.partial(side.reached, "127.0.0.1")
    Running(cloud, server, ["mqtt_port"], beside, program.obey, begin, opened, {"product": product}).run()


def _user(text: str) -> tuple[str, bytes]:
    name, colon, password = text.partition(":")
    if not name or not colon:
        raise UserError("bad_user", f"{text!r} is not NAME:PASSWORD")
    return name, password.encode()


class _Program:
    """What happens at the start, and on stdin."""

    server: Server

    def __init__(self, cloud: Broker, names: Names) -> None:
        self._cloud, self._names = cloud, names
        self._images: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}

    def add(self, text: str) -> tuple[str, str]:
        """Puts an image on the broker; its title and version. Raises UserError: bad_image, no_such_file."""
        fields = pairs(text, _KEYS, "bad_image")
        kind = _KINDS.get(fields.get("type", "FIRMWARE"))
        chunk = fields.get("chunk", "4096")
        if kind is None or not all(fields.get(key) for key in ("title", "version", "file")) or not chunk.isdecimal():
            raise UserError("bad_image", f"image {text!r}: needs title=, version= and file=")
        data, title, version = read(fields["file"]), fields["title"], fields["version"]
        record = release(title, version, data, url=fields.get("url"), chunk_size=int(chunk))
        if "url" not in fields:
            for topic, payload in chunks(self._names, data, int(chunk)):
                self._cloud.publish(topic, payload, self._cloud.now_ms, retain=True)
        self._images[title, version] = (kind, record)
        return title, version

    def begin(self, images: list[tuple[str, str]]) -> None:
        for title, version in images:
            self._release(title, version, ())

    def obey(self, words: list[str]) -> None:
        """One line. Raises UserError as the cloud's calls, and bad_command."""
        act, cloud, names = self.server.act, self._cloud, self._names
        match words:
            case ["release", title, version, *options]:
                self._release(title, version, options)
            case ["back", *options]:
                kinds = [_KINDS[word] for word in options if word in _KINDS] or [FIRMWARE]
                topic = names.release(kinds[0], _place([word for word in options if word not in _KINDS]))
                self._keep(topic, b"")
            case ["config", device, text]:
                config = as_json(text)
                if not isinstance(config, dict):
                    raise UserError("bad_command", "a configuration is a JSON object")
                self._keep(names.device(check_name("device", device), "config"), encode(config or None))
            case ["set", device, name, value]:
                topic = names.device(check_name("device", device), f"set/{name}")
                retain = name not in ("cancel", "explain")
                act(lambda now_ms: cloud.publish(topic, value.encode(), now_ms, retain=retain))
            case ["publish", topic, text]:
                act(lambda now_ms: cloud.publish(topic, text.encode(), now_ms))
            case ["restart"]:
                act(cloud.restart)
            case ["takeover", device]:
                act(lambda now_ms: cloud.take_over(device, now_ms))
            case ["fault", *rule]:
                cloud.add_fault(" ".join(rule))
            case _:
                raise unknown(words)

    def _release(self, title: str, version: str, options: tuple[str, ...] | list[str]) -> None:
        if (title, version) not in self._images:
            raise UserError("no_such_image", f"there is no image {title} {version}")
        kind, record = self._images[title, version]
        topic = self._names.release(kind, _place([word for word in options if word != "gradual"]))
        self._keep(topic, encode(record | {"immediate": "gradual" not in options}))

    def _keep(self, topic: str, payload: bytes) -> None:
        self.server.act(lambda now_ms: self._cloud.publish(topic, payload, now_ms, retain=True))


def _place(options: list[str]) -> str:
    """ "" for everybody, or where group=G or device=D is. Raises UserError("bad_command")."""
    if not options:
        return ""
    what, equals, name = options[0].partition("=")
    if len(options) > 1 or what not in ("group", "device") or not equals:
        raise UserError("bad_command", f"{' '.join(options)!r} is neither group=G nor device=D")
    return f"{what}/{check_name(what, name)}"
