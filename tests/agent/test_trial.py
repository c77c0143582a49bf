# SPDX-License-Identifier: MIT
"""The trial boot: confirmed only when the cloud was reached and the application is well, else the old image returns."""

import pytest

from simulator.board.errors import PowerCut
from simulator.board.partition_table import Partition
from simulator.breakage import FIRMWARE, package
from tests.agent.harness import GOOD, firmware

FAILURES = {
    "crash": ("rolled_back: it was not confirmed in time", lambda: package("crash", "1.1.0", 800_000)),
    "hang": ("rolled_back: it was not confirmed in time", lambda: package("hang", "1.1.0", 800_000)),
    "no-network": ("rolled_back: cloud not reached", lambda: package("no-network", "1.1.0", 800_000)),
    "reset": ("rolled_back: it crashed or was reset", lambda: firmware("1.1.0", "import machine\nmachine.reset()\n")),
    "wrong host": ("rolled_back: cloud not reached", lambda: elsewhere("1.1.0")),
}


def elsewhere(version: str) -> bytes:
    """Our firmware, but its cloud is where nobody is."""
    main = (FIRMWARE / "main.py").read_text()
    told = (
        "board.text = lambda name, default: 'nowhere.example' if name == 'host' else Board.text(board, name, default)"
    )
    return firmware(version, main.replace("    board = Board()\n", "    board = Board()\n    " + told + "\n"))


def states_in_otadata(world) -> set[str]:
    """The state words of both records: 1 is pending, 2 valid."""
    row = world.partition("otadata")
    raw = world.twin.flash.read(row.offset, row.size)
    return {int.from_bytes(raw[at + 24 : at + 28], "little") for at in (0, 4096)}


def no_power_for(row: Partition):
    """The power goes as soon as somebody changes this partition, and before anything has changed."""

    def on_op(kind: str, address: int, size: int) -> None:
        if row.offset <= address < row.offset + row.size:
            raise PowerCut

    return on_op


@pytest.mark.own_process
@pytest.mark.parametrize("kind", FAILURES)
def test_an_image_that_does_not_work_is_rolled_back_and_reported_once_with_the_reason(make_world, kind):
    error, data = FAILURES[kind]
    world = make_world(settings={"trial_s": 60})
    world.offer("1.1.0", data())
    world.wait_log("ota failed")
    world.settle()
    assert world.states == [*GOOD[:4], "FAILED"]
    assert world.errors == [error]
    assert world.runs == ("1.0.0", "ota_0")
    requests = len(world.seen("chunk_request"))
    world.twin.cut()
    world.settle()
    assert world.ends == ["FAILED"]
    assert len(world.seen("chunk_request")) == requests


@pytest.mark.parametrize("health", [1, 2])
def test_a_health_check_that_says_no_or_raises_brings_the_old_image_back(make_world, health):
    world = make_world(firmware("1.0.0", product="controls"), settings={"health": health, "trial_s": 60})
    world.offer("1.1.0", firmware("1.1.0", product="controls"))
    world.wait("FAILED")
    world.settle()
    assert world.states == [*GOOD[:4], "FAILED"]
    assert world.errors == ["rolled_back: health check failed"]
    assert world.runs == ("1.0.0", "ota_0")


def test_nothing_is_confirmed_before_the_cloud_was_reached(world):
    world.offer()
    world.wait_log("ota trial")
    world.twin.board.site.is_up = False
    world.pass_time(100)
    assert 1 in states_in_otadata(world)
    assert not world.logged("ota confirmed")
    world.twin.board.site.is_up = True
    world.wait("UPDATED")
    assert 1 not in states_in_otadata(world)
    assert world.ends == ["UPDATED"]


def test_nothing_is_downloaded_while_an_image_is_unconfirmed(make_world):
    world = make_world(firmware("1.0.0", product="controls"), settings={"health": 1, "trial_s": 60}, queue_ms=10)
    world.offer("1.1.0", firmware("1.1.0", product="controls"))
    world.wait_log("ota trial")
    world.offer("1.2.0")
    requests = len(world.seen("chunk_request"))
    world.wait_log("ota rolling_back")
    assert len(world.seen("chunk_request")) == requests
    assert world.logged("reason=unconfirmed")


def test_reaching_the_server_is_not_enough_when_it_does_not_answer(make_world):
    world = make_world(settings={"trial_s": 60})
    world.offer()
    world.wait_log("ota trial")
    world.fault("attributesx*:mute")
    world.wait_log("ota rolling_back")
    assert not world.logged("ota confirmed")
    world.clear_faults()
    world.wait("FAILED")
    assert world.errors == ["rolled_back: cloud not reached"]


def test_a_site_without_network_for_a_while_confirms_in_the_end(world):
    world.offer()
    world.wait_log("ota trial")
    world.twin.net.faults.append(lambda packet: [])
    world.pass_time(120)
    world.twin.net.faults.pop()
    world.wait("UPDATED")
    assert world.twin.story.boots == 2


def test_ctrl_d_during_the_trial_changes_nothing(world):
    world.offer()
    world.wait_log("ota trial")
    world.twin.board.soft_reset()
    world.wait("UPDATED")
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.1.0", "ota_1")


def test_a_rolled_back_version_is_tried_again_after_unassign_and_assign(make_world):
    world = make_world(settings={"trial_s": 60})
    bad = world.offer("1.1.0", package("crash", "1.1.0", 800_000))
    world.wait("FAILED")
    world.unassign()
    world.settle()
    world.assign(bad)
    world.wait("FAILED")
    assert world.states == [*GOOD[:4], "FAILED"] * 2


def test_two_rollbacks_in_a_row_are_two_stories(make_world):
    world = make_world(settings={"trial_s": 60})
    for version in ("1.1.0", "1.2.0"):
        world.offer(version, package("crash", version, 800_000))
        world.wait("FAILED")
    world.offer("1.3.0")
    world.wait("UPDATED")
    world.settle()
    assert world.ends == ["FAILED", "FAILED", "UPDATED"]
    assert world.runs[0] == "1.3.0"


def test_a_power_cut_before_activation_after_an_old_rollback_is_no_rollback(make_world):
    world = make_world(settings={"trial_s": 60})
    world.offer("1.1.0", package("crash", "1.1.0", 800_000))
    world.wait("FAILED")
    world.offer("1.2.0")
    world.wait_log("ota verified")
    world.twin.flash.on_op = no_power_for(world.partition("otadata"))
    world.wait(lambda: world.twin.why == "power_cut")
    world.twin.flash.on_op = None
    world.wait("UPDATED")
    assert world.errors == ["rolled_back: it was not confirmed in time"]
    assert world.runs[0] == "1.2.0"


def test_ten_updates_in_a_row_use_both_slots_in_turn(world):
    for number in range(1, 11):
        world.offer(f"1.{number}.0")
        world.wait("UPDATED")
        assert world.runs == (f"1.{number}.0", f"ota_{number % 2}")
    assert world.states == [*GOOD] * 10


def test_going_back_to_an_older_version_is_an_update_like_any_other(world):
    first = world.offer("0.9.0")
    world.wait("UPDATED")
    world.offer("1.1.0")
    world.wait("UPDATED")
    world.assign(first)
    world.wait("UPDATED")
    assert world.runs == ("0.9.0", "ota_1")
