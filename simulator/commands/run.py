# SPDX-License-Identifier: MIT
"""`python -m simulator run`: one whole update, good or broken on purpose, told and summed up."""

import json
import tempfile
from pathlib import Path

import rich_click as click

from simulator import breakage, interpreters, software
from simulator.board.build import NO_LINE_NUMBERS
from simulator.board.image import ImageError, parse
from simulator.board_files import for_cloud
from simulator.commands.files import read_file
from simulator.commands.lwm2m_choices import choices, side_of
from simulator.narrator import Narrator
from simulator.sides import SIDES
from simulator.update import SIZE, Bench, Summary

_TARGET = "1.1.0"
_BREAKS = "\n".join(f"{name}: {what}." for name, what in breakage.KINDS.items())


@click.command("run", help=f"Run one whole update on a simulated board against a mock cloud.\n\n{_BREAKS}")
@click.option("--from", "start", default="1.0.0", show_default=True, help="Version on the board.")
@click.option("--to", "target", help="Version that the cloud offers; default: the image's own if it has one, or 1.1.0.")
@click.option("--break", "kind", type=click.Choice(list(breakage.KINDS)), help="What is wrong with the new one.")
@click.option(
    "--image", type=click.Path(path_type=Path), help="Offer this app image; the agent is on the board's files."
)
@click.option(
    "--software",
    "software_path",
    type=click.Path(path_type=Path),
    help="Offer this software package instead, a file that `software make` has made.",
)
@click.option("--interpreter", help=f"{', '.join(interpreters.NAMES)}; default: the best there is.")
@click.option("--heap", help="Heap of MicroPython, such as 96k; our images then have no line numbers, as a board's.")
@click.option("--size", default=SIZE, show_default=True, type=click.IntRange(min=1), help="Bytes of our images.")
@click.option("--trial", default=10, show_default=True, type=click.IntRange(2, 3600), help="Seconds of a trial boot.")
@click.option(
    "--timeout",
    default=120.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds until it counts as stuck.",
)
@click.option("--cloud", type=click.Choice(list(SIDES)), default="thingsboard", show_default=True)
@choices
@click.option("--json", "as_json", is_flag=True, help="Nothing but the JSON summary.")
def command(
    start: str,
    target: str | None,
    kind: str | None,
    image: Path | None,
    software_path: Path | None,
    interpreter: str | None,
    heap: str | None,
    size: int,
    trial: int,
    timeout: float,
    as_json: bool,
    cloud: str,
    strategy: str | None,
    method: str | None,
    protocol: str | None,
) -> int:
    """The last line on stdout is the summary as JSON. Exit 0 if the board ended where it should, 1 if not."""
    if sum(given is not None for given in (image, kind, software_path)) > 1:
        raise click.UsageError("--image, --break and --software do not go together")
    chosen = interpreters.find(interpreter) if interpreter else interpreters.best()
    given = read_file(image) if image else None
    package = {}
    if software_path:
        given = read_file(software_path)
        contents = software.inspect(given)
        target, package = contents.version, {"title": contents.title, "type": "SOFTWARE"}
    target = target if target is not None else version_of(given) or _TARGET
    optimise = NO_LINE_NUMBERS if heap else 0
    data = breakage.package(kind, target, size, optimise) if given is None else given
    narrator = Narrator()
    tell = {} if as_json else {"on_event": narrator, "on_told": narrator.told}
    narrator.expect(len(data))
    about = {
        "side": side_of(cloud, chosen, strategy, method, protocol),
        "heap": heap,
        "size": size,
        "optimise": optimise,
        "trial_s": trial,
    }
    with (
        tempfile.TemporaryDirectory() as scratch,
        Bench(
            start, chosen, files=for_cloud(cloud, Path(scratch, "files")) if image else None, **about, **tell
        ) as bench,
    ):
        summary = bench.update(
            target, data, works=kind is None, corrupt=kind == "bad-digest", timeout_s=timeout, **package
        )
    narrator.close()
    if not as_json:
        click.echo(sentence(summary))
    click.echo(json.dumps(summary.as_dict()))
    return 0 if summary.expected else 1


def version_of(data: bytes | None) -> str:
    """What the image says of itself; empty if it says nothing, as released MicroPython, or is no image."""
    try:
        found = parse(data or b"").descriptor
    except ImageError:
        found = None
    return found.version if found else ""


def sentence(summary: Summary) -> str:
    """The summary for people."""
    error = f" ({summary.error})" if summary.error else ""
    verdict = "as it should" if summary.expected else "NOT as it should"
    return (
        f"{summary.result}{error}: {summary.running_version} runs in {summary.running_slot} after {summary.boots} "
        f"boots, {verdict}; on {summary.interpreter}"
    )
