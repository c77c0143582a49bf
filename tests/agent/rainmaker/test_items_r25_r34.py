# SPDX-License-Identifier: MIT
"""Items 25 to 34 of rainmaker.md section 11: targets, turns, the trial boot, reports that survive, jobs that crash."""

import hashlib
import random

import pytest

from simulator.breakage import FIRMWARE, package
from tests.agent.board_world import firmware
from tests.agent.rm_world import FILES, GOOD, PROGRESS, RainMakerWorld

OFFER = {"ota_job_id": "J1", "url": f"https://{FILES}/a", "file_size": 5000}
LINGER_S = 10


@pytest.mark.parametrize("target", ["host_mcu", "", 5, None, ["host_mcu"]])
def test_r25_image_for_a_target_that_nobody_registered_is_rejected(make_world, target) -> None:
    world = make_world()
    world.push_online({**OFFER, "metadata": {"esp.ota.target": target}})
    world.wait("rejected")
    assert world.infos("rejected") == ["no_target"]
    assert world.web.asked == []


def test_r26_told_to_wait_asks_again_within_the_bounds_and_says_nothing(world: RainMakerWorld) -> None:
    world.push_online({"ota_available": True, "action": "wait", "min_wait": 60, "max_wait": 120, "ota_task": 300})
    told = world.twin.clock.now_ms() / 1000
    world.wait(lambda: len(world.fetches) == 2)
    assert 60 <= world.fetches[1] - told <= 122
    assert world.reports() == []


@pytest.mark.parametrize("bounds", [{}, {"min_wait": "5"}, {"min_wait": 20, "max_wait": 3}, {"min_wait": -7}])
def test_r26_wait_without_sense_is_still_a_wait(make_world, bounds: dict) -> None:
    world = make_world()
    world.push_online({"action": "wait", **bounds})
    world.wait(lambda: len(world.fetches) == 2, timeout_s=30)
    assert world.reports() == []


def test_r27_escaped_url_is_read_as_it_was_meant(world: RainMakerWorld) -> None:
    world.cloud.add_fault("otaurl:escape")
    world.offer("1.1.0")
    world.wait("success")
    path = world.web.asked[0][0]
    assert "&X-Amz-Date=" in path and "\\" not in path


def test_r28_no_success_before_the_reboot_which_comes_ten_seconds_after_the_last_word(world: RainMakerWorld) -> None:
    world.offer("1.1.0")
    world.wait(lambda: len(world.statuses()) == 4)
    world.wait_log("ota reset")
    assert world.statuses() == [*GOOD[:4]]
    said = world.said("otastatus")[-1][0]
    assert LINGER_S - 0.5 <= world.twin.clock.now_ms() / 1000 - said <= LINGER_S + 1
    assert world.infos(PROGRESS)[-1].startswith("Rebooting")


def test_r29_new_firmware_says_success_with_the_stored_id_then_asks_again(world: RainMakerWorld) -> None:
    job = world.offer("1.1.0")
    world.wait("success")
    at, body = world.said("otastatus")[-1]
    assert body["ota_job_id"] == job.id
    world.wait(lambda: len(world.fetches) == 2)
    assert world.said("otafetch")[1][1]["fw_version"] == "1.1.0"
    assert world.fetches[1] - at <= 7
    assert [body["info"]["fw_version"] for _, body in world.said("config")] == ["1.0.0", "1.1.0"]


def test_r30_success_is_kept_until_its_puback_and_sent_again_after_a_power_cut(world: RainMakerWorld) -> None:
    job = world.offer("1.1.0")
    world.cloud.add_fault("success:drop")
    world.wait("success")
    world.settle(2)
    assert job.node_jobs[world.node.id].state == PROGRESS
    world.twin.cut()
    world.wait("success")
    world.settle(2)
    assert job.node_jobs[world.node.id].state == "success"
    world.twin.cut()
    world.settle(60)
    assert world.statuses(job) == [*GOOD, "success"]


def test_r30_success_that_the_cloud_did_not_take_in_is_said_again_when_it_offers_the_job_again(world) -> None:
    job = world.offer("1.1.0")
    world.wait("success")
    world.settle(20)
    world.push({"ota_job_id": job.id, "url": f"https://{FILES}/a", "file_size": 5000})
    world.wait("success")
    assert len(world.web.asked) == 1


def test_r30_success_that_waits_for_its_puback_is_not_said_twice_when_the_job_is_offered_again(world) -> None:
    """Found by the power cut campaign."""
    job = world.offer("1.1.0")
    world.cloud.add_fault("success:drop")
    world.wait_until(lambda: len(world.seen("otaurl", delivered=True)) == 2)
    world.wait(lambda: job.node_jobs[world.node.id].state == "success")
    world.settle(20)
    assert world.statuses(job) == [*GOOD, "success"]  # the first one was lost on the way


def test_r30_no_success_for_an_image_that_somebody_else_has_installed(world: RainMakerWorld) -> None:
    world.push_online({**OFFER, "fw_version": "1.0.0"})
    world.web.data = firmware("1.0.0")[:5000]
    world.wait("rejected")
    assert "success" not in world.statuses()


def test_r31_no_cloud_within_ninety_seconds_brings_the_old_firmware_back_which_reports_rejected(world) -> None:
    job = world.offer("1.1.0", package("no-network", "1.1.0", 800_000))
    world.wait_log("ota reset")
    world.wait_log("ota trial")
    began = world.twin.clock.now_ms()
    world.wait_log("ota rolling_back")
    assert 89 <= (world.twin.clock.now_ms() - began) / 1000 <= 93
    world.wait("rejected")
    assert world.statuses(job) == [*GOOD[:4], "rejected"]
    assert world.infos("rejected") == ["rolled_back: cloud not reached"]
    world.wait(lambda: len(world.fetches) == 2)
    order = [event["event"] for event in world.events if event["event"] in ("connect", "otastatus", "subscribe")]
    assert order[-3:] == ["connect", "otastatus", "subscribe"]
    assert world.runs == ("1.0.0", "ota_0")


def test_r31_subscription_waits_for_the_report_to_be_acknowledged_but_not_for_ever(world: RainMakerWorld) -> None:
    world.offer("1.1.0", package("no-network", "1.1.0", 800_000))
    world.wait_log("ota rolling_back")
    world.cloud.add_fault("otastatus:mute")
    world.wait("rejected")
    told = world.seen("otastatus")[-1]["at_ms"]
    world.wait(lambda: world.seen("subscribe")[-1]["at_ms"] > told)
    assert 5000 <= world.seen("subscribe")[-1]["at_ms"] - told <= 7500


def test_r31_trial_time_can_be_set(make_world) -> None:
    world = make_world(settings={"trial_s": 40})
    world.offer("1.1.0", package("no-network", "1.1.0", 800_000))
    world.wait_log("ota trial deadline_s=40")
    world.wait("rejected", timeout_s=60)


@pytest.mark.parametrize("kind", ["crash", "power"])
def test_r32_reset_before_it_is_confirmed_is_a_rollback(make_world, kind: str) -> None:
    world = make_world()
    crash = "import machine\nmachine.reset()\n"
    job = world.offer("1.1.0", firmware("1.1.0", crash) if kind == "crash" else package("hang", "1.1.0", 800_000))
    if kind == "power":
        world.wait_log("ota trial")
        world.twin.cut()
    world.wait("rejected")
    assert world.statuses(job) == [*GOOD[:4], "rejected"]
    reason = {"crash": "it crashed or was reset", "power": "power was lost"}[kind]
    assert world.infos("rejected") == ["rolled_back: " + reason]


def test_r32_job_that_was_rolled_back_and_is_offered_again_is_rejected_untried(world: RainMakerWorld) -> None:
    job = world.offer("1.1.0", package("hang", "1.1.0", 800_000))
    world.wait_log("ota trial")
    world.twin.cut()
    world.wait("rejected")
    world.settle(20)
    data = world.web.data
    md5 = hashlib.md5(data).hexdigest()
    world.push({**OFFER, "ota_job_id": job.id, "file_size": len(data), "file_md5": md5})
    world.wait("rejected")
    assert world.infos("rejected")[-1] == "rolled_back_before"
    assert len(world.web.asked) == 1


@pytest.mark.parametrize("kind", ["no-network", "power"])
def test_r33_timeout_is_failed_instead_where_the_maker_wants_that(make_world, kind: str) -> None:
    world = make_world(settings={"report_failed": 1})
    job = world.offer("1.1.0", package("no-network", "1.1.0", 800_000))
    world.wait_log("ota trial")
    if kind == "power":
        world.twin.cut()
    world.wait("rejected")
    world.settle(30)
    # what failed is offered again, but not tried again
    assert world.statuses(job)[4:] == (["rejected"] if kind == "power" else ["failed", "rejected"])
    assert len(world.web.asked) == 1


CRASHING = """
from ota import install

def crash(*_):
    import machine

    machine.reset()

install.Install._first = install.Install.first = crash
"""


def test_r34_job_that_crashes_the_node_each_time_is_given_up(make_world) -> None:
    world = make_world(firmware("1.0.0", CRASHING + (FIRMWARE / "main.py").read_text()))
    job = world.offer("1.1.0")
    world.wait("rejected", timeout_s=900)
    assert world.infos("rejected") == ["started_too_often: 10 times without an end"]
    boots = len([event for event in world.twin.story.events if event["event"] == "boot"])
    world.settle(300)
    assert len([event for event in world.twin.story.events if event["event"] == "boot"]) == boots
    assert job.status == "finished"


def test_r34_flaky_power_does_not_count_once_the_job_has_ended(world: RainMakerWorld) -> None:
    random.seed(34)
    for version in ("1.1.0", "1.2.0"):
        job = world.offer(version)
        for _ in range(8):
            world.wait(PROGRESS)
            world.pass_time(random.uniform(0, 3))
            world.twin.cut()
        world.wait("success")
        assert job.status == "finished"
