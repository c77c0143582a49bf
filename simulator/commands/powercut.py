# SPDX-License-Identifier: MIT
"""`python -m simulator powercut`: cuts the power everywhere, spoils flash and network, and judges every run."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from simulator.campaign import plan, report
from simulator.campaign.case import Case
from simulator.campaign.engine import shrink, sweep, violates
from simulator.campaign.invariants import RESUME_LIMIT
from simulator.campaign.summary import Record, replay_line, summarize

_SHRUNK = 10  # failing cases that are made smaller; the others are told as they are


@click.command("powercut")
@click.option("--quick", "size", flag_value="quick", help="A sample of every kind of case, in a minute.")
@click.option("--full", "size", flag_value="full", help="Many more pairs, rows and bytes: several times as long.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes; default: one for each core.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, (1 << 63) - 1), help="Of all randomness.")
@click.option("--output", default="build/powercut", show_default=True, type=click.Path(path_type=Path), help="Folder.")
@click.option("--json", "as_json", is_flag=True, help="Nothing but the JSON summary on stdout.")
def command(size: str | None, jobs: int | None, seed: int, output: Path, as_json: bool) -> int:
    """Cut the power at every flash operation of an update, spoil flash and network, and judge each run.

    Writes report.html and its data to the output folder. Exit 1 if any invariant is broken, with a line that replays
    each case.
    """
    start = time.monotonic()
    jobs = jobs or os.cpu_count() or 1
    cases = list(plan.cases(seed, size or "standard"))
    records = list(_watched(sweep(cases, jobs), len(cases)))
    about = {"seed": str(seed), "processes": str(jobs), "seconds": f"{time.monotonic() - start:.0f}"}
    page = report.write(records, output, about, RESUME_LIMIT)
    summary = summarize(records)
    if as_json:
        click.echo(json.dumps(report.to_json(summary) | {"about": about}))
    else:
        report.show(records)
        click.echo(f"{len(records)} cases in {about['seconds']} s; {page}")
    _tell_shrunk(summary.failing[:_SHRUNK])
    return 1 if summary.failing else 0


def _watched(records: Iterator[Record], total: int) -> Iterator[Record]:
    """The same records, with a bar on stderr when that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("cases", total=total)
        failures = 0
        for record in records:
            failures += bool(record["violations"])
            progress.update(task, advance=1, description=f"cases, {failures} failures" if failures else "cases")
            yield record


def _tell_shrunk(failing: list[Record]) -> None:
    """On stderr: what is broken, with no more faults than it takes."""
    for record in failing:
        smaller = shrink(Case.parse(record["case"]), violates)
        name, text = record["violations"][0]
        click.echo(f"{name}: {text}\n  {replay_line({'case': str(smaller)})}", err=True)
