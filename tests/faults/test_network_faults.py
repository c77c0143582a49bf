# SPDX-License-Identifier: MIT
"""Each fault of the network, of MQTT and of ThingsBoard: it reaches the device, and the device copes (E, G, H)."""

import itertools

import pytest

from simulator.board.net import RESET, Packet
from simulator.campaign import stories
from simulator.campaign.case import Case
from simulator.campaign.fault_cases import CHUNK_ACTIONS, POINTS, RULES, byte_cases, flip_cases
from simulator.campaign.mqtt_faults import AT_CHUNKS, PUSHES
from simulator.campaign.run import Run, execute
from simulator.campaign.stories import SHORT
from simulator.errors import UserError

CLEAN_MS = 7000  # what a clean run lasts, with some to spare


def ended(line: str) -> str:
    """How a case ends; nothing may be violated."""
    record = execute(Case.parse(line)).record()
    assert not record["violations"], record
    return record["end"]


def played(line: str) -> Run:
    """A run that has ended, to be looked at."""
    run = Run(Case.parse(line))
    run.play()
    return run


def connects(run: Run) -> int:
    return sum(event["event"] == "connect" for event in run.cloud.events)


CLEAN_CONNECTS = 4  # update: old image, new image, two power cycles


@pytest.mark.parametrize("kind", ["cut", "silence"])
@pytest.mark.parametrize("at", ["50", "300", "9000", "20000", "100:up", "500:up"])
def test_link_that_breaks_is_made_again_and_the_update_ends_well(kind, at):
    line = f"update net={kind}:{at}"
    assert ended(line) == "updated"
    run = played(line)
    assert any("offline" in text or "warning" in text for text in run.twin.story.lines)


def test_link_cut_at_any_byte_of_a_session_ends_well():
    """One in 400 here, with each cloud; the campaign has them all."""
    sample = list(itertools.islice(byte_cases(), 0, None, 400))
    assert {case.story for case in sample} == set(SHORT)
    assert {ended(str(case)) for case in sample} <= {"updated", "rolled_back"}


def test_link_cut_in_a_chunk_brings_nothing_that_was_on_its_way_behind_it():
    """What followed the reset was once taken for the rest of the chunk."""
    assert ended("update net=cut:12200") == "updated"


def test_bit_that_is_flipped_on_its_way_never_activates_anything_else():
    before = played("update")
    struck = 0
    for case in flip_cases(60):
        record = execute(case).record()
        assert not record["violations"], record
        struck += played(str(case)).recorder.entries != before.recorder.entries
    assert struck > 50


@pytest.mark.parametrize("fault", ["refuse:1", "refuse:3", "deaf:1", "deaf:3", "portal:1", "portal:3", "noname:60"])
def test_server_that_cannot_be_reached_is_tried_again_with_patience(fault):
    assert ended(f"update net={fault}") == "updated"
    run = played(f"update net={fault}")
    assert run.twin.clock.now_ms() > CLEAN_MS
    assert any("ota offline" in text for text in run.twin.story.lines)


def test_second_device_with_the_same_token_kicks_ours_off_and_no_storm_follows():
    line = "update later=1:net=takeover:8 later=1300:wifi=9000"
    assert ended(line) in ("updated", "rolled_back")
    run = played("update net=takeover:8")
    assert sum("taken over" in event.get("reason", "") for event in run.cloud.events) > 2
    assert connects(run) < 30


@pytest.mark.parametrize(
    ("fault", "least_ms"), [("dribble:1000", 30_000), ("delay:700", 9000), ("delay:8000:60", 60_000)]
)
def test_line_that_is_slow_costs_time_only(fault, least_ms):
    assert ended(f"update net={fault}") == "updated"
    assert played(f"update net={fault}").twin.clock.now_ms() > least_ms


@pytest.mark.parametrize("ms", [1000, 60_000, 3_600_000])
@pytest.mark.parametrize("at", [1300, 1600])
def test_wifi_that_is_gone_for_a_while_is_waited_for(ms, at):
    assert ended(f"update later={at}:wifi={ms}") == "updated"
    assert played(f"update later={at}:wifi={ms}").twin.clock.now_ms() > ms


def test_wifi_that_is_gone_for_all_of_a_trial_brings_the_old_image_back():
    assert ended("update later=3290:wifi=90000") == "rolled_back"


@pytest.mark.parametrize("kind", AT_CHUNKS)
@pytest.mark.parametrize("point", POINTS)
def test_mqtt_message_that_is_wrong_is_survived_wherever_it_comes(kind, point):
    line = f"update mqtt={kind}:{point}"
    assert ended(line) == "updated"
    run = Run(Case.parse(line))
    strike = run.twin.net.faults[0]
    run.play()
    assert strike.__self__.hits == 1


def test_bug_of_ours_in_mid_download_ends_no_job():
    """The agent once came back from its own traceback, heard the same offer again and did nothing."""
    sources = dict(stories.sources())
    place = b"            attend(slot.offset, size)\n"
    assert sources["ota/install.py"].count(place) == 1
    bug = (
        b"            if slot.offset == 8192 and not hasattr(slot, 'hurt'):\n"
        b"                slot.hurt = True\n"
        b"                raise RuntimeError('planted')\n"
    )
    sources["ota/install.py"] = sources["ota/install.py"].replace(place, place + bug)
    run = Run(Case("update"), sources)
    assert run.play().ends == ["updated"]
    assert sum("planted" in line for line in run.twin.story.lines) == 1


def test_mqtt_pongs_that_never_come_end_the_link_and_not_the_update():
    run = Run(Case.parse("update mqtt=no-pong:99 cloud=chunk=2:delay=31000 cloud=chunkx4:delay=31000"))
    strike = run.twin.net.faults[0]
    assert run.play().end == "updated"
    assert strike.__self__.hits


@pytest.mark.parametrize("rule", RULES)
def test_cloud_that_misbehaves_at_a_login_or_report_is_survived(rule):
    assert ended(f"update cloud={rule}") == "updated"
    assert any(event["event"] == "fault" for event in played(f"update cloud={rule}").cloud.events)


@pytest.mark.parametrize("action", CHUNK_ACTIONS)
def test_cloud_that_misbehaves_at_a_chunk_is_survived_at_each_point(action):
    for point in POINTS:
        assert ended(f"update cloud=chunk={point}:{action}") == "updated"
        assert any(event["event"] == "fault" for event in played(f"update cloud=chunk={point}:{action}").cloud.events)


def test_cloud_whose_every_chunk_is_corrupt_is_given_up():
    assert ended("update cloud=chunk=2x*:corrupt") == "failed"


@pytest.mark.parametrize("kind", PUSHES)
def test_push_that_is_odd_changes_nothing(kind):
    line = f"update later=1600:push={kind}"
    assert ended(line) == "updated"


def test_offer_that_is_taken_back_and_made_again_is_installed():
    run = played("update later=1500:unassign=20000")
    assert "nothing_assigned" in " ".join(run.twin.story.lines)
    assert run.twin.story.version == "1.1.0"


@pytest.mark.parametrize(
    "text", ["net=cut", "net=cut:x", "net=refuse:1:up", "wifi=x", "mqtt=huge", "push=odd", "cloud=a"]
)
def test_fault_that_makes_no_sense_is_a_user_error(text):
    with pytest.raises(UserError):
        Run(Case("update", faults=(text,)))


def test_net_delivers_nothing_behind_a_reset():
    run = Run(Case("update"))
    link = run.twin.net.socket()
    link.state = "open"
    for content in (b"before", RESET, b"behind"):
        run.twin.net._to_device(Packet(link, True, content, 0))
    assert link.inbox == b"before"
