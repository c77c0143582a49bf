# SPDX-License-Identifier: MIT
"""Many cases at once, and one case made smaller."""

import pytest

from simulator.campaign.case import Case
from simulator.campaign.engine import shrink, sweep
from simulator.errors import UserError

CASES = [Case("update", 3, (f"cut={number}:random",)) for number in range(1, 60, 2)]


def test_sweep_gives_the_same_records_in_the_same_order_with_any_number_of_processes():
    assert list(sweep(CASES, 1)) == list(sweep(iter(CASES), 2))


def test_sweep_that_is_given_up_ends_its_processes():
    records = sweep(CASES, 2)
    assert next(records)["case"] == str(CASES[0])
    records.close()


def test_sweep_refuses_a_bad_case_from_another_process():
    with pytest.raises(UserError, match="nonsense"):
        list(sweep([Case("nonsense")], 2))


def test_shrink_leaves_the_faults_that_matter():
    case = Case("update", 3, ("cut=1:after", "cut=9:after", "cut=12:after", "cut=40:after"))
    smaller = shrink(case, lambda case: {"cut=9:after", "cut=40:after"} <= set(case.faults))
    assert smaller.faults == ("cut=9:after", "cut=40:after")


def test_shrink_of_a_story_that_fails_by_itself_leaves_no_fault():
    assert shrink(Case("update", 3, ("cut=1:after", "cut=9:after")), lambda case: True).faults == ()
