# SPDX-License-Identifier: MIT
"""Which cases a campaign has. `full` is all there is; `quick` a sample of each kind for every change."""

import itertools
from collections.abc import Iterator

from simulator.campaign import cuts, fault_cases, search
from simulator.campaign.case import Case
from simulator.campaign.run import execute
from simulator.campaign.stories import SOFTWARE, STORIES, VARIATIONS

_BYTEWISE = ("update", "rollback", "fallback")  # the others write the same records once more
_PAIRED = ("update", "rollback")
_THIRD = 3  # of the cuts, in variations of a story: no divisor of the number of modes, so each mode comes everywhere
_MANY = 700  # runs of 3 to 20 cuts, for each story of firmware
_MANY_SOFTWARE = 60  # a run of many cuts takes five times as long with files
_SCHEDULES = 10_000  # of the search
_SHARES = {"full": 1, "quick": 97}


def cases(seed: int, *, quick: bool = False) -> Iterator[Case]:
    """No fault; one cut everywhere in every story; other faults; random schedules; all pairs of cuts; many cuts."""
    share = _SHARES["quick" if quick else "full"]
    operations = {story: execute(Case(story)).entries_of("op") for story in STORIES}
    yield from (Case(story, seed) for story in STORIES)
    for story in STORIES:
        everywhere = cuts.everywhere(story, operations[story], seed, bytewise=story in _BYTEWISE)
        yield from itertools.islice(everywhere, 0, None, share * (_THIRD if story in VARIATIONS else 1))
    yield from itertools.islice(fault_cases.all_cases(seed), 0, None, share)
    yield from search.cases(_SCHEDULES // share, seed)
    for story in _PAIRED:
        count = len(execute(Case(story, seed, (cuts.ONCE,))).entries_of("op"))
        modes = itertools.product(cuts.MODES, repeat=2)
        yield from itertools.islice(cuts.pairs(story, count, tuple(modes), seed), 0, None, share)
    for story in STORIES:
        number = _MANY_SOFTWARE if story in SOFTWARE else _MANY
        yield from cuts.many(story, len(operations[story]), -(-number // share), seed)
