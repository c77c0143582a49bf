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
    vectors = _load(file)
    held = 0
    for number, vector in enumerate(vectors, 1):
        try:
            mismatches = boot_vectors.check(vector)
        except UserError as error:
            raise UserError(error.code, f"vector {number}: {error.text}") from None
        held += not mismatches
        for mismatch in mismatches:
            click.echo(f"vector {number}: {mismatch}")
    click.echo(f"{held} of {len(vectors)} vectors hold")
    if held < len(vectors):
        context.exit(1)


def _load(file: Path) -> list[object]:
    try:
        vectors = json.loads(read_file(file))
    except ValueError as error:
        raise UserError("not_json", f"{file} is not JSON: {error}") from None
    if not isinstance(vectors, list) or not vectors:
        raise UserError("no_vectors", f"{file} holds no list of vectors")
    return vectors
