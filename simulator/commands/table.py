# SPDX-License-Identifier: MIT
"""Tables on stdout: with lines on a terminal, plain aligned text when piped."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

_PIPED_WIDTH = 160


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints one table. The first column is text, the others are right-aligned; None is an empty cell."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, padding=(0, 1), pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*["" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row])
    console.print(title, style="bold", markup=False)
    console.print(table)
    console.print()
