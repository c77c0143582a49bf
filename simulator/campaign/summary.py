# SPDX-License-Identifier: MIT
"""What the records of a campaign add up to: one row a story, the cases that failed, the worst figures."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Record = dict[str, Any]

ENDS = ("updated", "rolled_back", "failed", "stuck", "unbootable")  # from the best to the worst
_LATER = re.compile(r"later=[0-9]+:")
_NAME = re.compile(r"([a-z][a-z0-9-]*?)(?:x(?:[0-9]+|\*))?")  # without "xTIMES"
COLUMNS = (
    "story",
    "cases",
    "distinct",
    "cuts",
    "failures",
    "downloaded again, B",
    "extra boots",
    "erases of a slot sector",
    "worst s",
    "typical s",
)


@dataclass(frozen=True)
class Totals:
    """A story's figures. `distinct`: without the cases that go on exactly as another one does, after cuts that leave
    the very same cells behind or cells that the next start mends to the same, or a link whose end came to the same.

    `redownloaded` (bytes), `extra_boots`, `erases` (of one slot sector) and `worst_s` are the
    worst of any case; seconds are those a board would take, `typical_s` is the median.
    """

    story: str
    cases: int
    distinct: int
    cuts: int
    failures: int
    redownloaded: int
    extra_boots: int
    erases: int
    worst_s: float
    typical_s: float
    ends: dict[str, int]

    def row(self) -> list[object]:
        """As in COLUMNS."""
        counts = [self.story, self.cases, self.distinct, self.cuts, self.failures]
        worst = [self.redownloaded, self.extra_boots, self.erases]
        return [*counts, *worst, f"{self.worst_s:,.1f}", f"{self.typical_s:,.1f}"]


@dataclass(frozen=True)
class Summary:
    """`one_cut` is over the cases of one cut and nothing else, `total` over all; `failing` are the records with a
    violation, in the order they came."""

    stories: Sequence[Totals]
    one_cut: Totals
    total: Totals
    failing: Sequence[Record]
    broken: dict[str, int]  # invariant -> cases that broke it
    kinds: dict[str, dict[str, int]]  # fault that is no cut, as "flash stuck-0" -> end -> cases

    @property
    def rows(self) -> list[list[object]]:
        """The closing table: a row for each story, for the cases of one cut, and for all."""
        return [totals.row() for totals in (*self.stories, self.one_cut, self.total)]


def dearest(records: Sequence[Record]) -> list[str]:
    """A line for each thing that one cut may cost: the most of it, in how many cases, and what was cut there."""
    done = {record["story"]: record["operations"] for record in records if record["operations"]}
    lines = []
    for name, figure in (("downloaded again, B", "redownloaded"), ("extra boots", "extra_boots")):
        single = [record for record in single_cuts(records) if record[figure] and record["story"] in done]
        most = _worst(record[figure] for record in single)
        worst = [record for record in single if record[figure] == most]
        cut = {"{} {} by {}".format(*done[record["story"]][record["op"] - 1]) for record in worst}
        if worst:
            lines.append(f"one cut, {name}: {most:,} in {len(worst):,} cases, cut at {', '.join(sorted(cut))}")
    return lines


def summarize(records: Sequence[Record]) -> Summary:
    """Adds up the records of `Outcome.record()`; stories in the order they first appear."""
    stories: dict[str, list[Record]] = {}
    for record in records:
        stories.setdefault(record["story"], []).append(record)
    failing = [record for record in records if record["violations"]]
    broken = Counter(name for record in failing for name in {name for name, _ in record["violations"]})
    return Summary(
        [_totals(story, group) for story, group in stories.items()],
        _totals("one cut", single_cuts(records)),
        _totals("all", records),
        failing,
        {name: broken[name] for name in sorted(broken, key=_by_number)},
        _kinds(records),
    )


def single_cuts(records: Iterable[Record]) -> list[Record]:
    """The cases of one cut that happened and nothing else: those that have a place in the pictures of cuts."""
    return [
        record
        for record in records
        if record["op"] is not None and sum(not fault.startswith("cycles=") for fault in record["faults"]) == 1
    ]


def count_cuts(record: Record) -> int:
    """How many power cuts the case names."""
    return sum(fault.startswith("cut=") for fault in record["faults"])


def kind_of(fault: str) -> str:
    """What a fault is, without where and when: "flash stuck-0", "net cut", "cloud chunk drop", "cut"."""
    if fault.startswith("cut="):
        return "cut"
    found = [_NAME.fullmatch(word) for word in re.split("[=:]", _LATER.sub("", fault))]
    words = [name[1] for name in found if name]
    return " ".join(words[: 3 if words[0] == "cloud" else 2])


def replay_line(record: Record) -> str:
    """What to type to see this case again."""
    return "python -m simulator replay " + shlex.quote(record["case"])


def _kinds(records: Sequence[Record]) -> dict[str, dict[str, int]]:
    """How cases ended, by the kind of each fault in them, power cuts left out."""
    kinds: dict[str, dict[str, int]] = {}
    for record in records:
        for kind in set(map(kind_of, record["faults"])):
            if kind != "cut":
                kinds.setdefault(kind, dict.fromkeys(ENDS, 0))[record["end"]] += 1
    return dict(sorted(kinds.items()))


def _totals(story: str, records: Sequence[Record]) -> Totals:
    seconds = [record["board_s"] for record in records]
    ends = Counter(record["end"] for record in records)
    return Totals(
        story,
        len(records),
        sum(record["like"] is None for record in records),
        sum(map(count_cuts, records)),
        sum(bool(record["violations"]) for record in records),
        _worst(record["redownloaded"] for record in records),
        _worst(record["extra_boots"] for record in records),
        _worst(record["erases_max"] for record in records),
        max(seconds, default=0.0),
        median(seconds) if seconds else 0.0,
        {end: ends[end] for end in ENDS},
    )


def _worst(figures: Iterable[int | None]) -> int:
    """The largest figure; None means that a case has none."""
    return max((figure for figure in figures if figure is not None), default=0)


def _by_number(name: str) -> tuple[int, str]:
    digits = "".join(filter(str.isdigit, name))
    return int(digits or 0), name
