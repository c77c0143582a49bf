# SPDX-License-Identifier: MIT
"""The end of a campaign: a table on stdout, and a page with pictures that needs nothing but itself.

    summary = report.show(records)
    page = report.write(records, Path("build/powercut"), {"seed": "1"}, limit=8192)

Beside the page: `summary.json`, and `records.jsonl` with one case a line, for whoever wants other pictures.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulator.campaign import stories
from simulator.campaign.summary import COLUMNS, ENDS, Record, Summary, count_cuts, dearest, replay_line, summarize
from simulator.commands.table import show as show_table
from simulator.errors import UserError

PAGE = "report.html"
_TEMPLATE = Path(__file__).with_name("report.html.j2")
_MOST_FAILING = 100  # on the page; all of them are in records.jsonl


def show(records: Sequence[Record]) -> Summary:
    """Prints the closing table and, for each failing case, the line that replays it."""
    summary = summarize(records)
    show_table("The campaign", COLUMNS, summary.rows)
    for line in dearest(records):
        print(line)
    for record in summary.failing:
        print(replay_line(record))
    return summary


def write(
    records: Sequence[Record],
    folder: Path,
    about: Mapping[str, str],
    limit: int | None = None,
) -> Path:
    """Writes the page and its data; returns the page's path. Raises UserError if the folder cannot be written.

    `about`: how the records were made, shown at the foot. `limit`: bytes that one cut may cost, a line in its picture.
    """
    summary = summarize(records)
    page = _render(records, summary, about, limit)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        (folder / "summary.json").write_text(json.dumps(to_json(summary) | {"about": dict(about)}, indent=1))
        (folder / PAGE).write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError("cannot_write", f"{folder}: {error.strerror}") from None
    return folder / PAGE


def to_json(summary: Summary) -> dict[str, object]:
    """The summary as JSON has it."""
    return {
        "schema": 1,
        "one_cut": dataclasses.asdict(summary.one_cut),
        "total": dataclasses.asdict(summary.total),
        "stories": [dataclasses.asdict(totals) for totals in summary.stories],
        "failing": [record["case"] for record in summary.failing],
        "broken": summary.broken,
        "kinds": summary.kinds,
    }


def _render(records: Sequence[Record], summary: Summary, about: Mapping[str, str], limit: int | None) -> str:
    from jinja2 import Environment, StrictUndefined  # these two take a second to import, and the table needs neither

    from simulator.campaign import pictures

    rows = stories.partitions().values()
    areas = [(row.label, row.offset // pictures.SECTOR, row.size // pictures.SECTOR) for row in rows]
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_TEMPLATE.read_text("utf-8"))
    return template.render(
        summary=summary,
        dearest=dearest(records),
        columns=COLUMNS,
        ends_in_order=ENDS,
        about=about,
        limit=limit,
        failing=[(record, replay_line(record)) for record in summary.failing[:_MOST_FAILING]],
        several=sum(count_cuts(record) > 1 for record in records),
        heat_map=pictures.heat_map(records) if summary.one_cut.cases else "",
        redownloads=pictures.redownloads(records, limit) if summary.one_cut.cases else "",
        erases=pictures.erases(records, areas) if any(record["erases"] for record in records) else "",
        ends=pictures.ends(summary.stories) if records else "",
        extra_boots=pictures.extra_boots(records) if summary.one_cut.cases else "",
    )
