# SPDX-License-Identifier: MIT
"""Which release a board takes and when: groups, locks, development (particle.md section 6; items P14 and P15)."""

import json

from simulator import software
from tests.agent.board_world import firmware
from tests.agent.br_world import DEVICE, FILES, GOOD, BrokerWorld
from tests.agent.harness import APP, application, small_app


def test_p15_locked_beats_group_beats_default_and_of_two_groups_the_higher_version(world: BrokerWorld) -> None:
    world.release("2.0.0")
    world.release("1.9.0", "group/beta")
    world.release("1.10.0", "group/eu")
    world.configure(groups=["beta", "eu"])
    world.wait("UPDATED")
    assert world.runs == ("1.10.0", "ota_1")
    world.configure(groups=["beta", "eu"], locked=world.upload("1.1.0"))
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_0")
    world.configure()
    world.wait("UPDATED")
    assert world.runs == ("2.0.0", "ota_1")


def test_p14_development_device_takes_only_what_is_flashed_to_it_alone(world: BrokerWorld) -> None:
    world.configure(development=True, locked=world.upload("1.9.0"))
    world.release("2.0.0")
    world.wait_online()
    world.pass_time(60)
    assert not any(world.erases("ota_1"))
    world.release("1.1.0-mine", f"device/{DEVICE}")
    world.wait("UPDATED")
    assert world.runs == ("1.1.0-mine", "ota_1")
    world.configure()  # unmarked: its target version comes
    world.wait("UPDATED")
    assert world.runs == ("2.0.0", "ota_0")


def test_release_for_one_device_that_is_none_of_development_is_not_heard(world: BrokerWorld) -> None:
    world.release("1.1.0", f"device/{DEVICE}")
    world.wait_online()
    world.pass_time(60)
    assert world.states == []


def test_immediate_release_is_taken_when_it_comes_a_gradual_one_at_the_next_connect(world: BrokerWorld) -> None:
    world.wait_online()
    world.release("1.1.0", immediate=False)
    world.pass_time(600)
    assert world.states == []
    assert world.logged("reason=gradual") == 1
    world.cloud.take_over(DEVICE, world.twin.now_ms)
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_1")


def test_gradual_release_waits_although_another_one_is_read_meanwhile(world: BrokerWorld) -> None:
    world.configure(groups=["beta"])
    world.wait_online()
    world.release("1.5.0", "group/beta", immediate=False)
    world.pass_time(5)
    world.release("1.1.0")
    world.wait("UPDATED")  # the board has reset, so that it reads the group's too
    world.wait("UPDATED")
    assert [job["version"] for job in world.said("job") if job["state"] == "UPDATED"] == ["1.1.0", "1.5.0"]


def test_gradual_release_is_taken_within_a_day_on_a_line_that_never_breaks(make_world) -> None:
    world = make_world(settings={"refresh_h": 1})
    world.wait_online()
    world.release("1.1.0", immediate=False)
    world.wait("UPDATED", timeout_s=3700)


def test_release_that_is_taken_back_during_the_download_stops_it(world: BrokerWorld) -> None:
    world.release("1.1.0")
    world.wait_log("ota progress")
    world.take_back()
    world.wait("FAILED")
    assert world.errors == ["unassigned"]
    assert world.runs == ("1.0.0", "ota_0")


def test_better_release_during_the_download_replaces_it(world: BrokerWorld) -> None:
    world.release("1.1.0")
    world.wait_log("ota progress")
    world.release("1.2.0")
    world.wait("UPDATED")
    assert world.runs == ("1.2.0", "ota_1")
    assert world.said("job")[-1]["version"] == "1.2.0"
    assert "FAILED" not in world.states


def test_release_of_what_runs_is_answered_once(world: BrokerWorld) -> None:
    world.release("1.1.0")
    world.wait("UPDATED")
    world.settle()
    for _ in range(2):
        world.cloud.take_over(DEVICE, world.twin.now_ms)
        world.pass_time(10)
    assert world.states == [*GOOD]


def test_refused_release_of_a_group_is_told_and_the_default_does_not_take_its_place(world: BrokerWorld) -> None:
    world.configure(groups=["beta"])
    world.release("0.9.0")
    bad = world.upload("1.1.0")
    world.publish(world.names.release(place="group/beta"), bad | {"size": str(bad["size"])})
    world.wait("FAILED")
    world.pass_time(30)
    assert world.errors == ["bad_size"]
    assert world.refusals == ["bad_size"]
    assert world.runs == ("1.0.0", "ota_0")
    world.publish(world.names.release(place="group/beta"), bad | {"immediate": True})
    world.wait("UPDATED")


def test_configuration_that_cannot_be_read_means_nothing_automatic(world: BrokerWorld) -> None:
    world.release("1.1.0")
    world.publish(world.names.device(DEVICE, "config"), b'{"groups": "beta"}')
    world.wait_online()
    world.pass_time(60)
    assert world.states == []
    assert world.refusals == ["bad_groups"]
    world.configure(groups=[])
    world.wait("UPDATED")


def test_switches_are_told_to_the_agent_and_forced_only_after_the_broker_has_the_echo(world: BrokerWorld) -> None:
    world.set("forced", b"true")
    world.set("enabled", b"tru")
    world.set("cancel", b"true")
    world.wait_online()
    assert world.kept("forced") is True
    assert sorted(world.refusals) == ["bad_switch", "retained"]


def test_status_tells_what_runs_and_the_will_that_the_board_is_away(world: BrokerWorld) -> None:
    world.wait_online()
    assert world.kept("online") is True
    assert world.kept("status")["firmware"] == ["thermometer", "1.0.0"]
    world.twin.cut()
    world.cloud.tick(world.twin.now_ms + 120_000)
    assert world.kept("online") is False


def test_reset_at_the_end_of_an_update_shows_as_offline(world: BrokerWorld) -> None:
    world.release("1.1.0")
    world.wait("UPDATED")
    online = [json.loads(event["text"]) for event in world.seen("publish", topic=world.names.device(DEVICE, "online"))]
    assert online == [True, False, True]


def test_software_is_released_beside_firmware(world: BrokerWorld) -> None:
    package = software.pack(application("7"), APP, "7")
    record = world.upload("7", package, APP)
    world.publish(world.names.release("software"), record | {"immediate": True})
    world.wait_until(lambda: "UPDATED" in [job["state"] for job in world.said("software/job")])
    assert world.kept("software/job")["version"] == "7"


def test_image_that_is_too_large_is_refused_before_a_byte_is_fetched(world: BrokerWorld) -> None:
    data = small_app(0x1A0000)
    world.publish(world.names.release(), world.upload("1.1.0", data) | {"immediate": True})
    world.wait("FAILED")
    assert world.errors == ["slot_too_small"]
    assert world.fetched(data) == []


def test_image_by_url_whose_server_is_away_is_tried_again_beside_the_line(world: BrokerWorld) -> None:
    record = world.upload("1.1.0", firmware("1.1.0"), url=f"http://{FILES}/f.bin")
    world.web.status = "503 Service Unavailable"
    world.publish(world.names.release(), record | {"immediate": True})
    world.wait_log("ota downloading")
    world.pass_time(5)
    world.web.status = None
    world.wait("UPDATED")
    assert len(world.seen("connect")) == 2  # at the start and after the update
