# SPDX-License-Identifier: MIT
"""`python -m simulator bench`: how fast the agent downloads, as a ratio to the least that a download can be."""

import json

import rich_click as click

from simulator import coap_speed, interpreters, speed
from simulator.commands.table import show
from simulator.speed import Result


@click.command("bench")
@click.option("--interpreter", help=f"{', '.join(interpreters.NAMES)}; default: the best there is.")
@click.option("--quick", is_flag=True, help="Small images, once each: to see that it works.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(interpreter: str | None, quick: bool, as_json: bool) -> None:
    """Time the download of an update against a bare loop: receive, sha256, flash write, over the same line.

    Compare ratios of one run only: seconds depend on the machine, and on what else it does.
    """
    chosen = interpreters.find(interpreter) if interpreter else interpreters.best()
    if not as_json:
        click.echo(f"{chosen.name} ({chosen.version}); takes {'some seconds' if quick else 'half a minute'}", err=True)
    results = speed.compare(chosen, quick=quick)
    if coap_speed.is_there():
        results += coap_speed.compare(chosen, quick=quick)
    if as_json:
        facts = {"schema": 1, "interpreter": chosen.name, "version": chosen.version}
        click.echo(json.dumps(facts | {"results": [vars(result) for result in results]}))
        return
    show(f"Download on {chosen.name} ({chosen.version}), medians", _COLUMNS, [_row(result) for result in results])
    click.echo("ratio: throughput, where the bare loop over the same line is 1. Flash work takes no time here;")
    click.echo("CoAP, one block at a time: where libcoap's own client at libcoap's server is 1.")
    click.echo("on a board: seconds that flash work and booting take an ESP32 up to the reset (esp32.md 6.1).")


_COLUMNS = ("line, what", "bytes", "runs", "seconds", "ms/block", "KiB/s", "ratio", "on a board")


def _row(result: Result) -> list[object]:
    figures = f"{result.seconds:.3f}", f"{result.ms_block:.2f}", round(result.kib_s), f"{result.ratio:.3f}"
    return [f"{result.line}, {result.what}", result.size, result.repetitions, *figures, f"{result.board_s:.0f} s"]
