# SPDX-License-Identifier: MIT
"""`cloud rainmaker`: options, images, and what lines of stdin mean."""

import functools
import pathlib
import time
from collections.abc import Mapping

import click
import rich_click

from simulator.clouds.rainmaker import Image, RainMaker
from simulator.clouds.rainmaker.jobs import Job
from simulator.clouds.rainmaker.pki import Authority
from simulator.clouds.rainmaker.rest.app import application
from simulator.clouds.server import Server
from simulator.commands.cloud_options import FAULT, FILE, HOST, PORT, SEED, pairs, read, sites, write
from simulator.commands.cloud_running import Running, as_json, unknown
from simulator.commands.cloud_sites import Sites, Wanted
from simulator.dashboard.rainmaker import Adapter
from simulator.errors import UserError
from simulator.sides import RainMakerSide

_FOLDER = click.Path(file_okay=False, path_type=pathlib.Path)
_NODE = "A1B2C3D4E5F6"
_IMAGE_KEYS = ("name", "version", "file", "url", "model", "type")
_JOB_KEYS = ("priority", "timeout", "metadata")
_JOB_FLAGS = {"push": "force_push", "approval": "user_approval", "continuous": "continuous"}


@rich_click.command("rainmaker")
@HOST
@click.option("--name", default=None, help="Name or address by which nodes find it; --host if not given.")
@click.option("--mqtts-port", type=PORT, default=0, show_default=True, help="MQTT over TLS; 0: any free port.")
@click.option("--https-port", type=PORT, default=0, show_default=True, help="Images; 0: any free port.")
@click.option("--node-port", type=PORT, default=0, show_default=True, help="HTTPS API for nodes; 0: any free port.")
@sites
@click.option("--ca-dir", type=_FOLDER, default=None, help="Folder of the CA, made if it is empty; else a new one.")
@click.option("--ca-out", type=FILE, default=None, help="Where to write the certificate of the CA, PEM.")
@click.option("--node", "nodes", multiple=True, metavar="ID", help=f"A node; {_NODE} if not given.")
@click.option("--node-out", type=_FOLDER, default=None, help="Where to write certificates and keys of the nodes.")
@click.option("--image", "images", multiple=True, metavar="KEY=VALUE,...", help="An image; the first gets a job.")
@FAULT
@SEED
def rainmaker(
    host: str,
    name: str | None,
    mqtts_port: int,
    https_port: int,
    node_port: int,
    wanted: Wanted,
    ca_dir: pathlib.Path | None,
    ca_out: str | None,
    nodes: tuple[str, ...],
    node_out: pathlib.Path | None,
    images: tuple[str, ...],
    faults: tuple[str, ...],
    seed: int,
) -> None:
    """A mock ESP RainMaker: MQTT 3.1.1 and 5 for nodes with certificates, images by HTTPS and by MQTT streams.

    The first line on stdout is {"mqtts_port": ..., "https_port": ..., "node_port": ..., "rest_port": ...,
    "nodes": [...]}, with "dashboard_port" if there is one; then one JSON object per event, until SIGINT or SIGTERM
    (exit 0).

    REST has the real service's paths and one user: maker@example.com, password Rainmaker1. The official command line
    client works with it: esp-rainmaker-cli profile add mock --base-url http://127.0.0.1:REST-PORT.

    Nodes need a certificate of the mock's CA: --node-out DIR writes NODE.crt, NODE.key and ca.crt.

    An image is version=..,file=.. (or url=..), and if wanted name=.., model=.., type=... What is not given comes from
    the image itself. The first one gets a job for the first node, pushed at once.

    \b
    Lines on stdin while it runs, about the first node; quote names with
    blanks; the end of stdin changes nothing:
      job IMAGE [push] [approval] [continuous] [priority=N] [timeout=S]
          [metadata=JSON]      make a job for this image
      cancel JOB               cancel it; JOB is its name or id
      retrigger JOB            push it to all that are not done
      approve JOB              the user says yes
      params JSON              write parameters
      fault RULE               add a rule
      quit                     end

    \b
    A rule is WHERE[=INDEX][xTIMES]:ACTION[=ARGUMENT]. INDEX: of the block.
    TIMES: once if not given, x* for ever.
      connect     mute close
      subscribe   mute close push
      config params otafetch otastatus success stream
                  drop mute close kick
      otaurl      drop duplicate delay=MS md5[=TEXT] size=BYTES omit=KEY
                  set=KEY=JSON escape truncate=BYTES
      answer resumed
                  silent delay=MS reject=CODE
      block       drop duplicate reorder empty corrupt truncate=BYTES
                  extend=BYTES other-index
      image       mute close delay=MS status=CODE expired redirect[=BASE]
                  no-range tag=TEXT header=NAME:VALUE empty corrupt
                  truncate=BYTES extend=BYTES cut=BYTES length=BYTES
                  unframed chunked garbage pace=MS stall=MS
    drop: not handled either. mute: handled, no PUBACK. kick: handled, and
    the connection goes after the PUBACK. Example: --fault image:cut=5000
    """
    cloud = RainMaker(seed=seed, now_ms=int(time.time() * 1000))
    side = RainMakerSide(cloud, Authority.kept(ca_dir) if ca_dir else None)
    known = [side.add_node(node_id) for node_id in nodes or (_NODE,)]
    if ca_out:
        write(ca_out, side.authority.pem)
    if node_out:
        _write_nodes(side, node_out)
    found = [_add_image(cloud, text) for text in images]
    for rule in faults:
        cloud.add_fault(rule)
    name = name or host
    ports = zip(side.entrances, (mqtts_port, https_port, node_port), strict=True)
    first, *others = (entrance.door(host, name, port=port) for entrance, port in ports)
    server = Server(first, host, 0, *others)
    program = _Program(cloud, server, known[0])
    beside = Sites(side, server, wanted, lambda ports: application(cloud, server), Adapter)
    names = [entrance.name for entrance in side.entrances]
    opened = functools.partial(side.reached, name)
    begin = functools.partial(program.begin, found[:1])
    Running(cloud, server, names, beside, program.obey, begin, opened, {"nodes": known}).run()


def _write_nodes(side: RainMakerSide, folder: pathlib.Path) -> None:
    """Raises UserError("cannot_write")."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("cannot_write", f"cannot make {folder}: {error.strerror}") from error
    write(folder / "ca.crt", side.authority.pem)
    for node_id, shown in side.shown.items():
        write(folder / f"{node_id}.crt", shown.cert)
        write(folder / f"{node_id}.key", shown.key)


def _add_image(cloud: RainMaker, text: str) -> Image | str:
    """A URL is no image of the cloud's, but jobs can be for it."""
    fields = pairs(text, _IMAGE_KEYS, "bad_image")
    if ("file" in fields) == ("url" in fields) or ("url" in fields and len(fields) > 1):
        raise UserError("bad_image", f"image {text!r}: needs file=, or url= and nothing else")
    if "url" in fields:
        return fields["url"]
    file = fields["file"]
    name = fields.get("name") or pathlib.Path(file).stem
    about = {key: fields.get(key) for key in ("model", "type")}
    return cloud.add_image(name, read(file), fields.get("version"), **about)


class _Program:
    """What happens at the start, and on stdin."""

    def __init__(self, cloud: RainMaker, server: Server, node: str) -> None:
        self._cloud, self._server, self._node = cloud, server, cloud.node(node)

    def begin(self, images: list[Image | str]) -> None:
        for image in images:
            self._make(image, force_push=True)

    def obey(self, words: list[str]) -> None:
        """One line. Raises UserError as the cloud's calls, and bad_command."""
        cloud, node, act = self._cloud, self._node, self._server.act
        match words:
            case ["job", image, *options]:
                self._make(self._find_image(image), **_job_options(options))
            case ["cancel", name]:
                act(lambda now_ms: cloud.cancel_job(self._find_job(name), now_ms))
            case ["retrigger", name]:
                act(lambda now_ms: cloud.retrigger(self._find_job(name), now_ms))
            case ["approve", name]:
                act(lambda now_ms: cloud.approve(self._find_job(name), node, now_ms))
            case ["params", text]:
                params = as_json(text)
                if not isinstance(params, dict):
                    raise UserError("bad_command", "parameters are a JSON object")
                act(lambda now_ms: cloud.set_params(node, params, now_ms))
            case ["fault", *rule]:
                cloud.add_fault(" ".join(rule))
            case _:
                raise unknown(words)

    def _make(self, image: Image | str, **options: object) -> None:
        name = f"job-{len(self._cloud.jobs) + 1}"
        nodes = (self._node.id,)
        self._server.act(lambda now_ms: self._cloud.create_job(name, image, now_ms, nodes=nodes, **options))

    def _find_image(self, name: str) -> Image | str:
        """By name, or the URL itself; of two with a name the newer."""
        if "://" in name:
            return name
        found = [image for image in self._cloud.images.values() if image.name == name]
        return found[-1] if found else self._cloud.image(name)

    def _find_job(self, name: str) -> Job:
        found = [job for job in self._cloud.jobs.values() if job.name == name]
        return found[0] if found else self._cloud.job(name)


def _job_options(words: list[str]) -> Mapping[str, object]:
    options: dict[str, object] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if key in _JOB_FLAGS and not equals:
            options[_JOB_FLAGS[key]] = True
        elif key == "metadata":
            options[key] = as_json(text)
        elif key in _JOB_KEYS and text.isdecimal():
            options["timeout_s" if key == "timeout" else key] = int(text)
        else:
            raise UserError("bad_command", f"{word!r} is no option of a job; --help lists them")
    return options
