# SPDX-License-Identifier: MIT
"""What the commands of all mock clouds take, and how they read it."""

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import click

from simulator.commands.cloud_sites import Wanted
from simulator.errors import UserError

PORT = click.IntRange(0, 65_535)
FILE = click.Path(dir_okay=False)
FAULT = click.option("--fault", "faults", multiple=True, metavar="RULE", help="Misbehaviour, see below.")
HOST = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
SEED = click.option("--seed", default=0, show_default=True, help="Seed of everything that is random in the cloud.")
timing = functools.partial(click.option, show_default=True, metavar="MS", type=click.IntRange(0))
_REST = click.option("--rest-port", type=PORT, default=0, show_default=True, help="REST for people; 0: any free port.")
_PAGES: tuple[Callable, ...] = (
    click.option("--dashboard", is_flag=True, help="A page that shows the devices and their updates, live."),
    click.option("--dashboard-port", type=PORT, default=8090, show_default=True, help="Where; 0: any free port."),
    click.option("--fleet", default=0, metavar="N", type=click.IntRange(0, 50), help="Run N simulated boards."),
)


def sites(command: Callable) -> Callable:
    """The options for what is beside the devices; `command` gets them as `wanted`, and `host` with the others."""
    return _REST(pages(command))


def pages(command: Callable) -> Callable:
    """The same for a cloud without REST."""

    @functools.wraps(command)
    def run(
        host: str, dashboard: bool, dashboard_port: int, fleet: int, rest_port: int | None = None, **others: Any
    ) -> Any:
        wanted = Wanted(host, rest_port, dashboard_port if dashboard else None, fleet)
        return command(host=host, wanted=wanted, **others)

    for option in reversed(_PAGES):
        run = option(run)
    return run


def read(file: str) -> bytes:
    """Raises UserError("no_such_file")."""
    try:
        return pathlib.Path(file).read_bytes()
    except OSError as error:
        raise UserError("no_such_file", f"cannot read {file}: {error.strerror}") from error


def write(file: str | pathlib.Path, data: bytes) -> None:
    """Raises UserError("cannot_write")."""
    try:
        pathlib.Path(file).write_bytes(data)
    except OSError as error:
        raise UserError("cannot_write", f"cannot write {file}: {error.strerror}") from error


def pairs(text: str, known: tuple[str, ...], code: str) -> dict[str, str]:
    """KEY=VALUE,... with keys that are known, else UserError(code)."""
    fields = dict(pair.partition("=")[::2] for pair in text.split(","))
    if unknown := [key for key in fields if key not in known]:
        raise UserError(code, f"{text!r}: {unknown[0]!r} is none of {', '.join(known)}")
    return fields
