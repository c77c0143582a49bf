# SPDX-License-Identifier: MIT
"""Which cases a campaign has. `full` is all there is; `quick` a sample of each kind for every change."""

import itertools
from collections.abc import Iterator

from simulator.campaign import cuts, fault_cases, search
from simulator.campaign.case import Case
from simulator.campaign.run import execute
from simulator.campaign.stories import STORIES

_PAIRS = {
    "update": tuple(itertools.product(cuts.MODES, repeat=2)),
    "rollback": (("after", "prefix"), ("half", "random")),
}
_MANY = 3200  # runs of 3 to 20 cuts, for each story
_SCHEDULES = 10_000  # of the search
_SHARES = {"full": 1, "quick": 97}


def cases(seed: int, *, quick: bool = False) -> Iterator[Case]:
    """No fault; one cut everywhere in every story; other faults; random schedules; all pairs of cuts; many cuts."""
    share = _SHARES["quick" if quick else "full"]
    operations = {story: execute(Case(story)).entries_of("op") for story in STORIES}
    yield from (Case(story, seed) for story in STORIES)
    for story in STORIES:
        yield from itertools.islice(cuts.everywhere(story, operations[story], seed), 0, None, share)
    yield from itertools.islice(fault_cases.all_cases(seed), 0, None, share)
    yield from search.cases(_SCHEDULES // share, seed)
    for story, modes in _PAIRS.items():
        yield from itertools.islice(cuts.pairs(story, len(operations[story]), modes, seed), 0, None, share)
    for story in STORIES:
        yield from cuts.many(story, len(operations[story]), _MANY // share, seed)
