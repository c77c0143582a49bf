# SPDX-License-Identifier: MIT
"""`cloud lwm2m`: options, updates, and what lines of stdin mean."""

import functools
import pathlib
import time
from collections.abc import Callable

import click
import rich_click

from simulator.clouds.lwm2m import Knobs, Lwm2mServer, Package, formats, knobs, objects
from simulator.clouds.lwm2m.devices import Device
from simulator.clouds.lwm2m.formats import FormatError
from simulator.clouds.lwm2m.rest.app import application
from simulator.clouds.server import Server
from simulator.commands.cloud_options import FAULT, FILE, HOST, PORT, SEED, pairs, read, sites
from simulator.commands.cloud_running import Running, unknown
from simulator.commands.cloud_sites import Sites, Wanted
from simulator.commands.lwm2m_doors import doors
from simulator.dashboard.lwm2m import Adapter
from simulator.errors import UserError
from simulator.sides import Lwm2mSide

_DEVICE = "board-1"
_IMAGE_KEYS = ("file", "name", "version", "type")
_TYPES = ("FIRMWARE", "SOFTWARE")
_KNOBS = "\n".join(f"  {text}" for text in knobs.listing())
_HELP = f"""A mock LwM2M 1.1 server that updates firmware as Coiote DM does, over UDP without and with DTLS.

The first line on stdout is {{"coap_port": ..., "file_port": ..., "http_port": ..., "rest_port": ...,
"devices": [...]}}, with "coaps_port", "https_port" and "dashboard_port" if there are any; then one JSON object per
event, until SIGINT or SIGTERM (exit 0).

Images are fetched by CoAP at the file port, by HTTP at the http port, over DTLS where the devices are, by HTTPS at the
https port, or pushed. A certificate that is not given comes from a CA made for it (--ca-out). REST has Coiote's paths
below /api/coiotedm/v3 and one user: maker@example.com, password Coiote1.

An image is file=.., and if wanted name=.., version=.., type=SOFTWARE for a package that `software make` has made. The
first one is for every --device, from the start.

\b
Lines on stdin while it runs; quote names with blanks; the end of stdin
changes nothing:
  upgrade DEVICE IMAGE [KNOB...]   start a task
  cancel DEVICE                    cancel its task
  read DEVICE PATH [FORMAT]        also discover, observe
  write DEVICE PATH VALUE [FORMAT]
  execute DEVICE PATH [ARGUMENTS]
  forget DEVICE                    its registration
  knob KNOB                        for what comes from now on
  fault RULE                       add a rule
  quit                             end

\b
A rule is WHERE[=INDEX][xTIMES]:ACTION[=ARGUMENT]. INDEX: of the block.
TIMES: once if not given, x* for ever.
  register update deregister send file
              drop duplicate delay=MS mute lose twice late=MS
              refuse=CODE separate[=MS] corrupt truncate=BYTES forget
  notify      drop duplicate delay=MS mute moved
  answer      drop duplicate delay=MS
  read discover write push execute observe attributes
              drop duplicate repeat[=MS] delay=MS reorder corrupt
              truncate=BYTES unreachable
  image       close mute delay=MS status=CODE no-range tag=TEXT
              cut=BYTES pace=MS stall=MS corrupt truncate=BYTES
drop: not handled. mute: handled, never answered. lose, twice, late: of the
answer. repeat: with a new message id. Example: --fault answer=3:drop

\b
Knobs, as they are if nobody turns them; lists have a plus between:
{_KNOBS}
"""


@rich_click.command("lwm2m", help=_HELP)
@HOST
@click.option("--name", default=None, help="Name or address by which devices find images; --host if not given.")
@click.option("--coap-port", type=PORT, default=0, show_default=True, help="CoAP, UDP; 0: any free port.")
@click.option("--file-port", type=PORT, default=0, show_default=True, help="Images by CoAP, UDP; 0: any free port.")
@click.option("--http-port", type=PORT, default=0, show_default=True, help="Images by HTTP; 0: any free port.")
@click.option("--coaps-port", type=PORT, default=None, help="CoAP over DTLS, UDP; 0: any free port.")
@click.option("--https-port", type=PORT, default=None, help="Images by HTTPS; 0: any free port.")
@click.option(
    "--psk",
    "psks",
    multiple=True,
    metavar="ENDPOINT:HEX[:IDENTITY]",
    help="A key that a device has, in hexadecimal; its name is the endpoint's if not given.",
)
@click.option("--cert", type=FILE, default=None, help="Certificate to show, PEM, with its chain.")
@click.option("--key", type=FILE, default=None, help="Its key, PEM.")
@click.option("--ca-out", type=FILE, default=None, help="Where to write the certificate of the CA made, PEM.")
@click.option("--client-ca", type=FILE, default=None, help="Devices show a certificate of this CA, PEM.")
@sites
@click.option("--device", "devices", multiple=True, metavar="ENDPOINT", help=f"A device; {_DEVICE} if not given.")
@click.option("--closed", is_flag=True, help="Only these may register.")
@click.option("--image", "images", multiple=True, metavar="KEY=VALUE,...", help="An image; the first is for all.")
@click.option("--knob", "turned", multiple=True, metavar="PART.NAME=VALUE", help="See below.")
@FAULT
@SEED
def lwm2m(
    host: str,
    name: str | None,
    coap_port: int,
    file_port: int,
    http_port: int,
    coaps_port: int | None,
    https_port: int | None,
    psks: tuple[str, ...],
    cert: str | None,
    key: str | None,
    ca_out: str | None,
    client_ca: str | None,
    wanted: Wanted,
    devices: tuple[str, ...],
    closed: bool,
    images: tuple[str, ...],
    turned: tuple[str, ...],
    faults: tuple[str, ...],
    seed: int,
) -> None:
    """See _HELP."""
    cloud = Lwm2mServer(seed=seed, now_ms=int(time.time() * 1000), is_closed=closed)
    side = Lwm2mSide(cloud)
    known = [cloud.add_device(endpoint) for endpoint in devices or (_DEVICE,)]
    program = _Program(cloud, known)
    program.turn(*turned)
    for text in images:
        program.add(text)
    for rule in faults:
        cloud.add_fault(rule)
    ports = {"coap_port": coap_port, "file_port": file_port, "http_port": http_port}
    ports |= {"coaps_port": coaps_port, "https_port": https_port}
    names = tuple(dict.fromkeys(("localhost", "127.0.0.1", host, name or host)))
    found = doors(side, names, ports, psks, cert=cert, key=key, client_ca=client_ca, ca_out=ca_out)
    first, *others = found.values()
    server = program.server = Server(first, host, 0, *others)
    beside = Sites(side, server, wanted, lambda ports: application(cloud, server), Adapter)
    opened = functools.partial(side.reached, name or host)
    about = {"devices": [device.endpoint for device in known]}
    Running(cloud, server, list(found), beside, program.obey, program.begin, opened, about).run()


class _Program:
    """What happens at the start, and on stdin."""

    server: Server

    def __init__(self, cloud: Lwm2mServer, devices: list[Device]) -> None:
        self._cloud, self._devices = cloud, devices
        self._knobs = Knobs()
        self._images: list[Package] = []

    def turn(self, *texts: str) -> None:
        """Raises UserError: bad_knob, bad_options."""
        self._knobs = self._knobs.turned(*texts)
        self._cloud.manners, self._cloud.files.manners = self._knobs.server, self._knobs.file

    def add(self, text: str) -> None:
        """Raises UserError: bad_image, no_such_file."""
        fields = pairs(text, _IMAGE_KEYS, "bad_image")
        if not fields.get("file"):
            raise UserError("bad_image", f"image {text!r}: needs file=")
        name = fields.get("name") or pathlib.Path(fields["file"]).stem
        package_type = fields.get("type") or _TYPES[0]
        if package_type not in _TYPES:
            raise UserError("bad_image", f"image {text!r}: type is {' or '.join(_TYPES)}")
        self._images.append(Package(name, read(fields["file"]), fields.get("version", ""), package_type))

    def begin(self) -> None:
        for device in self._devices if self._images else ():
            self._upgrade(device, self._images[0])

    def obey(self, words: list[str]) -> None:
        """One line. Raises UserError as the server's calls, and bad_command."""
        match words:
            case ["upgrade", endpoint, image, *knobs]:
                self._upgrade(self._device(endpoint), self._image(image), *knobs)
            case ["cancel", endpoint]:
                device = self._device(endpoint)
                for task in self._cloud.tasks.of(device):
                    self._do(lambda task=task: self._cloud.tasks.cancel(task))
            case ["forget", endpoint]:
                self._do(lambda: self._cloud.forget_registration(self._device(endpoint)))
            case ["knob", *texts]:
                self.turn(*texts)
            case ["fault", *rule]:
                self._cloud.add_fault(" ".join(rule))
            case [("read" | "discover" | "observe" | "write" | "execute") as kind, endpoint, path, *rest]:
                self._operate(self._device(endpoint), kind, path, rest)
            case _:
                raise unknown(words)

    def _operate(self, device: Device, kind: str, path: str, rest: list[str]) -> None:
        match kind, rest:
            case "read", [] | [_]:
                self._do(lambda: device.read(path, *map(_format, rest)))
            case "observe", [] | [_]:
                self._do(lambda: device.observe(path, *map(_format, rest)))
            case "discover", []:
                self._do(lambda: device.discover(path))
            case "execute", [] | [_]:
                self._do(lambda: device.execute(path, *rest))
            case "write", [text] | [text, _]:
                value = _value(path, text)
                self._do(lambda: device.write(path, value, *map(_format, rest[1:])))
            case _:
                raise unknown([kind, device.endpoint, path, *rest])

    def _do(self, call: Callable[[], object]) -> None:
        def act(now_ms: int) -> None:
            self._cloud.tick(now_ms)
            call()

        self.server.act(act)

    def _upgrade(self, device: Device, image: Package, *turned: str) -> None:
        options = self._knobs.turned(*turned).options
        self._do(lambda: self._cloud.tasks.upgrade([device], image, options))

    def _device(self, endpoint: str) -> Device:
        return self._cloud.device(endpoint)

    def _image(self, name: str) -> Package:
        found = [image for image in self._images if image.name == name]
        if not found:
            raise UserError("no_such_image", f"there is no image {name}")
        return found[-1]


def _format(text: str) -> int | None:
    if text != "none" and not text.isdecimal():
        raise UserError("bad_command", f"{text!r} is no content format")
    return None if text == "none" else int(text)


def _value(path: str, text: str) -> objects.Value:
    """As the type of the resource has it."""
    try:
        return formats.decode(formats.TEXT, text.encode(), path)[path]
    except FormatError as error:
        raise UserError("bad_command", f"{text!r} is no value of {path}") from error
