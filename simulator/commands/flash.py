# SPDX-License-Identifier: MIT
"""`python -m simulator flash`: a flash file for a board, ready to boot."""

from pathlib import Path

import rich_click as click

from simulator.board import flash_file
from simulator.board.flash import MIB
from simulator.board.partition_csv import parse_size
from simulator.commands.files import read_file, write_file
from simulator.errors import UserError


def parse_flash_size(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """`8MiB`, `8M` or any number of bytes that is a power of two MiB."""
    if text is None:
        return None
    try:
        size = parse_size(text.removesuffix("iB"))
    except ValueError:
        size = 0
    if size not in flash_file.FLASH_SIZES:
        raise UserError("bad_size", f"flash size {text!r} is not 1MiB, 2MiB, 4MiB ... 128MiB")
    return size


@click.command("flash")
@click.option("--board", required=True, help="4MiB, 4MiB-wide, 8MiB, 16MiB, or a partition table as CSV file.")
@click.option("--firmware", required=True, type=click.Path(path_type=Path), help="App image for the first slot.")
@click.option("--fs", "files", type=click.Path(path_type=Path), help="Folder to put into the file system.")
@click.option("--nvs", "values", multiple=True, metavar="NAMESPACE.KEY=VALUE", help="i32 if decimal, else a blob.")
@click.option("--flash-size", callback=parse_flash_size, help="For a CSV file; default: the smallest that holds it.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Flash file to write.")
def command(
    board: str, firmware: Path, files: Path | None, values: tuple[str, ...], flash_size: int | None, output: Path
) -> None:
    """Make the flash of a board: table, app, blank otadata, files, NVS values.

    The app is checked first: a full .bin, a damaged image or one that does not fit the slot is refused.
    """
    where = flash_file.layout(board, flash_size)
    pairs = [flash_file.parse_value(text) for text in values]
    flash = flash_file.make(where, read_file(firmware), files, pairs)
    write_file(output, flash.read(0, flash.size))
    for row in where.partitions:
        click.echo(f"{row.label:<16} {row.offset:#10x} {row.size:>10,} bytes")
    click.echo(f"{output}: {flash.size // MIB} MiB of flash")
