# SPDX-License-Identifier: MIT
"""Cases that begin alike are played together: each has the record that it has alone."""

import random

import pytest

from simulator.campaign import branches, cuts
from simulator.campaign.case import Case
from simulator.campaign.run import Run, execute
from simulator.campaign.stories import STORIES
from simulator.errors import UserError

OTHERS = [Case("url", 1, ("net=cut:900",)), Case("update", 1), Case("update", 1, ("cut=12:after", "net=cut:5000"))]


def some_cases(story: str) -> list[Case]:
    """Single cuts, pairs of which some never come, and many cuts; with a seed of their own."""
    rng = random.Random(story)
    operations = execute(Case(story)).entries_of("op")
    number = len(operations)
    firsts = [(rng.randrange(1, number), rng.choice(cuts.MODES)) for _ in range(2)]
    pairs = [
        Case(story, 5, (cuts.ONCE, f"cut={first}:{one}", f"cut={second}:{other}"))
        for first, one in firsts
        for second in rng.sample(range(first, number + 40), 2)
        for other in ("before", "random")
    ]
    return [
        *rng.sample(list(cuts.everywhere(story, operations, 5)), 6),
        *pairs,
        *cuts.many(story, number, 1, 5),
    ]


@pytest.mark.parametrize("story", STORIES)
def test_records_of_cases_played_together_are_those_of_each_alone(story):
    cases = some_cases(story)
    together = branches.records(cases)
    assert [record | {"like": None} for record in together] == [execute(case).record() for case in cases]


def test_cases_with_other_faults_are_among_them_in_their_order():
    cases = [Case("update", 1, ("cut=12:after",)), *OTHERS, Case("update", 1, ("cut=12:before",))]
    assert [record["case"] for record in branches.records(cases)] == list(map(str, cases))
    assert branches.records(OTHERS) == [execute(case).record() for case in OTHERS]


def erasing_what_is_erased() -> int:
    """The number of an operation that changes nothing."""
    return next(entry["number"] for entry in execute(Case("update")).entries_of("op") if entry["area"] == "ota_1")


def test_runs_that_are_alike_when_the_next_cut_comes_go_on_as_one():
    """A block that was torn in one way or another is erased and written again: then nothing tells them apart."""
    block = [entry["number"] for entry in execute(Case("update")).entries_of("op") if entry["area"] == "ota_1"][-2]
    cases = [Case("update", 1, (f"cut={block}:{mode}", f"cut={block + 20}:after")) for mode in cuts.MODES]
    records = branches.records(cases)
    after = str(cases[1])
    assert [record["like"] for record in records] == [None, None, after, after, after]
    assert [record | {"like": None} for record in records] == [execute(case).record() for case in cases]


def test_cuts_that_leave_the_same_cells_are_like_the_first_of_them():
    at = erasing_what_is_erased()
    cases = [Case("update", 1, (f"cut={at}:{mode}",)) for mode in cuts.MODES]
    like = {record["mode"]: record["like"] for record in branches.records(cases)}
    first = str(cases[0])
    assert like == {"before": None, "after": first, "prefix": first, "random": None, "half": first}


def test_what_is_alike_is_played_once():
    """The story up to operation 12, what follows that cut up to 39, and what follows the second one of each case."""
    played = []
    cases = [Case("update", 1, ("cut=12:after", f"cut={at}:after")) for at in range(20, 40)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "play", lambda run, play=Run.play: played.append(run.recorder.number) or play(run))
        branches.records(cases)
    assert played == [0, 12, *range(20, 40)]


def test_bad_case_is_refused():
    with pytest.raises(UserError, match="nonsense"):
        branches.records([Case("nonsense", 1, ("cut=1:after",))])
    with pytest.raises(UserError, match="sideways"):
        branches.records([Case("update", 1, ("cut=1:sideways",))])
