# SPDX-License-Identifier: MIT
"""Cases that break a link at some byte are played together: each has the record that it has alone."""

import pytest

from simulator.campaign import branches, breaks, cuts
from simulator.campaign.case import Case
from simulator.campaign.run import Run, execute
from simulator.campaign.talk import listen

STORIES = ["short-http", "short-stream", "short-broker-url", "rollback", "software"]
SAMPLE = 3


def some_cases(story: str, kind: str) -> list[Case]:
    """Neighbours and others, in both directions, some of them in brief; and a byte that is never said."""
    found = []
    for talk, side in zip(listen(story), ("", ":up"), strict=True):
        places = [*range(40, 44), *range(1, talk.size, talk.size // SAMPLE), talk.size, talk.size + 9]
        found += [Case(story, 5, (f"net={kind}:{at}{side}",)) for at in sorted(places)]
    return list(cuts.brief(found))


@pytest.mark.parametrize(
    ("story", "kind"), [*((story, "cut") for story in STORIES), ("rollback", "silence"), ("short-mqtt", "flip")]
)
def test_records_of_cases_played_together_are_those_of_each_alone(story, kind):
    cases = some_cases(story, kind)
    together = branches.records(cases)
    assert [record | {"like": None} for record in together] == [execute(case).record() for case in cases]
    assert any(record["like"] for record in together)


def test_what_is_alike_is_played_once():
    """Cuts within one packet before the reset go on as one behind it; those behind it begin there."""
    boots = []
    down = listen("short-mqtt")[0]
    packet = next(part for part in down.said if part.size > 200)
    cases = [Case("short-mqtt", 5, (f"net=cut:{packet.start + at}",)) for at in range(1, 9)]
    last = [Case("short-mqtt", 5, (f"net=cut:{down.size - at}",)) for at in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        note = lambda run, play=Run.play_to_reset: boots.append(run.twin.board.boots) or play(run)  # noqa: E731
        patch.setattr(Run, "play_to_reset", note)
        branches.records([*cases, *last])
    assert boots.count(0) == 1 + len(cases)
    assert boots.count(1) == 1 + len(last) + 1


@pytest.mark.parametrize("story", ["short-mqtt", "short-http"])
def test_what_the_cloud_cannot_tell_apart_is_played_once(story):
    """Half a request is like any other part of it; the whole of it is not."""
    up = listen(story)[1]
    packet = next(part for part in up.said if part.size > 60)
    cases = [Case(story, 5, (f"net=cut:{packet.start + at}:up",)) for at in range(1, packet.size + 1)]
    played = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "play_to_reset", lambda run, play=Run.play_to_reset: played.append(run) or play(run))
        records = branches.records(cases)
    assert len(played) <= 6 < len(cases)
    for at in (0, 1, packet.size // 2, packet.size - 2, packet.size - 1):
        assert records[at] | {"like": None} == execute(cases[at]).record()
    assert [record["like"] for record in records] == [None, *[str(cases[0])] * (packet.size - 2), None]


@pytest.mark.parametrize(
    "faults", ["", "net=refuse:1", "net=cut:9 net=cut:20", "cut=9:after net=cut:20", "net=cut:9:down"]
)
def test_cases_of_other_kinds_are_none(faults):
    assert not breaks.is_one(Case("update", 1, tuple(faults.split())))
    assert breaks.is_one(Case("update", 1, (cuts.ONCE, "net=silence:9:up")))
