# SPDX-License-Identifier: MIT
"""Pictures of a campaign, each an SVG element to put into a page: where the power went, and what that cost.

Colours go from light to dark as ends go from good to bad, so that all of it can be read in grey as well.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from simulator.campaign import operations
from simulator.campaign.cuts import MODES
from simulator.campaign.summary import ENDS, Record, Totals, single_cuts

COLOURS = dict(zip(ENDS, ("#d3ecdd", "#86bbe0", "#8470b8", "#b3401f", "#1b1020"), strict=True))
WORDS = {end: end.replace("_", " ") for end in ENDS}
SECTOR = 4096
_INK, _PALE, _NOTHING, _ALARM = "#27313d", "#dde3ea", "#f4f6f9", "#c8102e"
_BAR = "#4d7ea8"
_WIDTH = 10.4  # inches
_MOST_COLUMNS = 260
_OPERATION = "flash operation at which the power went"
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "campaign",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _PALE,
    "axes.labelcolor": _INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
}


@mpl.rc_context(_STYLE)
def heat_map(records: Sequence[Record]) -> str:
    """Each story: flash operation x mode, coloured by how the case ended; a cross where an invariant broke.

    Below each story: what these operations are, if a record without faults tells.
    """
    stories = _by_story(single_cuts(records))
    known = {record["story"]: record["operations"] for record in records if record["operations"]}
    heights = [len(_modes(group)) + (story in known) for story, group in stories.items()]
    figure, panels = _panels(stories, [0.27 * height + 0.75 for height in heights], heights)
    for axes, (story, group) in zip(panels, stories.items(), strict=True):
        _draw_map(axes, story, group)
        if story in known:
            operations.draw(axes, known[story], len(_modes(group)))
    shown = {record["end"] for group in stories.values() for record in group}
    panels[-1].set_xlabel(_OPERATION)
    marks = [Patch(facecolor=COLOURS[end], edgecolor=_INK, lw=0.5, label=WORDS[end]) for end in ENDS if end in shown]
    figure.legend(handles=marks, loc="outside upper right", ncols=len(ENDS))
    if known:
        figure.legend(handles=operations.legend(), loc="outside lower right", ncols=4)
    return _svg(figure)


@mpl.rc_context(_STYLE)
def redownloads(records: Sequence[Record], limit: int | None) -> str:
    """Each story: bytes written again after a cut at this operation, in the worst of its modes; `limit` as a line."""
    stories = _by_story(single_cuts(records))
    figure, panels = _panels(stories, [1.7] * len(stories))
    for axes, (story, group) in zip(panels, stories.items(), strict=True):
        worst: dict[int, int] = {}
        for record in group:
            worst[record["op"]] = max(worst.get(record["op"], 0), record["redownloaded"] or 0)
        axes.bar(list(worst), list(worst.values()), width=0.85, color=_BAR)
        if limit is not None:
            axes.axhline(limit, color=_ALARM, lw=1.2, ls="--")
            axes.annotate(f"limit {limit:,}", (1, limit), xycoords=("axes fraction", "data"), va="bottom", ha="right")
        axes.set(title=story, ylabel="bytes", xlim=(min(worst) - 1, max(worst) + 1))
        axes.set_ylim(0, max([limit or 0, *worst.values(), 1]) * 1.25)
        _tidy(axes)
    panels[-1].set_xlabel(_OPERATION)
    return _svg(figure)


@mpl.rc_context(_STYLE)
def erases(records: Sequence[Record], areas: Sequence[tuple[str, int, int]]) -> str:
    """How often a sector was erased in one case: the worst case, and the median of all that tell.

    `areas`: (name, first sector, number of sectors) of the flash, in order.
    """
    told = [record["erases"] for record in records if record["erases"]]
    counts = {int(n): [erases.get(n, 0) for erases in told] for n in set().union(*told)}
    parts = [(name, [n for n in sorted(counts) if first <= n < first + size]) for name, first, size in areas]
    parts = [(name, sectors) for name, sectors in parts if sectors]
    figure = Figure(figsize=(_WIDTH, 2.7), layout="constrained")
    shares = [max(len(sectors), 3) for _, sectors in parts] or [1]
    panels = figure.subplots(1, len(shares), width_ratios=shares, sharey=True, squeeze=False)[0]
    for axes, (name, sectors) in zip(panels, parts, strict=False):
        places = range(len(sectors))
        axes.bar(places, [max(counts[n]) for n in sectors], width=0.85, color="#a9c6de", label="worst case")
        axes.bar(places, [float(np.median(counts[n])) for n in sectors], width=0.4, color=_INK, label="typical")
        axes.set(title=name, xticks=[0], xticklabels=[f"0x{sectors[0] * SECTOR:x}"], xlim=(-0.8, len(sectors) - 0.2))
        _tidy(axes)
    panels[0].set_ylabel("erases of a sector")
    panels[0].yaxis.get_major_locator().set_params(integer=True)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return _svg(figure)


@mpl.rc_context(_STYLE)
def ends(stories: Sequence[Totals]) -> str:
    """Each story: the share of cases that ended in each way."""
    figure = Figure(figsize=(_WIDTH / 2, 0.42 * len(stories) + 1.1), layout="constrained")
    axes = figure.subplots()
    for row, totals in enumerate(stories):
        left = 0.0
        for end, number in totals.ends.items():
            share = 100 * number / max(totals.cases, 1)
            axes.barh(row, share, left=left, color=COLOURS[end], edgecolor="white", height=0.72)
            if share > 9:
                ink = "white" if ENDS.index(end) > 1 else _INK
                axes.text(left + share / 2, row, f"{number:,}", ha="center", va="center", color=ink)
            left += share
    axes.set(yticks=range(len(stories)), yticklabels=[totals.story for totals in stories], xlabel="% of cases")
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    _tidy(axes, "x")
    return _svg(figure)


@mpl.rc_context(_STYLE)
def extra_boots(records: Sequence[Record]) -> str:
    """How many boots a single cut has cost."""
    boots = Counter(record["extra_boots"] for record in single_cuts(records) if record["extra_boots"] is not None)
    figure = Figure(figsize=(_WIDTH / 2, 2.6), layout="constrained")
    axes = figure.subplots()
    places = sorted(boots)
    bars = axes.bar([str(n) for n in places], [boots[n] for n in places], color=_BAR, width=0.7)
    axes.bar_label(bars, [f"{boots[n]:,}" for n in places], padding=2)
    axes.set(xlabel="extra boots", ylabel="cases")
    axes.margins(y=0.15)
    _tidy(axes)
    return _svg(figure)


def _by_story(records: Iterable[Record]) -> dict[str, list[Record]]:
    stories: dict[str, list[Record]] = {}
    for record in records:
        stories.setdefault(record["story"], []).append(record)
    return stories


def _modes(records: Iterable[Record]) -> list[str]:
    """The modes that occur, without their arguments: the usual ones in their order, then others."""
    found = {_mode(record) for record in records}
    return [mode for mode in MODES if mode in found] + sorted(found.difference(MODES))


def _mode(record: Record) -> str:
    return (record["mode"] or "none").split(":")[0]


def _panels(stories: dict, heights: list[float], ratios: list[int] | None = None) -> tuple[Figure, Sequence[Axes]]:
    """A figure with one wide panel a story; heights in inches."""
    figure = Figure(figsize=(_WIDTH, sum(heights) + 0.5), layout="constrained")
    return figure, figure.subplots(len(stories), 1, squeeze=False, height_ratios=ratios)[:, 0]


def _draw_map(axes: Axes, story: str, records: Sequence[Record]) -> None:
    """The worst case of a cell decides its colour; many operations share columns."""
    modes = _modes(records)
    last = max(record["op"] for record in records)
    per_column = -(-(last + 1) // _MOST_COLUMNS)
    cells = np.full((len(modes), last // per_column + 1), np.nan)
    broken = set()
    for record in records:
        place = modes.index(_mode(record)), record["op"] // per_column
        cells[place] = np.nanmax([cells[place], ENDS.index(record["end"])])
        if record["violations"]:
            broken.add(place)
    edges = np.arange(cells.shape[1] + 1) * per_column - 0.5
    colours = ListedColormap([COLOURS[end] for end in ENDS])
    axes.pcolormesh(
        edges,
        np.arange(len(modes) + 1),
        cells,
        cmap=colours,
        vmin=-0.5,
        vmax=4.5,
        ec="white",
        lw=0.6 * (cells.shape[1] < 100),
    )
    axes.set_facecolor(_NOTHING)
    centres = [((column + 0.5) * per_column - 0.5, row + 0.5) for row, column in sorted(broken)]
    if centres:
        for colour, size, width in (("white", 9, 4.6), (_ALARM, 8, 2.0)):  # seen on light and dark, in colour and grey
            axes.plot(*zip(*centres, strict=True), "x", color=colour, ms=size, mew=width)
    axes.set(title=story, yticks=np.arange(len(modes)) + 0.5, yticklabels=modes)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _tidy(axes: Axes, grid: str = "y") -> None:
    axes.set_axisbelow(True)
    axes.grid(axis=grid, color=_PALE, lw=0.7)
    axes.tick_params(length=0)
    (axes.yaxis if grid == "y" else axes.xaxis).set_major_formatter("{x:,.0f}")


def _svg(figure: Figure) -> str:
    """The figure as an SVG element, the same for the same data."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"^.*?(?=<svg)", "", text.getvalue(), flags=re.DOTALL)
