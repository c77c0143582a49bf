# SPDX-License-Identifier: MIT
"""A run that was kept in the midst of a flash operation goes on like one that lost its power there."""

import pytest

from simulator.campaign.case import Case
from simulator.campaign.run import Run, execute
from simulator.campaign.snapshot import Snapshot

EVERY = 4


def kept(case: Case, every: int) -> dict[int, Snapshot]:
    """Snapshots at one operation in so many of a run, by the operation's number."""
    found = {}
    run = Run(case)

    def keep(kind: str, address: int, size: int) -> None:
        if run.recorder.number % every == 0:
            found[run.recorder.number] = Snapshot(run)

    run.observers.append(keep)
    run.play()
    return found


@pytest.mark.parametrize(("story", "every"), [("update", EVERY), ("url", 3 * EVERY), ("both", 12 * EVERY)])
def test_copy_goes_on_like_a_run_of_its_own_to_the_last_entry(story, every):
    for number, snapshot in kept(Case(story, 3), every).items():
        copy = snapshot.cut(snapshot.operation.new)
        alone = execute(Case(story, 3, (f"cut={number}:after",)))
        outcome = copy.play()
        assert outcome.entries == alone.entries
        assert (outcome.erases, outcome.board_s, outcome.journals) == (alone.erases, alone.board_s, alone.journals)


def test_copies_of_one_snapshot_do_not_meet():
    snapshot = kept(Case("update", 3), 20)[20]
    first, second = (snapshot.cut(snapshot.operation.old) for _ in range(2))
    assert first.play().entries == second.play().entries
    assert first.recorder.entries is not second.recorder.entries
