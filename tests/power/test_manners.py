# SPDX-License-Identifier: MIT
"""An image that crashes when it was confirmed is left, and left alone, and flash rests, whatever cut comes between."""

import itertools

import pytest

from simulator.campaign import branches, cuts, facts, plan
from simulator.campaign.case import Case
from simulator.campaign.planted import hunt
from simulator.campaign.planted_manners import MANNERS_BUGS
from simulator.campaign.run import execute

EVERY = 149
CAUGHT = {
    "forgets at a reset how often it has crashed": "I4",
    "takes the loss of power for a crash": "W1",
    "watches for ever": "I4",
    "watches no more before it has gone back": "I4",
    "goes back without a note of it": "W2",
    "takes again what has failed": "W3",
    "erases as often as it likes": "W4",
    "starts again and again what cannot start": "W6",
    "takes a restart in good order for the end of a trial": "I4",
}
_TOLD = ("ota returning", "ota failed", "ota deferred", "ota updated", "ota confirmed", "ota erasing")


def test_story_is_of_a_watch_a_way_back_a_rest_and_a_quarantine():
    outcome = execute(Case("manners"))
    lines = [entry["line"] for entry in outcome.entries_of("console") if entry["line"].startswith(_TOLD)]
    assert lines == [
        "ota erasing size=400",
        "ota updated",
        "ota confirmed",
        "ota returning slot=ota_0 version=unknown why=2 crashes while it was watched",
        "ota failed error=rolled_back: 2 crashes while it was watched",
        "ota confirmed",
        "ota deferred reason=wear_budget count=1",
        "ota erasing size=400",
        "ota updated",
        "ota confirmed",
        "ota failed error=rolled_back_before",
    ]
    assert outcome.ends == ["rolled_back", "updated", "failed"]


def test_what_cannot_start_is_started_three_times_and_mended_and_each_note_of_it_is_cut_at_every_byte():
    outcome = execute(Case("safe-mode"))
    lines = [entry["line"] for entry in outcome.entries_of("console")]
    assert (lines.count("product begins"), lines.count("ota safe_mode"), outcome.ends) == (3, 1, ["updated"])
    counts, text = facts.of_number("safe-mode", "crashes"), facts.first_beyond_usual("safe-mode")
    assert [entry["size"] for entry in counts] == [32, 4, *(32, 4, 4) * 3], "1, 2, 3 and, on the trial of another, 0"
    assert set().union(*(facts.written("safe-mode")[number] for number in text)) == {"crash"}
    cases = list(plan.crashes_cases(3))
    assert {f"cut={entry['number']}:byte:1" for entry in counts} <= {case.faults[-1] for case in cases}
    assert [record["case"] for record in branches.records(cases[::3]) if record["violations"]] == []


def test_a_restart_in_good_order_on_a_trial_is_cut_everywhere_and_the_trial_ends_once():
    outcome = execute(Case("leaving"))
    boots = [(entry["slot"], entry["on_trial"]) for entry in outcome.entries_of("boot")]
    assert (boots[1:4], outcome.ends) == ([("ota_1", True), ("ota_1", True), ("ota_1", False)], ["updated"])
    cases = list(plan.leaving_cases(3))
    numbers = {entry["number"]: entry for entry in outcome.entries_of("op")}
    cut = {numbers[number]["area"] for case in cases for number in (cuts.operation_of(case.faults[-1]),)}
    assert cut == {"nvs", "otadata"}
    texts = {case.faults[-1] for case in cases}
    noted = facts.of_number("leaving", "crashes")  # ORDERLY, and at the next start none again
    kept = [entry for entry in numbers.values() if entry["area"] == "otadata" and entry["size"] == 4]
    assert ([entry["size"] for entry in noted], len(kept)) == ([32, 4, 32, 4, 4], 1)
    begun = numbers[max(entry["number"] for entry in noted[:2]) + 2]
    assert (begun["area"], begun["by"], begun["size"]) == ("otadata", "bootloader", 32)
    for entry in (*noted, *kept, begun):
        assert {f"cut={entry['number']}:byte:{count}" for count in range(1, entry["size"])} <= texts
    assert [record["case"] for record in branches.records(cases[::4]) if record["violations"]] == []


def test_operations_that_write_its_facts_are_found_by_themselves():
    written = facts.written("manners")
    names = set().union(*(written[number] for number in facts.beyond_usual("manners")))
    assert {"watch", "bad", "control"} <= names


def test_end_of_a_quarantine_is_written_with_a_clock_and_at_every_byte_of_it_the_power_is_cut():
    story = "rainmaker-rollback"
    first = facts.first_beyond_usual(story)
    assert set().union(*(facts.written(story)[number] for number in first)) >= {"bad", "free"}
    sizes = {entry["number"]: entry["size"] for entry in execute(Case(story)).entries_of("op")}
    number = max(first, key=lambda number: sizes[number])
    cases = list(plan.dated_cases(1))
    assert sum(f"cut={number}:byte" in str(case) for case in cases) == sizes[number] - 1
    assert [record["case"] for record in branches.records(cases[::9]) if record["violations"]] == []


def test_cuts_of_the_power_are_all_survived():
    cases = list(itertools.islice(plan.manners_cases(3), 0, None, EVERY))
    assert [record["case"] for record in branches.records(cases) if record["violations"]] == []


@pytest.mark.parametrize("bug", MANNERS_BUGS, ids=lambda bug: bug.name)
def test_planted_bug_is_caught(bug):
    catch = hunt(bug)
    assert catch.case is not None
    assert CAUGHT[bug.name] in catch.invariants
