# SPDX-License-Identifier: MIT
"""LwM2M in the campaign: a sample of its cases, what they have found before, and that they can fail."""

import itertools

import pytest

from simulator.campaign import branches, lwm2m_cases
from simulator.campaign.case import Case
from simulator.campaign.engine import work
from simulator.campaign.planted import hunt
from simulator.campaign.planted_lwm2m import LWM2M_BUGS, LWM2M_SOFTWARE_BUGS
from simulator.campaign.run import execute
from simulator.campaign.stories import LWM2M, LWM2M_SOFTWARE
from simulator.errors import UserError


def cut_before(story: str, area: str, nth: int = 0) -> Case:
    """The power goes before that operation of the agent."""
    clean = execute(Case(story, 0, ("cycles=0",))).entries_of("op")
    numbers = [entry["number"] for entry in clean if (entry["area"], entry["by"]) == (area, "app")]
    return Case(story, 0, (f"cut={numbers[nth]}:before",))


@pytest.mark.parametrize("story", (*LWM2M, *LWM2M_SOFTWARE))
def test_a_story_without_faults_ends_as_it_should(story):
    outcome = execute(Case(story))
    assert outcome.ends == ["rolled_back" if story == "lwm2m-rollback" else "updated"]
    assert outcome.record()["violations"] == []


def test_datagrams_and_cuts_are_all_survived():
    for case in itertools.islice(lwm2m_cases.all_cases(3), 0, None, 13):
        assert execute(case).record()["violations"] == [], case


def test_cuts_of_software_are_all_survived():
    cases = list(itertools.islice(lwm2m_cases.software_cases(3), 0, None, 190))
    assert [record["case"] for record in branches.records(cases) if record["violations"]] == []


@pytest.mark.parametrize("story", LWM2M_SOFTWARE)
def test_what_is_kept_of_software_is_cut_at_every_byte(story):
    cut = {text for case in lwm2m_cases.software_cases(3) if case.story == story for text in case.faults}
    records = [entry for entry in execute(Case(story)).entries_of("op") if entry["area"] == "nvs"]
    sizes = {entry["number"]: entry["size"] for entry in records if entry["operation"] == "program"}
    assert {f"cut={number}:byte:{n}" for number, size in sizes.items() for n in range(1, size)} <= cut


@pytest.mark.parametrize("bug", LWM2M_SOFTWARE_BUGS, ids=lambda bug: bug.name)
def test_bug_planted_into_object_9_is_found(bug):
    assert hunt(bug).case


def test_no_state_is_told_that_was_before_what_has_been_read():
    assert execute(Case.parse("lwm2m datagram=lost:7:up")).record()["violations"] == []


def test_state_1_is_written_down_together_with_its_job():
    """Once a board that lost its power in between said for ever that it downloads."""
    clean = execute(Case("lwm2m", 0, ("cycles=0",))).entries
    begun = next(place for place, entry in enumerate(clean) if "ota downloading" in entry.get("line", ""))
    numbers = [entry["number"] for entry in clean[:begun] if entry["event"] == "op" and entry["area"] == "nvs"]
    for number in numbers[-12:]:
        assert execute(Case("lwm2m", 0, (f"cut={number}:before", "cycles=0"))).record()["violations"] == []


def test_a_push_whose_power_was_cut_begins_anew_with_the_next_attempt():
    outcome = execute(cut_before("lwm2m-push", "ota_1", -1))
    assert [entry["end"] for entry in outcome.told("state", "FIRMWARE") if entry["end"]] == ["again", "updated"]
    assert outcome.record()["violations"] == []


@pytest.mark.parametrize("story", ["lwm2m", "lwm2m-push"])
def test_an_order_that_a_power_cut_has_overtaken_is_given_again(story):
    outcome = execute(cut_before(story, "otadata"))
    assert [entry["step"] for entry in outcome.entries_of("task")].count("executing") == 2
    assert outcome.ends == ["updated"]
    assert outcome.record()["violations"] == []


def test_planted_bug_is_found():
    bug = next(bug for bug in LWM2M_BUGS if bug.name == "obeys an order from before a power cut")
    assert execute(cut_before("lwm2m", "otadata"), bug.sources()).record()["violations"]


def test_cuts_of_a_cloud_that_cannot_be_kept_are_played_one_by_one():
    lines = [f"lwm2m cut={number}:before" for number in (30, 31)]
    assert [record["case"] for record in work(lines)] == [str(Case.parse(line)) for line in lines]


@pytest.mark.parametrize("text", ["lost", "lost:x", "cut:3", "lost:3:4", "gone:3", "lost:3:down", "twice:3:up:up"])
def test_a_fault_of_datagrams_that_makes_no_sense_is_refused(text):
    with pytest.raises(UserError) as refusal:
        Case("lwm2m", 0, (f"datagram={text}",)).make_faults()
    assert refusal.value.code == "bad_case"
