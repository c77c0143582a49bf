# SPDX-License-Identifier: MIT
"""`python -m simulator bootcheck FILE.json`: does the twin boot as the real chip did?"""

import json
from pathlib import Path

import rich_click as click

from simulator.board import boot_vectors
from simulator.commands.files import read_file
from simulator.errors import UserError


@click.command("bootcheck")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def command(context: click.Context, file: Path) -> None:
    """Replay boot vectors (a JSON list) on the twin.

    Prints each mismatch and how many vectors hold; exit status 0 only if all do.
    """
    results = [_check(number, vector) for number, vector in enumerate(_load(file), 1)]
    for number, mismatches in enumerate(results, 1):
        for mismatch in mismatches:
            click.echo(f"vector {number}: {mismatch}")
    held = results.count([])
    click.echo(f"{held} of {len(results)} vectors hold")
    if held < len(results):
        context.exit(1)


def _check(number: int, vector: object) -> list[str]:
    try:
        return boot_vectors.check(vector)
    except UserError as error:
        raise UserError(error.code, f"vector {number}: {error.text}") from None


def _load(file: Path) -> list[object]:
    try:
        vectors = json.loads(read_file(file))
    except (ValueError, RecursionError) as error:
        raise UserError("not_json", f"{file} is not JSON: {error}") from None
    if not isinstance(vectors, list) or not vectors:
        raise UserError("no_vectors", f"{file} holds no list of vectors")
    return vectors
