# SPDX-License-Identifier: MIT
"""What an application may tell its agent: disable, enable, force, hold the reset, cancel."""

import json

import pytest

from tests.agent.harness import GOOD, World, firmware

VERSION_2 = firmware("1.1.0", product="controls")


@pytest.fixture
def product(make_world) -> World:
    return make_world(firmware("1.0.0", product="controls"))


@pytest.fixture
def disabled(make_world) -> World:
    world = make_world(firmware("1.0.0", product="controls"), settings={"disabled": 1})
    world.offer("1.1.0", VERSION_2)
    world.settle()
    assert world.states == []
    return world


def test_disabled_the_offer_waits_and_is_told_as_pending(disabled):
    disabled.call("status")
    disabled.wait(lambda: disabled.seen("rpc_response"))
    status = json.loads(disabled.seen("rpc_response")[0]["body"])
    assert status["updates_pending"]
    assert status["transfer"]["version"] == "1.1.0"
    assert not disabled.seen("chunk_request")


def test_enabling_starts_what_waited(disabled):
    disabled.call("enable")
    disabled.wait("UPDATED")
    assert disabled.runs == ("1.1.0", "ota_1")


def test_force_installs_what_waits_although_disabled(disabled):
    disabled.call("force")
    disabled.wait("UPDATED")
    assert disabled.states == [*GOOD]


def test_force_tries_again_what_has_failed_a_moment_ago(make_world):
    product = make_world(firmware("1.0.0", product="controls"), heap="104k")  # what an update has left, and explain.py
    product.wait(lambda: product.seen("attribute_response"))
    product.fault("chunk=5x*:corrupt")
    product.offer("1.1.0", VERSION_2)
    product.wait("FAILED")
    product.settle()
    product.clear_faults()
    product.call("force")
    product.wait("UPDATED")
    assert product.twin.story.boots == 2  # none but that of the update


def test_force_with_nothing_pending_does_not_arm_the_next_offer(make_world):
    world = make_world(firmware("1.0.0", product="controls"), settings={"disabled": 1})
    world.wait(lambda: world.seen("attribute_response"))
    world.call("force")
    world.settle()
    world.offer("1.1.0", VERSION_2)
    world.settle()
    assert world.states == []


def test_what_waits_and_is_unassigned_is_forgotten(disabled):
    disabled.unassign()
    disabled.settle()
    disabled.call("enable")
    disabled.settle()
    assert disabled.states == []


@pytest.mark.parametrize("moment", ["DOWNLOADING", "DOWNLOADED"])
def test_cancel_ends_the_job_once_and_it_does_not_start_again(product, moment):
    product.wait(lambda: product.seen("attribute_response"))
    product.fault("chunkx*:delay=200")
    product.offer("1.1.0", VERSION_2)
    product.call("hold")
    product.wait(moment)
    product.call("cancel")
    product.wait("FAILED")
    product.device.session.close(0x83, "restart")
    product.settle()
    product.twin.cut()
    product.settle()
    assert product.ends == ["FAILED"]
    assert product.errors == ["cancelled"]
    assert product.runs == ("1.0.0", "ota_0")


def test_cancel_without_an_update_does_not_harm_the_next_one(product):
    product.wait(lambda: product.seen("attribute_response"))
    product.call("cancel")
    product.settle()
    product.offer("1.1.0", VERSION_2)
    product.wait("UPDATED")


def held(product: World) -> None:
    """An update that has come as far as it may while the reset is held."""
    product.wait(lambda: product.seen("attribute_response"))
    product.call("hold")
    product.offer("1.1.0", VERSION_2)
    product.wait("VERIFIED")
    product.pass_time(60)
    assert product.twin.story.boots == 1


def test_hold_keeps_the_board_running_until_it_is_released(product):
    held(product)
    pauses = len(product.told("pause_ms"))
    product.pass_time(10)
    assert len(product.told("pause_ms")) > pauses + 5
    product.call("release")
    product.wait("UPDATED")
    assert product.states == [*GOOD]


@pytest.mark.parametrize("why", ["unassigned", "cancelled"])
def test_what_is_held_can_still_be_called_off(product, why):
    held(product)
    if why == "cancelled":
        product.call("cancel")
    else:
        product.unassign()
    product.wait("FAILED")
    product.call("release")
    product.settle()
    product.twin.cut()
    product.settle()
    assert product.errors == [why]
    assert product.runs == ("1.0.0", "ota_0")


def test_what_is_held_gives_way_to_another_version(product):
    held(product)
    product.offer("1.2.0", firmware("1.2.0", product="controls"))
    product.wait("DOWNLOADING")
    product.wait("VERIFIED")
    product.call("release")
    product.wait("UPDATED")
    assert product.runs == ("1.2.0", "ota_1")


def test_the_link_comes_back_while_the_reset_is_held(product):
    held(product)
    product.device.session.close(0x83, "restart")
    product.wait(lambda: product.device.session is not None)
    product.call("release")
    product.wait("UPDATED")
    assert product.states == [*GOOD]


def test_a_power_cut_while_held_does_not_install(product):
    held(product)
    product.twin.cut()
    product.pass_time(1)
    assert product.twin.story.slot == "ota_0"


def test_restarts_while_held_are_no_attempts(product):
    held(product)
    for _ in range(12):
        product.call("restart")
        product.wait("VERIFIED")
        product.settle(2)
    assert product.ends == []
    product.call("release")
    product.wait("UPDATED")


def test_deep_sleep_between_activation_and_reset_is_no_fallback(product):
    """Waking up goes straight back to the old slot (esp32.md 3.4): the bootloader was not asked yet."""
    product.wait(lambda: product.seen("attribute_response"))
    product.call("doze")
    product.offer("1.1.0", VERSION_2)
    product.wait(lambda: product.ends != [])
    product.settle()
    assert any(event["event"] == "reset" and event["cause"] == 4 for event in product.twin.story.events)
    assert product.ends == ["UPDATED"]
    assert product.runs == ("1.1.0", "ota_1")


def test_a_call_that_the_product_stumbles_over_is_answered_and_disturbs_no_update(product):
    product.offer("1.1.0", VERSION_2)
    product.wait("DOWNLOADING")
    product.call("stumble")
    product.wait("UPDATED")
    assert [event["body"] for event in product.seen("rpc_response")] == ['{"error": "failed"}']
    assert product.states == [*GOOD]
    assert len(product.seen("connect")) == 2  # before and after the reset
    assert product.logged("the product's own bug")


@pytest.mark.parametrize(("after_s", "result"), [(10, "SUCCESS"), (70, "FAILURE")])
def test_a_product_that_wants_to_be_claimed_is_for_as_long_as_it_says(product, after_s, result):
    product.wait(lambda: product.seen("attribute_response"))
    product.call("claim", secret="on the label", ms=60_000)
    product.settle(after_s)
    assert product.cloud.claim("board-1", "a guess", "eve", product.twin.now_ms) == "FAILURE"
    assert product.cloud.claim("board-1", "on the label", "ann", product.twin.now_ms) == result
