# SPDX-License-Identifier: MIT
"""Who decides when, over the maker's own broker: switches with their echo, commands, what the status tells."""

from tests.agent.br_world import DEVICE, BrokerWorld


def disabled(world: BrokerWorld) -> None:
    """The operator has switched updates off, and there is a release."""
    world.set("enabled", b"false")
    world.release("1.1.0")
    world.wait_online()
    world.settle()
    assert world.states == []


def told(world: BrokerWorld, *names: str) -> tuple:
    status = world.kept("status")
    return tuple(status.get(name) for name in names)


def test_maker_who_never_speaks_of_control_has_a_board_that_does_not_load_it(world: BrokerWorld) -> None:
    world.wait_online()
    world.settle()
    assert world.kept("status") == {"firmware": ["thermometer", "1.0.0"]}
    assert world.kept("forced") is False


def test_updates_that_are_switched_off_wait_and_the_status_says_why(world: BrokerWorld) -> None:
    disabled(world)
    assert told(world, "enabled", "forced", "pending", "status") == (False, False, True, 2)
    assert world.kept("status")["reason"]
    world.set("enabled", b"")
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_1")


def test_forced_is_echoed_before_anything_starts(world: BrokerWorld) -> None:
    disabled(world)
    world.set("forced", b"true")
    world.wait("UPDATED")
    lines = [event for event in world.seen("publish", client=DEVICE) if event["topic"].endswith(("/forced", "/job"))]
    told = [event["text"] if event["topic"].endswith("/forced") else "job" for event in lines]
    assert told[:3] == ["false", "true", "job"]


def test_forced_whose_echo_is_not_acknowledged_starts_nothing(world: BrokerWorld) -> None:
    disabled(world)
    world.cloud.add_fault("publish:mute")
    world.set("forced", b"true")
    world.pass_time(60)
    assert world.states == []
    world.cloud.take_over(DEVICE, world.twin.now_ms)
    world.wait("UPDATED")


def test_forced_is_over_when_the_maker_takes_it_back_while_the_board_is_away(world: BrokerWorld) -> None:
    world.set("forced", b"true")
    world.wait_online()
    assert world.kept("forced") is True
    world.twin.cut()
    world.set("forced", b"")
    disabled(world)
    assert world.kept("forced") is False


def test_switches_are_told_again_with_each_connect(world: BrokerWorld) -> None:
    disabled(world)
    world.cloud.take_over(DEVICE, world.twin.now_ms)
    world.pass_time(30)
    assert world.states == []
    assert told(world, "enabled", "pending") == (False, True)


def test_force_starts_what_waits_once(world: BrokerWorld) -> None:
    disabled(world)
    world.set("force", b"true", retain=False)
    world.wait("UPDATED")


def test_cancel_stops_what_is_under_way(world: BrokerWorld) -> None:
    world.release("1.1.0")
    world.wait_log("ota downloading")
    world.set("cancel", b"true", retain=False)
    world.wait("FAILED")
    assert world.errors == ["cancelled"]


def test_explain_is_answered_with_a_line_a_rule(world: BrokerWorld) -> None:
    disabled(world)
    world.set("explain", b"why-1", retain=False)
    world.wait(lambda: bool(world.said("explained")))
    (answer,) = world.said("explained")
    assert answer["token"] == "why-1"
    assert any("disabled" in line or "enabled" in line for line in answer["lines"])


def test_command_that_makes_no_sense_is_refused(world: BrokerWorld) -> None:
    world.wait_online()
    for name, payload in (
        ("enabled", b"yes"),
        ("cancel", b"1"),
        ("explain", b""),
        ("explain", b"two words"),
        ("explain", b"x" * 65),
        ("nonsense", b"true"),
    ):
        world.set(name, payload, retain=False)
    world.pass_time(2)
    assert world.refusals == ["bad_switch", *["bad_command"] * 5]
    assert told(world, "enabled") == (None,)


def test_terms_of_a_release_that_make_no_sense_are_refused(world: BrokerWorld) -> None:
    world.release("1.1.0", severity=5)
    world.wait("FAILED")
    assert world.errors == ["bad_terms"]
    assert world.refusals == ["bad_terms"]


def test_operator_s_switch_is_above_the_end_of_a_deferral(world: BrokerWorld) -> None:
    world.set("enabled", b"false")
    world.release("1.1.0", severity=0, max_defer=60)
    world.wait_online()
    world.pass_time(200)
    assert world.states == []
    assert told(world, "deferred", "reason") == (1, "disabled: by the operator")


def test_window_that_is_closed_gives_way_when_a_release_has_waited_as_long_as_it_may(make_world) -> None:
    world = make_world(settings={"when": "03:00-04:00"}, heap="108k")
    world.twin.net.tells_time = True
    world.release("1.1.0", max_defer=60)
    world.wait_online()
    world.settle()
    assert world.states == []
    world.wait("UPDATED", timeout_s=200)
