# SPDX-License-Identifier: MIT
"""Who decides when, over RainMaker: a service whose parameters are told and written, and jobs that are `delayed`."""

import pytest

from tests.agent.board_world import SECTOR, firmware
from tests.agent.rm_world import GOOD, PROGRESS, RainMakerWorld
from tests.agent.test_power_cuts import Knife

SERVICE = "Updates"
NOBODY_SAYS = {"Enabled": True, "Forced": False, "Pending": False, "Reason": ""}
OPERATOR = "disabled: by the operator"


@pytest.fixture
def node(make_world):
    """Makes a product that has a say, on line."""

    def make(**settings: int) -> RainMakerWorld:
        world = make_world(firmware("1.0.0", product="node"), settings=settings)
        world.wait_online()
        world.settle(2)
        return world

    return make


@pytest.fixture
def switched_off(world: RainMakerWorld) -> RainMakerWorld:
    """Its user has switched updates off, and there is a job."""
    world.wait_online()
    world.write(Enabled=False)
    world.settle(2)
    world.offer("1.1.0", force_push=True)
    world.wait("delayed")
    world.settle(2)
    return world


def told(world: RainMakerWorld, name: str) -> list:
    """What the node has said of a parameter of the service, in order."""
    bodies = [body for topic in ("params/local/init", "params/local") for _, body in world.said(topic)]
    return [body[SERVICE][name] for body in bodies if name in body.get(SERVICE, {})]


def test_node_has_the_service_and_says_once_what_is_so_for_who_never_speaks_of_it(world: RainMakerWorld) -> None:
    world.offer("1.1.0")
    world.wait("success")
    (service,) = world.node.config["services"]
    assert (service["name"], service["type"]) == (SERVICE, "ota.service.updates")
    assert {param["name"]: "".join(way[0] for way in param["properties"]) for param in service["params"]} == {
        **dict.fromkeys(("Enabled", "Forced"), "rw"),
        **dict.fromkeys(("Pending", "Reason", "Explanation"), "r"),
        **dict.fromkeys(("Cancel", "Explain"), "w"),
    }
    assert world.node.params[SERVICE] == NOBODY_SAYS
    assert told(world, "Enabled") == [True, True]  # after each start


def test_maker_may_leave_the_service_out(make_world) -> None:
    world = make_world(settings={"control": 0})
    world.wait_online()
    assert not world.cloud.set_params(world.node, {SERVICE: {"Enabled": False}}, world.twin.now_ms)
    assert world.node.config["services"] == []
    assert told(world, "Enabled") == []


def test_switched_off_a_job_is_delayed_and_the_parameters_say_why(switched_off: RainMakerWorld) -> None:
    world = switched_off
    assert world.statuses() == ["delayed"]
    assert world.infos("delayed") == [OPERATOR]
    assert world.node.params[SERVICE] == {"Enabled": False, "Forced": False, "Pending": True, "Reason": OPERATOR}
    assert not world.erased
    world.write(Enabled=True)
    world.wait("success")
    assert world.statuses() == ["delayed", *GOOD]
    assert world.node.params[SERVICE] == NOBODY_SAYS


def test_switched_off_it_is_so_on_the_next_line_and_after_a_loss_of_power(switched_off: RainMakerWorld) -> None:
    """The cloud says it once, so the node remembers."""
    world = switched_off
    world.node.session.close(0x80, "the broker restarts")
    world.settle(20)
    world.twin.cut()
    world.settle(20)
    assert set(world.statuses()) == {"delayed"}
    assert told(world, "Enabled") == [True, False, False, False]
    world.write(Enabled=True)
    world.wait("success")


@pytest.mark.parametrize("at", [1, 2])
def test_power_that_goes_while_it_is_switched_off_leaves_what_the_node_then_tells(
    world: RainMakerWorld, at: int
) -> None:
    """It is kept as a number in NVS, which are two operations on flash."""
    world.wait_online()
    world.settle(2)
    knife = Knife(world.twin.flash, at)
    world.write(Enabled=False)
    world.settle(2)
    world.twin.flash.on_op = None
    assert knife.count == at
    world.settle(20)
    is_enabled = told(world, "Enabled")[-1]
    assert world.node.params[SERVICE]["Enabled"] == is_enabled
    world.offer("1.1.0", force_push=True)
    world.wait("success" if is_enabled else "delayed")
    assert not world.logged("Traceback")


def test_forced_is_echoed_and_above_what_the_product_has_disabled(node) -> None:
    world = node(brewing_s=3600)
    assert told(world, "Enabled") == [False]  # the first that is said
    world.offer("1.1.0", force_push=True)
    world.wait("delayed")
    assert world.infos("delayed") == ["disabled: brewing"]
    world.write(Enabled=True)
    world.settle(2)
    assert told(world, "Enabled") == [False, False]  # answered, although nothing changes
    world.write(Forced=True)
    world.wait("success")
    assert told(world, "Forced") == [False, True, False]


def test_forced_is_above_a_window_and_holds_until_it_is_taken_back(make_world) -> None:
    world = make_world(heap="116k")  # TLS, local time and who decides when, with line numbers
    world.wait_online()
    now = world.clock % 86400 // 60
    window = {"start": (now + 120) % 1440, "end": (now + 180) % 1440}
    world.offer("1.1.0", force_push=True, metadata={"download_window": window})
    world.wait("delayed")
    world.write(Forced=True)
    world.node.session.close(0x80, "the broker restarts")
    world.wait("success", timeout_s=300)
    assert len(world.infos("delayed")) == 1


def test_gate_delays_a_job_once_and_is_forced(node) -> None:
    world = node(pouring_s=3600)
    world.offer("1.1.0", force_push=True)
    world.wait("delayed")
    world.pass_time(60)
    assert (world.statuses(), world.infos("delayed")) == (["delayed"], ["pouring"])
    assert world.node.params[SERVICE]["Reason"] == "pouring"
    world.write(Forced=True)
    world.wait("success")


def test_hard_gate_is_forced_by_nobody(node) -> None:
    world = node(charging_s=120)
    world.offer("1.1.0", force_push=True)
    world.wait("delayed")
    world.write(Forced=True)
    world.pass_time(60)
    assert world.statuses() == ["delayed"]
    assert world.node.params[SERVICE]["Reason"] == "battery_low: 20%"
    world.wait("success")


def test_job_that_was_put_off_is_the_only_one_once_it_has_begun(node) -> None:
    """R12 holds for it, too."""
    world = node(pouring_s=60)
    job = world.offer("1.1.0", force_push=True)
    world.wait("delayed")
    world.wait(PROGRESS)
    other = world.offer("1.2.0", firmware("1.2.0", product="node"), force_push=True)
    world.wait("success")
    assert world.statuses(job) == ["delayed", *GOOD]
    assert world.statuses(other) == []


def test_download_that_is_paused_ever_again_is_not_started_too_often(node) -> None:
    world = node(pauses=12)
    world.offer("1.1.0", force_push=True)
    world.wait("success")
    assert world.infos("delayed") == ["paused"] * 12


def test_cancelled_by_its_user_it_is_rejected_and_not_handed_out_again(world: RainMakerWorld) -> None:
    world.wait_online()
    world.offer("1.1.0", force_push=True)
    world.wait_flash("write", 9 * SECTOR)
    world.write(Cancel=True)
    world.wait("rejected")
    assert world.infos("rejected") == ["cancelled"]
    world.settle(400)
    assert world.statuses()[-1] == "rejected"


def test_explained_by_a_line_for_each_rule(switched_off: RainMakerWorld) -> None:
    switched_off.write(Explain=True)
    switched_off.settle(2)
    lines = switched_off.node.params[SERVICE]["Explanation"].split("\n")
    assert lines[0] == "offer: ok, firmware thermometer 1.1.0"
    assert lines[-1] == "verdict: wait, " + OPERATOR


def test_only_a_bool_is_a_switch(world: RainMakerWorld) -> None:
    world.wait_online()
    for value in (0, "false", None, [], {}):
        world.write(Enabled=value, Forced=value, Cancel=value, Pending=True)
    world.settle(2)
    assert world.logged("code=bad_param") == 15
    assert world.logged("ota control") == 0
    assert told(world, "Enabled") == [True]
