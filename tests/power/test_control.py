# SPDX-License-Identifier: MIT
"""A product that has a say in its updates, and software that needs newer firmware: what is kept of both is cut at every
byte, and the checks can fail."""

import itertools

import pytest

from simulator.campaign import branches, facts, plan
from simulator.campaign.case import Case
from simulator.campaign.planted import hunt
from simulator.campaign.planted_control import CONTROL_BUGS, RUNTIME_BUGS
from simulator.campaign.run import execute

EVERY = 29
QUICK = {
    "keeps in RAM only what was switched off": "C1",
    "switches off for good": "C2",
    "takes no time off a deferral at a reset": "C2",
    "resets although that is held": "C3",
    "never forgets what was put off": "C4",
}
REFUSED = "ota failed error=runtime_too_old: needs thermometer >= 1.1.0 kind=software"


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


@pytest.mark.parametrize(
    ("story", "told", "ends"),
    [
        ("runtime-refused", [REFUSED], ["failed"]),
        ("runtime", [REFUSED, "ota downloading", "ota downloading kind=software"], ["failed", "updated", "updated"]),
        ("runtime-rollback", [REFUSED, "ota downloading"], ["failed", "rolled_back", "failed"]),
    ],
)
def test_software_that_needs_newer_firmware_is_refused_once_and_goes_in_when_that_is_confirmed(story, told, ends):
    outcome = execute(Case(story))
    lines = [entry["line"] for entry in outcome.entries_of("console")]
    assert [line for line in lines if line.startswith(("ota failed error=runtime", "ota downloading"))] == told
    assert outcome.ends == ends
    assert outcome.record()["violations"] == []


def test_record_of_what_is_refused_for_its_firmware_is_cut_at_every_byte():
    first = facts.first_beyond_usual("runtime-refused")
    assert [facts.written("runtime-refused")[number] for number in first] == [{"runtime"}] * len(first)
    again = facts.beyond_usual("runtime") - facts.first_beyond_usual("runtime")
    assert {name for number in again for name in facts.written("runtime")[number]} == {"runtime", "last"}
    cases = list(plan.runtime_cases(3))
    cut = {text for case in cases for text in case.faults if text.startswith("cut=")}
    written = [entry for entry in execute(Case("runtime-refused")).entries_of("op") if entry["number"] in first]
    assert {f"cut={entry['number']}:byte:{n}" for entry in written for n in range(1, entry["size"])} <= cut
    assert {f"cut={number}" for number in again} <= {text.partition(":")[0] for text in cut}
    assert [record["case"] for record in branches.records(cases[::29]) if record["violations"]] == []


def test_firmware_that_loses_its_trial_leaves_the_software_refused():
    operations = execute(Case("runtime")).entries_of("op")
    begun = [entry["number"] for entry in operations if entry["by"] == "bootloader"][-1]
    outcome = execute(Case("runtime", 0, (f"cut={begun}:after",)))
    assert outcome.ends == ["failed", "rolled_back", "failed"]
    assert outcome.record()["violations"] == []


@pytest.mark.parametrize("bug", RUNTIME_BUGS, ids=lambda bug: bug.name)
def test_bug_planted_into_what_needs_newer_firmware_is_caught(bug):
    assert "C6" in hunt(bug).invariants


@pytest.mark.parametrize("name", QUICK)
def test_planted_bug_is_caught(name):
    catch = hunt(next(bug for bug in CONTROL_BUGS if bug.name == name))
    assert catch.case is not None
    assert QUICK[name] in catch.invariants
