# SPDX-License-Identifier: MIT
"""Where links can break is taken from what is really said."""

from simulator.campaign import broker_cases, fault_cases, rainmaker_cases, stories
from simulator.campaign.case import Case
from simulator.campaign.run import Run
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


def test_talk_has_every_byte_but_those_amidst_an_image():
    down, up = listen("update")
    assert up.places() == list(range(1, up.size + 1))
    left_out = set(range(1, down.size + 1)).difference(down.places())
    chunks = [part for part in down.said if part.size > 3000]
    assert len(chunks) == fault_cases.CHUNKS
    assert all(any(part.start + 200 < at <= part.end - 8 for part in chunks) for at in left_out)


def test_talk_of_a_link_has_its_request_and_its_answer_at_every_byte_of_their_heads():
    down, up = (talk.web() for talk in listen("url"))
    assert len(down.said) == len(up.said) == 1
    assert set(up.places()) == set(range(up.said[0].start + 1, up.said[0].end + 1))
    assert set(down.places()) >= set(range(down.said[0].start + 1, down.said[0].start + 200))


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
