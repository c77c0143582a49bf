# SPDX-License-Identifier: MIT
"""`device`: one board in board mode, from a flash file, against any server of these clouds."""

import json
import sys
from pathlib import Path

import rich_click as click

from simulator import interpreters
from simulator.board import flash_file
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.flash import Flash
from simulator.board.nvs import Nvs
from simulator.board.partition_table import TABLE_OFFSET, TABLE_SIZE, TableError, nvs_row, read_by_app
from simulator.board.power import Board
from simulator.board.story import Story, says
from simulator.clouds.rainmaker.pki import common_name
from simulator.commands.cloud_options import read
from simulator.errors import UserError
from simulator.sides import SIDES, Lwm2mSide

_NAMESPACE = "ota_cfg"
_FILE = click.Path(dir_okay=False)
_ENDS = {"updated": ("updated", "failed"), "failed": ("updated", "failed"), "idle": ("idle",)}
_REPORT_S = 30  # how long the board stays on after its end until the cloud has acknowledged the report
_ASKED_S = 5  # LwM2M: the server asks for the result by itself, once it has heard that the board is back


@click.command("device")
@click.option("--flash", "file", required=True, type=click.Path(path_type=Path), help="Flash file; changes stay in it.")
@click.option("--cloud", type=click.Choice(list(SIDES)), default="thingsboard", show_default=True)
@click.option("--host", help="Where the cloud listens: MQTT, or CoAP for LwM2M.")
@click.option("--port", type=click.IntRange(1, 65535), help="Its port.")
@click.option("--token", help="ThingsBoard: access token of the device.")
@click.option("--ca", type=_FILE, help="Certificate of the CA that the server is checked with, PEM; so TLS it is.")
@click.option("--cert", type=_FILE, help="Certificate of the device, PEM.")
@click.option("--key", type=_FILE, help="Its key, PEM.")
@click.option("--node-id", help="RainMaker: id of the node; by default that in the certificate.")
@click.option("--product", help="Own broker: name of the product, a part of each topic.")
@click.option("--device-id", help="Own broker: name of the device; by default the board's, from its MAC.")
@click.option("--endpoint", help="LwM2M: name of the device; by default the board's, from its MAC.")
@click.option("--lifetime", type=click.IntRange(1), metavar="S", help="LwM2M: of the registration.")
@click.option("--security", type=click.Choice(["nosec", "cert", "psk"]), help="LwM2M: how the board is known.")
@click.option("--psk-id", help="LwM2M: name of the key; by default the endpoint's.")
@click.option("--psk-key", metavar="HEX", help="LwM2M: the key, in hexadecimal.")
@click.option("--user", help="Own broker: user name.")
@click.option("--password", help="Its password.")
@click.option("--interpreter", help=f"{', '.join(interpreters.NAMES)}; default: the best there is.")
@click.option("--heap", help="Heap of MicroPython, such as 96k.")
@click.option("--until", type=click.Choice(list(_ENDS)), default="updated", show_default=True, help="When to stop.")
@click.option("--timeout", default=300.0, show_default=True, metavar="S", help="Give up after this many seconds.")
@click.option("--json", "as_json", is_flag=True, help="The result as one JSON object.")
def command(
    file: Path,
    cloud: str,
    host: str | None,
    port: int | None,
    token: str | None,
    ca: str | None,
    cert: str | None,
    key: str | None,
    node_id: str | None,
    product: str | None,
    device_id: str | None,
    endpoint: str | None,
    lifetime: int | None,
    security: str | None,
    psk_id: str | None,
    psk_key: str | None,
    user: str | None,
    password: str | None,
    interpreter: str | None,
    heap: str | None,
    until: str,
    timeout: float,
    as_json: bool,
) -> int:
    """Run one board from a flash file, over real sockets, until its agent has come to an end.

    What is given of host, port, token and certificates is written to NVS first, as a provisioning tool would. The
    console comes on stderr, the result on stdout. Exit 0: the state was reached; 1: another end, or none in time.
    """
    settings = {"cloud": cloud, "host": host, "port": port, "token": token, "node_id": node_id}
    settings |= {"product": product, "device_id": device_id, "user": user, "password": password}
    settings |= {"endpoint": endpoint, "lifetime": lifetime, "security": security}
    settings |= {"psk_id": psk_id or (endpoint if psk_key else None), "psk_key": psk_key}
    settings |= _credentials(cloud, node_id, ca=ca, cert=cert, key=key)
    chosen = interpreters.find(interpreter) if interpreter else interpreters.best()
    clock = RealClock()
    flash = Flash.open(file, clock)
    try:
        provision(flash, settings)
        story = Story()
        with Board(Chip(flash, clock), chosen, heap=heap, on_event=lambda event: _tell(story, event)) as board:
            why = board.run(lambda event: says(event, *_ENDS[until]), timeout_s=timeout)
            if why == "until" and until != "idle":
                board.run(lambda event: says(event, "reported"), timeout_s=_REPORT_S)
                if cloud == Lwm2mSide.NAME:
                    board.run(timeout_s=_ASKED_S)
            peak_heap = board.peak_heap
    finally:
        flash.close()
    is_reached = why == "until" and until in story.states
    result = next((state for state in reversed(story.states) if state in _ENDS[until]), why) if why == "until" else why
    summary = {
        "schema": 1,
        "result": result,
        "error": story.error,
        "running_version": story.version,
        "running_slot": story.slot,
        "boots": story.boots,
        "states": story.states,
        "peak_heap": peak_heap,
        "interpreter": chosen.name,
    }
    click.echo(json.dumps(summary) if as_json else _text(summary))
    return 0 if is_reached else 1


def _credentials(cloud: str, node_id: str | None, **files: str | None) -> dict[str, int | str | bytes | None]:
    """The files' contents, and what follows from them. Raises UserError: no_such_file, bad_certificate."""
    found: dict[str, int | str | bytes | None] = {name: read(file) for name, file in files.items() if file}
    if cloud in ("thingsboard", "broker") and "ca" in found:
        found["tls"] = 1  # elsewhere it goes without saying, or others say it
    if cloud == "rainmaker" and "cert" in found and node_id is None:
        found["node_id"] = common_name(read(str(files["cert"])))
    return found


def provision(flash: Flash, settings: dict[str, int | str | bytes | None]) -> None:
    """Writes settings to NVS namespace "ota_cfg"; None means: leave what is there. Raises UserError."""
    try:
        rows = read_by_app(flash.read(TABLE_OFFSET, TABLE_SIZE))
    except TableError as error:
        raise UserError("bad_flash_file", f"no partition table in the flash file: {error}") from None
    row = nvs_row(rows)
    if row is None:
        raise UserError("no_nvs", "the table has no data partition nvs, labelled nvs")
    values = [
        (_NAMESPACE, key, value.encode() if isinstance(value, str) else value)
        for key, value in settings.items()
        if value is not None
    ]
    flash_file.store(Nvs(flash, row.offset, row.size), values)


def _tell(story: Story, event: dict) -> None:
    """The console goes to stderr as it comes, with a line for each boot and reset."""
    story.add(event)
    if event["event"] == "console":
        print(event["line"], file=sys.stderr, flush=True)
    elif event["event"] == "boot":
        print(f"-- boot {event['number']}: {event['slot'] or event['why']}", file=sys.stderr, flush=True)
    elif event["event"] == "reset":
        print(f"-- reset: {event['why']}", file=sys.stderr, flush=True)


def _text(summary: dict) -> str:
    """For people: one line."""
    running = f"{summary['running_version'] or 'unknown version'} in {summary['running_slot']}"
    error = f" ({summary['error']})" if summary["error"] else ""
    return f"{summary['result']}{error}: {running}, {summary['boots']} boots, on {summary['interpreter']}"
