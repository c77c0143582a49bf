# SPDX-License-Identifier: MIT
"""Where links can break is taken from what is really said."""

import pytest

from simulator.campaign import broker_cases, fault_cases, rainmaker_cases, stories
from simulator.campaign.case import Case
from simulator.campaign.run import Run, execute
from simulator.campaign.sides import SIDES
from simulator.campaign.talk import listen


def heard(line: str) -> list[dict]:
    """What the cloud has seen of a case."""
    run = Run(Case.parse(line))
    run.play()
    return run.cloud.events


def test_talk_is_all_that_travels_in_both_directions():
    down, up = listen("update")
    assert down.said[0].start == up.said[0].start == 0
    for talk in (down, up):
        assert all(one.end == other.start for one, other in zip(talk.said, talk.said[1:], strict=False))
    assert stories.SIZE < down.size < stories.SIZE + 2000
    assert not down.web().said


def test_talk_of_a_link_is_its_request_and_its_answer():
    down, up = (talk.web() for talk in listen("short-url"))
    assert (len(down.said), down.size) == (1, listen("short-url")[0].web().said[0].end)
    assert up.places() == list(range(up.said[0].start + 1, up.size + 1))
    assert down.said[0].size > stories.SHORTEST


@pytest.mark.parametrize("story", stories.SHORT)
def test_short_session_is_cut_at_every_byte_of_its_own(story):
    places = {case.faults[-1] for case in fault_cases.byte_cases() if case.story == story}
    down, up = listen(story)
    assert execute(Case(story)).end == "updated"
    if story in stories.SHORT_ON_THE_WEB:
        down, up = down.web(), up.web()
    wanted = {f"net=cut:{at}" for at in down.places()} | {f"net=cut:{at}:up" for at in up.places()}
    assert places == wanted
    assert len(down.places()) > stories.SHORTEST


def test_every_cloud_has_a_short_session():
    short = (*stories.SHORT, *stories.LWM2M)  # datagrams are cut, not the line
    assert {stories.find(story).cloud for story in short} == set(SIDES)


def test_seams_lose_the_last_report_and_the_answer_to_it():
    """No case did once, so a report that only a lost link sends again was never missed."""
    seen = set()
    for at in listen("update")[1].seams():
        events = heard(f"update net=cut:{at}:up")
        told = sum(event["event"] == "telemetry" and event["values"].get("fw_state") == "UPDATED" for event in events)
        seen.add((told, sum(event["event"] == "connect" for event in events)))
    assert (2, 5) in seen  # told again on one connection more, for the answer was lost
    assert (1, 5) in seen
    assert {told for told, _ in seen} == {1, 2}


def test_cut_cases_reach_the_end_of_every_story():
    faults = {(case.story, case.faults[0]) for case in fault_cases.cut_cases()}
    for seams in (rainmaker_cases.seam_cases, broker_cases.seam_cases):
        faults |= {(case.story, case.faults[0]) for case in seams()}
    for story in stories.STORIES:
        for talk, side in fault_cases.sides(story):
            for kind in ("cut",) if story in (*stories.VARIATIONS, "rainmaker") else ("cut", "silence"):
                assert (story, f"net={kind}:{talk.size}{side}") in faults
