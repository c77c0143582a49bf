# SPDX-License-Identifier: MIT
"""A share of the campaign for every change: one cut here and there in every story, the modes taken in turn."""

import pytest

from simulator.campaign import cuts
from simulator.campaign.case import Case
from simulator.campaign.engine import sweep
from simulator.campaign.run import execute
from simulator.campaign.stories import STORIES, VARIATIONS


def operations(story: str) -> list[dict]:
    return execute(Case(story)).entries_of("op")


@pytest.mark.parametrize("story", STORIES)
def test_cut_anywhere_breaks_no_invariant(story):
    number = len(operations(story))
    places = range(1, number + 1, 1 + number // (24 if story in VARIATIONS else 70))
    cases = [Case(story, at, (f"cut={at}:{cuts.MODES[at % len(cuts.MODES)]}",)) for at in places]
    records = list(sweep(cases, 2))
    assert [(record["case"], record["violations"]) for record in records if record["violations"]] == []
    assert [record["op"] for record in records] == list(places)


def test_cuts_in_great_number_break_no_invariant():
    records = list(sweep(cuts.many("update", len(operations("update")), 40, 5), 2))
    assert [record["case"] for record in records if record["violations"]] == []
    assert {record["end"] for record in records} <= {"updated", "rolled_back", "failed"}  # after too many starts


@pytest.mark.parametrize("mode", [*cuts.MODES, "byte:100"])
def test_cut_leaves_between_the_old_cells_and_the_new(mode):
    """An erase cut in the mode "random" may leave anything; a program only clears bits that are to be cleared."""
    fault = Case("update", 1, (f"cut=1:{mode}",)).make_faults()[0]
    fault._recorder = type("Recorder", (), {"number": 1})
    old, new = bytes([0b1111_0101]) * 512, bytes([0b0101_0100]) * 512
    try:
        cells = fault._operation("program", 0, 512)(old, new)
    except BaseException:
        assert mode == "before"
        return
    assert len(cells) == 512
    assert all(cell & ~0b1111_0101 == 0 and ~cell & 0b0101_0100 == 0 for cell in cells)
    assert (cells == new) == (mode == "after")


def test_everywhere_has_each_mode_at_each_operation_and_small_records_at_each_byte():
    cases = {case.faults[-1] for case in cuts.everywhere("update", operations("update"))}
    for entry in operations("update"):
        assert {f"cut={entry['number']}:{mode}" for mode in cuts.MODES} <= cases
        if entry["area"] == "otadata" and entry["operation"] == "program":
            assert f"cut={entry['number']}:byte:31" in cases
