# SPDX-License-Identifier: MIT
"""A product that has a say in its updates: what is kept of it is cut at every byte, and the checks can fail."""

import itertools

import pytest

from simulator.campaign import branches, facts, plan
from simulator.campaign.case import Case
from simulator.campaign.planted import hunt
from simulator.campaign.planted_control import CONTROL_BUGS
from simulator.campaign.run import execute

EVERY = 29
QUICK = {
    "keeps in RAM only what was switched off": "C1",
    "switches off for good": "C2",
    "takes no time off a deferral at a reset": "C2",
    "resets although that is held": "C3",
    "never forgets what was put off": "C4",
}


def test_story_has_a_switch_a_hold_and_a_deferral_that_all_end_by_themselves():
    lines = [entry["line"] for entry in execute(Case("control")).entries_of("console")]
    told = [line for line in lines if line.startswith(("product", "ota deferred", "ota control", "ota downloading"))]
    assert told == [
        "product off",
        "ota deferred reason=disabled: busy count=1",
        "ota control over=off reason=busy",
        "ota downloading",
        "product held",
        "ota deferred reason=reset held: pouring count=2",
    ]


def test_operations_that_write_a_new_fact_are_found_by_themselves():
    written = facts.written("control")
    found = facts.beyond_usual("control")
    assert found == {number for number, names in written.items() if "control" in names}
    assert not facts.beyond_usual("url")
    names = {text.partition(":")[0] for case in plan.control_cases() for text in case.faults if ":byte:" in text}
    assert names <= {f"cut={number}" for number in found}
    assert len(names) > len(found) / 2  # the others erase


def test_cuts_of_the_power_are_all_survived():
    cases = list(itertools.islice(plan.control_cases(3), 0, None, EVERY))
    assert [record["case"] for record in branches.records(cases) if record["violations"]] == []


@pytest.mark.parametrize("name", QUICK)
def test_planted_bug_is_caught(name):
    catch = hunt(next(bug for bug in CONTROL_BUGS if bug.name == name))
    assert catch.case is not None
    assert QUICK[name] in catch.invariants
