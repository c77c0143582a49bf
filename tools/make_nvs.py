# SPDX-License-Identifier: MIT
"""`python -m tools.make_nvs NAMESPACE.KEY=VALUE ... -o FILE`: an NVS partition in ESP-IDF's format."""

import sys
from pathlib import Path

import rich_click as click

from simulator.__main__ import main
from simulator.board import flash_file
from simulator.board.flash import SECTOR, Flash
from simulator.board.nvs import Nvs
from simulator.board.partition_csv import parse_size
from simulator.commands.files import write_file
from simulator.errors import UserError

_MIN_PAGES = 3


@click.command()
@click.argument("values", nargs=-1, required=True, metavar="NAMESPACE.KEY=VALUE...")
@click.option("--size", default="0x4000", show_default=True, help="Size of the partition, as in a CSV table.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Partition image to write.")
def command(values: tuple[str, ...], size: str, output: Path) -> None:
    """Write values into a new NVS partition: a decimal number as i32, anything else as blob."""
    flash = Flash(_parse_nvs_size(size))
    flash_file.store(Nvs(flash, 0, flash.size), [flash_file.parse_value(text) for text in values])
    write_file(output, flash.read(0, flash.size))
    click.echo(f"{output}: {len(values)} values in {flash.size:#x} bytes")


def _parse_nvs_size(text: str) -> int:
    try:
        size = parse_size(text)
    except ValueError:
        size = 0
    if size % SECTOR or not _MIN_PAGES * SECTOR <= size <= flash_file.FLASH_SIZES[-1]:
        raise UserError(
            "bad_size", f"NVS takes whole pages of 4 KiB, three at least and no more than a flash, not {text}"
        )
    return size


if __name__ == "__main__":
    sys.exit(main(command=command, name="python -m tools.make_nvs"))
