# SPDX-License-Identifier: MIT
"""`python -m tools.make_partition_table FILE.csv -o FILE.bin`: a table as it goes to flash offset 0x8000."""

import sys
from pathlib import Path

import rich_click as click

from simulator.__main__ import main
from simulator.board import flash_file
from simulator.board.partition_table import to_binary
from simulator.commands.files import write_file
from simulator.commands.flash import parse_flash_size


@click.command()
@click.argument("table", metavar="FILE.csv")
@click.option("--flash-size", callback=parse_flash_size, help="Refuse a table that needs more.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Binary table to write.")
def command(table: str, flash_size: int | None, output: Path) -> None:
    """Compile a partition table in Espressif's CSV dialect (or that of a named board) to 3072 bytes."""
    rows = flash_file.layout(table, flash_size).partitions
    write_file(output, to_binary(rows))
    click.echo(f"{output}: {len(rows)} partitions")


if __name__ == "__main__":
    sys.exit(main(command=command, name="python -m tools.make_partition_table"))
