# SPDX-License-Identifier: MIT
"""What a job says of itself, over the maker's own broker: the firmware it needs, its turn in a fleet."""

from simulator import software
from simulator.clouds.broker.scheme import SOFTWARE
from tests.agent.br_world import BrokerWorld
from tests.agent.harness import APP, application, firmware

_ALL = "112k"  # the own broker, software and who decides when, all at once, with line numbers


def release_application(world: BrokerWorld, **more) -> None:
    data = software.pack(application("2.0.0"), APP, "2.0.0")
    world.release("2.0.0", kind=SOFTWARE, data=data, title=APP, **more)


def test_p29_an_application_that_needs_newer_firmware_is_refused_until_that_has_come(make_world) -> None:
    world = make_world(heap=_ALL)
    world.wait_online()
    release_application(world, requires="thermometer >= 1.1")
    world.pass_time(10)
    world.set("forced", b"true")  # nobody can force what could not run
    world.pass_time(10)
    assert [job["error"] for job in world.said("software/job")] == ["runtime_too_old: needs thermometer >= 1.1"]
    world.release("1.1.0")
    world.wait("UPDATED")
    world.wait_until(lambda: world.kept("software/job")["state"] == "UPDATED")


def test_p29_firmware_that_is_new_enough_is_not_replaced_for_an_application(make_world) -> None:
    world = make_world(heap=_ALL)
    world.wait_online()
    release_application(world, requires="thermometer >= 1.0")
    world.wait_until(lambda: (world.kept("software/job") or {}).get("state") == "UPDATED")
    assert world.runs[0] == "1.0.0"


def test_p29_what_is_required_and_makes_no_sense_is_refused(world: BrokerWorld) -> None:
    world.wait_online()
    release_application(world, requires="something new")
    world.pass_time(10)
    assert world.refusals == ["bad_terms"]


def test_a_release_with_a_spread_starts_at_the_boards_own_moment(world: BrokerWorld) -> None:
    world.wait_online()
    world.release("1.1.0", data=firmware("1.1.0"), spread=3600)
    world.pass_time(20)
    assert world.states == []
    assert world.kept("status")["reason"] == "spread"
    world.wait("UPDATED", timeout_s=3700)


def test_a_critical_release_has_no_spread(world: BrokerWorld) -> None:
    world.wait_online()
    world.release("1.1.0", spread=3600, severity=0)
    world.wait("UPDATED", timeout_s=120)
