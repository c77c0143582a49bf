# SPDX-License-Identifier: MIT
"""Schedules in which the search once found a breach, each by what was wrong."""

from simulator.campaign.case import Case
from simulator.campaign.outcome import Outcome
from simulator.campaign.run import execute


def kept(line: str) -> Outcome:
    """What a case has shown; nothing may be violated."""
    outcome = execute(Case.parse(line))
    record = outcome.record()
    assert not record["violations"], record
    return outcome


def test_soft_resets_in_a_trial_are_no_new_tries():
    soft = " ".join(f"later={at}:reset=soft" for at in (6500, 8000, 9500))
    outcome = kept(f"rollback seed=1000411 {soft}")
    assert sum(entry["on_trial"] for entry in outcome.entries_of("boot")) == 4
    assert outcome.end == "rolled_back"


def test_end_that_a_cut_left_untold_is_told_before_the_story_goes_on():
    """The link that was to carry it goes dead; the story once went on, and took it for news after the end."""
    outcome = kept("update seed=1001228 net=silence:1893:up cut=64:random")
    assert [entry["word"] for entry in outcome.told("state", "FIRMWARE")][-2:] == ["UPDATED", "UPDATED"]


def test_end_that_a_cut_left_untold_is_told_before_the_next_offer():
    """It was once taken for the end of that offer."""
    assert kept("chain seed=1000726 cut=56:before later=114:net=delay:1128:15 net=cut:1770:up").ends == [
        "updated", "rolled_back", "updated",
    ]  # fmt: skip


def test_resets_after_the_end_may_cost_a_boot_each():
    resets = "later=7134:reset=power later=6530:reset=soft later=7978:reset=hard"
    assert kept(f"update seed=1003655 later=5428:net=delay:2277:15 {resets}").end == "updated"


def test_offer_that_is_made_again_before_anybody_has_looked_is_taken_up():
    """What was stopped was noted as ended in one record and as taken back in the next; it was offered in between."""
    outcome = kept("update later=1406:unassign=10")
    assert [entry["end"] for entry in outcome.told("state", "FIRMWARE") if entry["end"]] == ["withdrawn", "updated"]


def test_pings_whose_answers_were_lost_in_a_short_payload_are_not_waited_for():
    """Bytes of a chunk were missing, and answers filled it up: the agent waited for them before it gave up anything."""
    assert kept("update seed=1000577 mqtt=short:4 mqtt=short:5").end == "failed"
    assert kept("fallback seed=1001969 mqtt=short:0 cloud=chunk=1:mute").end == "updated"


def test_end_that_arrives_while_the_board_is_resetting_was_said_before():
    assert kept("software seed=1003067 later=3519:reset=hard").end == "updated"
