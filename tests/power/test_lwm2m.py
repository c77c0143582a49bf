# SPDX-License-Identifier: MIT
"""LwM2M in the campaign: a sample of its cases, what they have found before, and that they can fail."""

import itertools
from collections.abc import Iterable, Iterator

import pytest

from simulator.board.net import Packet
from simulator.campaign import branches, lwm2m_cases, plan
from simulator.campaign.case import Case
from simulator.campaign.engine import work
from simulator.campaign.planted import hunt
from simulator.campaign.planted_lwm2m import LWM2M_BUGS, LWM2M_MESSAGE_BUGS, LWM2M_SOFTWARE_BUGS
from simulator.campaign.run import Run, execute
from simulator.campaign.stories import LWM2M, LWM2M_SOFTWARE
from simulator.errors import UserError

MESSAGE_RULES = {
    "appends each block that is pushed, wherever it belongs": "L20",
    "takes a block that was cut short for a whole one": "L27",
    "takes any answer for that to its last request": "L20",
    "says nothing twice": "L36",
}


def faults_of(cases: Iterable[Case]) -> set[tuple[str, str]]:
    """(story, fault) of each fault of a datagram."""
    return {(case.story, text) for case in cases for text in case.faults if text.startswith("datagram=")}


def datagrams() -> Iterator[tuple[str, int, str, int]]:
    """Story, number, direction and size of each that is sent in a short pull and a short push."""
    for story in ("lwm2m", "lwm2m-push"):
        down, up = lwm2m_cases.said(story)
        yield from ((story, number, "", size) for number, size in enumerate(down))
        yield from ((story, number, ":up", size) for number, size in enumerate(up))


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


@pytest.mark.parametrize("kind", ["lost", "twice", "late", "overtaken"])
def test_each_datagram_of_both_stories_meets_each_fault_in_both_directions(kind):
    wanted = {(story, f"datagram={kind}:{number}{side}") for story, number, side, _ in datagrams()}
    assert len(wanted) > 150
    assert wanted <= faults_of(lwm2m_cases.all_cases(3))


def test_each_datagram_is_cut_short_where_it_begins_and_where_it_ends():
    found, known = faults_of(lwm2m_cases.all_cases(3)), set()
    for story, number, side, size in datagrams():
        step = 2 if (story, side, size) in known else 1  # the second one like this: at each second place
        known.add((story, side, size))
        places = {*range(number % step, min(size, 25), step), size // 2, size - 1}
        assert {(story, f"datagram=cut:{number}:{at}{side}") for at in places} <= found


def test_each_datagram_is_cut_short_at_every_byte_in_the_full_campaign():
    found = faults_of(lwm2m_cases.all_cases(3, plan.SIZES["full"].apart))
    for story, number, side, size in datagrams():
        assert {(story, f"datagram=cut:{number}:{at}{side}") for at in range(size)} <= found


@pytest.mark.parametrize("fault", ["overtaken:7:up", "overtaken:9"])
def test_a_datagram_that_is_overtaken_comes_after_its_repetition(fault):
    run = Run(Case("lwm2m", 0, (f"datagram={fault}",)))
    is_up, number = fault.endswith(":up"), int(fault.split(":")[1])
    sent: list[Packet] = []

    def note(packet: Packet) -> list[Packet]:
        sent.extend([packet] if packet.to_device != is_up else [])
        return [packet]

    run.twin.net.faults.insert(0, note)
    run.play()
    first = sent[number]
    repeated = [packet.at - first.at for packet in sent[number + 1 :] if packet.content == first.content]
    assert repeated[0] < 4500


def test_a_uri_whose_end_is_cut_off_is_refused_and_that_is_all():
    outcome = execute(Case("lwm2m", 0, ("datagram=cut:6:20",)))
    assert outcome.ends == ["failed"]
    assert outcome.record()["violations"] == []


@pytest.mark.parametrize("bug", LWM2M_MESSAGE_BUGS, ids=lambda bug: bug.name)
def test_bug_planted_into_messages_is_found(bug):
    catch = hunt(bug)
    assert catch.cases < 10
    assert MESSAGE_RULES[bug.name] in catch.invariants


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
