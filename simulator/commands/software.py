# SPDX-License-Identifier: MIT
"""`python -m simulator software`: makes software packages for boards, and looks into them as a board does."""

import json
from dataclasses import asdict
from pathlib import Path

import rich_click as click

from simulator import software
from simulator.commands.files import read_file, write_file


@click.group("software")
def command() -> None:
    """Make software packages, or look into them."""


@command.command("make")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--title", required=True, help="What the package is; the cloud has to offer it by the same name.")
@click.option("--version", required=True, help="Which one; the cloud has to offer it as the same.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File to write; default: TITLE-VERSION.tar.")
@click.option("--mpy", is_flag=True, help="Compile .py to .mpy: smaller and quicker to import, for MicroPython only.")
def make(folder: Path, title: str, version: str, out: Path | None, mpy: bool) -> None:
    """Pack all files below FOLDER: app.py with its modules, lib, and data.

    The same folder makes the same bytes. What the board would refuse is refused here, with the same code.
    """
    data = software.make(folder, title, version, compiled=mpy)
    target = out or Path(f"{title}-{version}.tar".replace("/", "_"))
    write_file(target, data)
    click.echo(f"{target}: {title} {version}, {len(data):,} bytes")


@command.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(file: Path, as_json: bool) -> None:
    """Stage a package as a board does, and show what is in it."""
    data = read_file(file)
    contents = software.inspect(data)
    if as_json:
        click.echo(json.dumps(asdict(contents) | {"size": len(data)}))
        return
    click.echo(f"title    {contents.title}\nversion  {contents.version}\nsize     {len(data):,} bytes")
    for path, size in contents.files:
        click.echo(f"{size:>10,}  {path}")
