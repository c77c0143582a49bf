# SPDX-License-Identifier: MIT
"""`python -m simulator powercut-selftest`: bugs put into the firmware on purpose, each of which has to be caught."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import rich_click as click

from simulator.campaign.planted import PLANTED, Catch, hunt
from simulator.commands.table import show


@click.command("powercut-selftest")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes; default: one for each core.")
def command(jobs: int | None) -> int:
    """Plant bugs in the firmware, one at a time, and let the campaign look for each. Exit 1 if one survives."""
    with ProcessPoolExecutor(jobs or os.cpu_count() or 1, multiprocessing.get_context("spawn")) as pool:
        catches = list(pool.map(hunt, PLANTED))
    show("Planted bugs", ("bug", "cases", "caught by", "case"), [_row(catch) for catch in catches])
    survivors = [catch for catch in catches if catch.case is None]
    click.echo(f"{len(catches) - len(survivors)} of {len(catches)} caught")
    return 1 if survivors else 0


def _row(catch: Catch) -> list[object]:
    return [catch.bug.name, catch.cases, ", ".join(catch.invariants) or "SURVIVED", str(catch.case or "")]
