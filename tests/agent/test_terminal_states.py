# SPDX-License-Identifier: MIT
"""Exactly one terminal state a job, whatever happens to the link and the power around it."""

import pytest

from tests.agent.harness import GOOD, firmware, small_app


def test_a_lost_acknowledgement_repeats_the_same_state_and_no_other(world):
    world.offer()
    world.wait("UPDATING")
    world.fault("telemetryx2:mute")  # the current version after the boot, then UPDATED
    world.wait(lambda: world.logged("ota reported state=UPDATED"))
    world.settle()
    assert world.ends == ["UPDATED", "UPDATED"]
    assert world.states[:4] == [*GOOD[:4]]


def test_power_cut_between_confirm_and_report_still_reports_once(world):
    world.offer()
    world.wait_log("ota confirmed")
    world.twin.cut()
    world.wait("UPDATED")
    world.settle()
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.1.0", "ota_1")


def test_power_cut_right_after_the_mark_in_otadata_still_reports_updated(world):
    world.offer()
    world.wait_log("ota trial")
    otadata = world.partition("otadata")
    programs = sum(world.twin.flash.programs[otadata.offset // 4096 :][:2])
    world.wait(lambda: sum(world.twin.flash.programs[otadata.offset // 4096 :][:2]) > programs)
    world.twin.cut()
    world.wait("UPDATED")
    world.settle()
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.1.0", "ota_1")


def test_power_cut_before_the_acknowledgement_arrives_sends_the_report_again(world):
    world.offer()
    world.wait("UPDATING")
    world.fault("telemetryx2:mute")
    world.wait("UPDATED")
    world.twin.cut()
    world.wait(lambda: world.logged("ota reported state=UPDATED"))
    world.settle()
    assert world.ends == ["UPDATED", "UPDATED"]


def test_power_cut_after_the_acknowledgement_sends_nothing_again(world):
    world.offer()
    world.wait_log("ota reported state=UPDATED")
    world.pass_time(0.1)
    world.twin.cut()
    world.settle()
    world.twin.cut()
    world.settle()
    assert world.ends == ["UPDATED"]


def test_link_lost_at_the_very_moment_of_failing_is_made_up_for(world):
    world.offer("1.1.0", bytes(4096))
    world.wait_log("ota failed")
    world.device.session.close(0x83, "restart")
    world.wait("FAILED")
    world.settle()
    assert world.states[-1] == "FAILED"
    assert world.ends == ["FAILED"]


def test_power_cut_at_the_moment_of_failing_is_made_up_for(world):
    world.offer("1.1.0", bytes(4096))
    world.wait_log("ota failed")
    world.twin.cut()
    world.wait("FAILED")
    world.settle()
    assert world.ends == ["FAILED"]
    assert world.errors == ["not_an_image"]


def test_a_new_job_does_not_swallow_the_end_of_the_one_before(make_world):
    world = make_world(queue_ms=10)
    world.offer("1.1.0", bytes(4096))
    world.wait("DOWNLOADING")
    world.offer("1.2.0")
    world.wait("UPDATED")
    world.settle()
    assert world.states == ["DOWNLOADING", "FAILED", *GOOD]


def test_ends_of_several_jobs_wait_for_the_link_in_order(world):
    world.wait(lambda: world.seen("attribute_response"))
    world.fault("telemetryx*:mute")
    for number in range(3):
        world.offer(f"2.{number}", bytes(4096 + number))
        world.wait(lambda: world.logged("ota failed") > number)  # noqa: B023
    world.clear_faults()
    world.wait(lambda: world.logged("ota reported state=FAILED") == 3)
    world.settle()
    assert world.logged("ota reported state=FAILED") == 3


def test_a_job_offered_while_its_predecessor_is_confirmed_waits_for_its_turn(make_world):
    world = make_world(queue_ms=10)
    world.offer("1.1.0")
    world.wait_log("ota trial")
    world.offer("1.2.0")
    world.wait(lambda: world.runs[0] == "1.2.0" and world.ends.count("UPDATED") == 2)
    world.settle()
    assert world.states == [*GOOD, *GOOD]


@pytest.mark.parametrize("offer", ["the same", "a bad one", "nothing"])
def test_an_offer_that_comes_while_an_image_is_on_trial_cannot_end_its_job(make_world, offer):
    world = make_world(firmware("1.0.0", product="controls"), settings={"health": 1, "trial_s": 60}, queue_ms=10)
    package = world.offer("1.1.0", firmware("1.1.0", product="controls"))
    world.wait_log("ota trial")
    world.wait(lambda: len(world.seen("attribute_response")) == 2)
    if offer == "the same":
        world.push(**package.attributes()[0])
    elif offer == "a bad one":
        world.push(**package.attributes()[0] | {"fw_version": "3.0", "fw_size": -1})
    else:
        world.unassign()
    world.pass_time(120)
    ends = [state for state in world.ends if state != "FAILED"]
    assert ends == []
    assert "rolled_back: health check failed" in world.errors
    assert world.runs == ("1.0.0", "ota_0")


@pytest.mark.parametrize("seconds", [0.5, 2, 30])
def test_many_short_power_cuts_in_a_row_end_in_one_updated(world, seconds):
    world.offer()
    for _ in range(6):
        world.pass_time(seconds + 1.3)
        world.twin.cut()
    world.pass_time(60)
    assert len(set(world.ends)) == 1
    assert world.errors in ([], ["rolled_back: power was lost"])


def test_a_small_app_without_an_agent_is_not_believed(world):
    """Nothing in it can confirm, and nothing in it arms a deadline: the next reset brings the old one back."""
    world.offer("1.1.0", small_app(4096))
    world.wait("UPDATING")
    world.pass_time(10)
    world.twin.cut()
    world.wait("FAILED")
    assert world.ends == ["FAILED"]
    assert world.errors == ["rolled_back: power was lost"]
