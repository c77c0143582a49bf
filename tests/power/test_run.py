# SPDX-License-Identifier: MIT
"""One case, from the first power-on to the last."""

import pytest

from simulator.campaign.case import Case
from simulator.campaign.run import execute
from simulator.campaign.stories import STORIES
from simulator.errors import UserError


@pytest.mark.parametrize("story", STORIES)
def test_run_without_faults_ends_as_the_story_says(story):
    outcome = execute(Case(story))
    assert outcome.ends == [step.end for step in STORIES[story].steps]
    assert not outcome.record()["violations"]


def test_run_of_the_same_case_twice_is_the_same_to_the_last_entry():
    """I24."""
    first, second = (execute(Case("update", 7, ("cut=30:random",))) for _ in range(2))
    assert first.entries == second.entries
    assert first.cuts == [30]


def test_run_of_an_unknown_story_is_refused():
    with pytest.raises(UserError, match="nonsense"):
        execute(Case("nonsense"))
