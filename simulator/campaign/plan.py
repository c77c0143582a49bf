# SPDX-License-Identifier: MIT
"""Which cases a campaign has: ten minutes of them, or twice as many, `full`; `quick` is a sample for every change."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.campaign import cuts, fault_cases, search
from simulator.campaign.case import Case
from simulator.campaign.run import execute
from simulator.campaign.stories import SOFTWARE, STORIES, VARIATIONS

_BYTEWISE = ("update", "rollback", "fallback")  # the others write the same records once more
_THIRD = 3  # of the cuts, in variations of a story: no divisor of the number of modes, so each mode comes everywhere
_SCHEDULES = 10_000  # of the search


@dataclass(frozen=True)
class Size:
    """Of everything one in `share`. `pairs`: of the pairs of cuts in a story, in all modes, one in so many.

    `many`, `many_software`: runs of 3 to 20 cuts for each story; with files one takes five times as long.
    """

    share: int
    pairs: dict[str, int]
    many: int
    many_software: int


SIZES = {
    "quick": Size(97, {"update": 97, "rollback": 97}, 7, 1),
    "standard": Size(1, {"update": 1, "rollback": 1}, 100, 20),
    "full": Size(1, {"update": 1, "url": 1, "rollback": 1, "unhealthy": 1}, 700, 60),
}


def cases(seed: int, size: str = "standard") -> Iterator[Case]:
    """No fault; one cut everywhere in every story; other faults; random schedules; pairs of cuts; many cuts."""
    of = SIZES[size]
    operations = {story: execute(Case(story)).entries_of("op") for story in STORIES}
    yield from (Case(story, seed) for story in STORIES)
    for story in STORIES:
        everywhere = cuts.everywhere(story, operations[story], seed, bytewise=story in _BYTEWISE)
        yield from itertools.islice(everywhere, 0, None, of.share * (_THIRD if story in VARIATIONS else 1))
    yield from itertools.islice(fault_cases.all_cases(seed), 0, None, of.share)
    yield from cuts.brief(search.cases(_SCHEDULES // of.share, seed))
    for story, step in of.pairs.items():
        count = len(execute(Case(story, seed, (cuts.ONCE,))).entries_of("op"))
        yield from itertools.islice(cuts.pairs(story, count, seed), 0, None, step)
    for story in STORIES:
        yield from cuts.many(story, len(operations[story]), of.many_software if story in SOFTWARE else of.many, seed)
