# SPDX-License-Identifier: MIT
"""The row below a heat map: what each flash operation is, where, and who does it."""

import itertools
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

_INK = "#27313d"
_PROGRAM, _ERASE = 0, 1
_SHADES = {
    "slot": ("#d9d2c3", "#8c7f63"),
    "otadata": ("#f0c9a8", "#b8713a"),
    "nvs": ("#cfd6dc", "#74818d"),
    "vfs": ("#c9dfc3", "#5f8a55"),
}
_LETTER = 1.15  # operations that a letter of a label is wide, where a story has a hundred
_WIDE = 100


def draw(axes: Axes, operations: Sequence[Sequence[str]], row: int) -> None:
    """Adds a row below the `row` that are there. `operations`: [erase or program, area, bootloader or app] from 1."""
    places = enumerate(operations, 1)
    for (area, by), group in itertools.groupby(places, key=lambda place: (place[1][1], place[1][2])):
        numbers = [(number, operation) for number, (operation, _, _) in group]
        for number, operation in numbers:
            colour = _shades(area)[_ERASE if operation == "erase" else _PROGRAM]
            axes.broken_barh([(number - 0.5, 1)], (row + 0.25, 0.75), facecolor=colour, edgecolor="white", lw=0.4)
        begin, end = numbers[0][0] - 0.5, numbers[-1][0] + 0.5
        if by == "bootloader":
            axes.plot([begin, end], [row + 0.16, row + 0.16], color=_INK, lw=2.4, solid_capstyle="butt")
        if end - begin > len(area) * _LETTER * len(operations) / _WIDE:
            axes.text((begin + end) / 2, row + 0.64, area, ha="center", va="center", fontsize=8, color=_INK)
    axes.set_yticks([*axes.get_yticks(), row + 0.62], [*(text.get_text() for text in axes.get_yticklabels()), "what"])
    axes.set_ylim(row + 1.05, 0)


def legend() -> list[Artist]:
    """What its colours mean."""
    patches = [
        Patch(facecolor=shades[kind], label=f"{word} {area}")
        for area, shades in _SHADES.items()
        for kind, word in ((_ERASE, "erase"), (_PROGRAM, "program"))
    ]
    return [*patches, Line2D([], [], color=_INK, lw=2.4, label="by the bootloader")]


def _shades(area: str) -> tuple[str, str]:
    return _SHADES["slot" if area.startswith("ota_") else area]
