# SPDX-License-Identifier: MIT
"""`python -m simulator replay "CASE"`: the story of one run of the campaign."""

from collections.abc import Iterator

import rich_click as click
from rich.console import Console

from simulator.board.net import EPOCH_MS
from simulator.campaign.case import Case
from simulator.campaign.run import execute

_BOARD = {
    "boot": "boots {slot}, which holds {holds}{trial}",
    "off": "OFF: {why}",
    "reset": "reset: {why}",
    "repl": "the program has ended",
    "op": "{number:4d} {operation} {area} {address:#x}+{size}, by the {by}",
    "set_boot": "set_boot({label})",
    "mark_valid": "mark_app_valid",
    "console": "  {line}",
    "offer": "--- {version} is offered",
    "cycle": "--- the power is switched off and on",
}
_CLOUD = (
    *("telemetry", "attribute_response", "initiated", "chunk", "close", "fault"),
    *("otafetch", "otaurl", "otastatus", "stream_request", "stream_refused", "block", "http", "ignored"),
)


@click.command("replay")
@click.argument("line", metavar="CASE")
def command(line: str) -> int:
    """Run one case of the campaign and tell all of it: console, flash operations, cuts, what the cloud saw.

    CASE is one argument in quotes, as `powercut` prints it: "update seed=1 cut=17:prefix". Exit 1 if an invariant is
    broken.
    """
    outcome = execute(Case.parse(line))
    console = Console(highlight=False, soft_wrap=True)
    for text, style in _told(outcome.entries):
        console.print(text, style=style, markup=False)
    record = outcome.record()
    console.print(
        f"\n{outcome.case}: {record['end']}, {record['boots']} boots ({record['extra_boots']} extra),"
        f" {record['redownloaded']} bytes downloaded again, {record['board_s']} s on a board",
        markup=False,
    )
    for name, text in record["violations"]:
        console.print(f"BROKEN {name}: {text}", style="bold red", markup=False)
    if not record["violations"]:
        console.print("no invariant is broken", style="green")
    return 1 if record["violations"] else 0


def _told(entries: list[dict]) -> Iterator[tuple[str, str]]:
    """(line, style) for each entry that a person wants to see."""
    ms = 0
    for entry in entries:
        kind = entry["event"]
        ms = entry.get("ms", entry.get("at_ms", ms + EPOCH_MS) - EPOCH_MS)
        if entry.get("cloud") and kind in _CLOUD:
            facts = entry["values"] if kind == "telemetry" else _facts(entry)
            yield f"{ms / 1000:9.3f}    cloud: {kind} {facts}", "cyan"
        elif not entry.get("cloud") and kind in _BOARD:
            trial = " on trial" if entry.get("on_trial") else ""
            text = _BOARD[kind].format(**{**entry, "trial": trial})
            yield f"{ms / 1000:9.3f}  {text}", {"off": "bold red", "op": "dim"}.get(kind, "")


def _facts(entry: dict) -> str:
    hidden = ("event", "at_ms", "cloud", "device", "node")
    return " ".join(f"{key}={value}" for key, value in entry.items() if key not in hidden)
