# SPDX-License-Identifier: MIT
"""What else may keep an update back: gates of the product, for how long they may, and why it waits, told in a line."""

import json

import pytest

from tests.agent.events import ask, said
from tests.agent.harness import SECTOR, World, firmware

PRODUCT = "controls"
VERSION_2 = firmware("1.1.0", product=PRODUCT)
EPOCH_2000 = 946_684_800
_TIME = "104k"  # local time and who decides when, with line numbers


@pytest.fixture
def boot(make_world):
    """Makes a product with a battery (hard), a network and a machine that may be busy, on line."""

    def make(**settings) -> World:
        world = make_world(firmware("1.0.0", product=PRODUCT), settings={"gated": 1, **settings}, heap=_TIME)
        world.wait(lambda: world.seen("attribute_response"))
        world.settle(2)
        return world

    return make


@pytest.fixture
def product(boot) -> World:
    return boot()


def rests(world: World, seconds: float = 10) -> None:
    """Nothing is started, and flash is left alone."""
    flash = world.twin.flash
    world.settle()
    before = sum(flash.programs), sum(flash.erases), len(world.states)
    world.pass_time(seconds)
    assert (sum(flash.programs), sum(flash.erases), len(world.states)) == before


def test_a_low_battery_keeps_it_back_and_a_charged_one_lets_it_start(product):
    product.call("state", battery=20)
    product.settle()
    product.offer("1.1.0", VERSION_2)
    rests(product)
    assert product.device.client["ota_reason"] == "battery_low: 20%"
    product.call("state", battery=29)
    rests(product)
    product.call("state", battery=30)
    product.wait("UPDATED")


def test_what_is_hard_is_not_forced_by_anybody(product):
    product.call("state", battery=20)
    product.settle()
    product.offer("1.1.0", VERSION_2)
    product.push(ota_forced=True)
    product.call("force")
    rests(product)
    assert product.states == []


def test_a_busy_machine_is_forced_by_the_operator(product):
    product.call("acquire")
    product.offer("1.1.0", VERSION_2)
    rests(product)
    assert product.device.client["ota_reason"] == "pouring"
    product.push(ota_forced=True)
    product.wait("UPDATED")


def test_a_gate_that_closes_in_a_download_holds_the_reset(product):
    product.offer("1.1.0", VERSION_2)
    product.wait("DOWNLOADING")
    product.call("acquire")
    product.wait("VERIFIED")
    product.pass_time(30)
    assert product.twin.story.boots == 1
    assert product.device.client["ota_waiting_for_reset"] is True
    assert product.device.client["ota_reason"] == "pouring"
    product.call("release_lock")
    product.wait("UPDATED")


def test_a_gate_that_raises_is_closed_for_as_long_as_a_job_may_be_put_off(boot):
    world = boot(defer_s=600)
    world.call("state", broken=True)
    world.settle()
    world.offer("1.1.0", VERSION_2)
    world.pass_time(500)
    assert world.states == []
    assert world.device.client["ota_reason"] == "gate_failed: network"
    world.wait("UPDATED", timeout_s=200)
    assert not world.logged("ota offline")


def test_what_was_put_off_for_too_long_starts_although_it_is_disabled(boot):
    world = boot(disabled=1, defer_s=1200)
    world.offer("1.1.0", VERSION_2)
    world.pass_time(400)
    assert world.states == []
    world.twin.cut()  # the count goes on behind it
    world.pass_time(400)  # a boot counts for ten minutes
    assert world.states == []
    world.wait("UPDATED", timeout_s=300)


def test_the_operators_switch_is_above_the_end_of_deferral(boot):
    world = boot(defer_s=600)
    world.push(ota_enabled=False)
    world.settle()
    world.offer("1.1.0", VERSION_2)
    world.pass_time(2000)
    assert world.states == []
    world.push(ota_enabled=True)
    world.wait("UPDATED")


def test_a_held_reset_is_put_off_no_longer_than_a_start(boot):
    world = boot(defer_s=900)
    world.call("hold")
    world.offer("1.1.0", VERSION_2)
    world.wait("VERIFIED")
    world.pass_time(800)
    assert world.twin.story.boots == 1
    assert said(world, "deferred")[-1] == 1
    world.wait("UPDATED", timeout_s=200)


def test_each_reason_counts_once(product):
    product.call("acquire")
    product.offer("1.1.0", VERSION_2)
    product.settle()
    product.call("state", battery=20)
    product.settle()
    product.call("state", battery=100)
    product.settle()
    assert said(product, "deferred") == [0, 1, 2, 3]
    assert product.logged("ota deferred") == 3


def test_explain_says_why_it_waits_and_touches_nothing(product):
    product.call("acquire")
    product.call("disable", reason="brewing")
    product.offer("1.1.0", VERSION_2)
    rests(product)
    flash = product.twin.flash
    before = sum(flash.programs), sum(flash.erases)
    lines = ask(product, "ota_explain")
    assert lines == [
        "offer: ok, firmware thermometer 1.1.0",
        "job: ok",
        "operator: ok",
        "updates: wait, disabled: brewing",
        "pause: ok",
        "battery: ok",
        "network: ok",
        "machine: wait, pouring",
        "deferral: ok, 1 times",
        "verdict: wait, disabled: brewing",
    ]
    assert (sum(flash.programs), sum(flash.erases)) == before
    product.call("release_lock")
    product.call("enable")
    product.wait("UPDATED")


def test_explain_tells_of_windows_in_time(boot):
    world = boot(when="02:00-04:00")
    world.twin.chip.set_time(1_768_435_200 - EPOCH_2000)  # 2026-01-15 00:00 UTC
    world.offer("1.1.0", VERSION_2)
    world.settle()
    lines = ask(world, "ota_explain")
    assert "time: wait, waiting_for_window, until 1768442400" in lines
    assert lines[-1] == "verdict: wait, waiting_for_window, until 1768442400"


def test_explain_without_an_offer_says_so(product):
    assert ask(product, "ota_explain") == ["offer: wait, nothing"]


def test_explain_in_the_midst_of_a_download_disturbs_nothing(product):
    product.fault("chunkx*:delay=100")
    product.offer("1.1.0", VERSION_2)
    product.wait_flash("write", 9 * SECTOR)
    assert ask(product, "ota_explain")[-1] == "verdict: start"
    product.wait("UPDATED")
    assert json.dumps(product.ends) == '["UPDATED"]'


def test_an_offer_that_was_taken_back_and_is_made_again_is_put_off_anew(boot):
    world = boot(disabled=1, defer_s=600)
    package = world.offer("1.1.0", VERSION_2)
    world.settle()
    world.unassign()
    world.pass_time(700)
    world.twin.cut()  # nor is it known behind a reset
    world.settle()
    world.assign(package)
    world.pass_time(500)
    assert world.states == []
    world.wait("UPDATED", timeout_s=200)


def test_an_order_to_start_ends_with_the_offer_that_it_was_given_for(boot):
    world = boot(disabled=1, battery=20)
    package = world.offer("1.1.0", VERSION_2)
    world.settle()
    world.call("force")
    world.settle()
    world.unassign()
    world.settle()
    world.call("state", battery=100)
    world.assign(package)
    rests(world)
    assert world.states == []
