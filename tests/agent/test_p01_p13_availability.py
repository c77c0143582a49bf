# SPDX-License-Identifier: MIT
"""Particle's control surface (particle.md 11), items 1 to 13, over ThingsBoard: who may update what when.

What Particle does by messages is client attributes and shared attributes here, `enabled` among the former. Where it
forgets at a reset we do not (docs/decisions/0009-who-decides-when.md).
"""

from collections.abc import Callable

import pytest

from tests.agent.events import ask, heard, said
from tests.agent.harness import GOOD, World, firmware

PRODUCT = "controls"
VERSION_2 = firmware("1.1.0", product=PRODUCT)
UNKNOWN, NOT_AVAILABLE, PENDING, IN_PROGRESS = range(4)


def boot(make_world: Callable[..., World], **settings) -> World:
    """A product that prints its events, on line."""
    world = make_world(firmware("1.0.0", product=PRODUCT), settings={"watch": "prints", **settings})
    world.wait(lambda: world.seen("attribute_response"))
    world.settle(2)
    return world


@pytest.fixture
def product(make_world) -> World:
    return boot(make_world)


@pytest.fixture
def disabled(make_world) -> World:
    return boot(make_world, disabled=1)


def test_p01_after_a_boot_updates_are_enabled_and_nothing_is_known(make_world):
    world = make_world(firmware("1.0.0", product=PRODUCT), settings={"watch": "prints"})
    world.wait_log("ota running")
    world.wait(lambda: world.device.client.get("ota_status") is not None)
    assert ask(world) == {
        "updates_enabled": True,
        "updates_pending": False,
        "updates_forced": False,
        "update_status": NOT_AVAILABLE,
        "reset_enabled": True,
        "reset_pending": False,
        "transfer": {},
    }
    assert heard(world) == ["status 1"]  # it was UNKNOWN until the cloud was heard


def test_p02_each_connection_begins_with_enabled_and_forced(product):
    product.device.session.close(0x83, "restart")
    product.wait(lambda: len(said(product, "enabled")) == 2)
    assert said(product, "forced") == [False, False]
    assert said(product, "enabled") == [True, True]


def test_p03_disabled_before_it_connects_is_the_first_that_is_said(disabled):
    assert said(disabled, "enabled") == [False]
    assert disabled.device.client["ota_reason"] == "disabled: by setting"


def test_p04_saying_it_twice_is_one_message(product):
    for method in ("enable", "disable", "disable", "enable", "enable"):
        product.call(method)
        product.settle(2)
    assert said(product, "enabled") == [True, False, True]


def test_p05_disabled_offline_only_what_is_so_in_the_end_is_said(product):
    for method in ("disable", "enable", "disable"):
        product.call(method)
    product.device.session.close(0x83, "restart")
    product.wait(lambda: len(said(product, "enabled")) == 2)
    product.settle()
    assert said(product, "enabled") == [True, False]


def test_p06_disabled_the_offer_costs_no_erase_no_event_and_no_connection(disabled):
    disabled.offer("1.1.0", VERSION_2)
    disabled.settle()
    assert sum(disabled.erases("ota_1")) == 0
    assert disabled.states == []
    assert "begin 0" not in heard(disabled)
    assert len(disabled.seen("connect")) == 1


def test_p07_what_waits_is_pending_for_the_product_and_for_the_cloud(disabled):
    disabled.offer("1.1.0", VERSION_2)
    disabled.settle()
    assert heard(disabled) == ["status 1", "pending 0", "status 2"]
    assert (disabled.device.client["ota_pending"], disabled.device.client["ota_status"]) == (True, PENDING)
    assert ask(disabled)["updates_pending"]


def test_p08_enabled_it_starts_and_is_not_pending_any_more(disabled):
    disabled.offer("1.1.0", VERSION_2)
    disabled.settle()
    disabled.call("enable")
    disabled.wait("DOWNLOADED")
    assert heard(disabled)[:5] == ["status 1", "pending 0", "status 2", "status 3", "begin 0"]
    assert (said(disabled, "pending"), said(disabled, "enabled")) == ([False, True, False], [False, True])


def test_p09_forced_by_the_operator_is_echoed_and_starts_what_is_disabled(disabled):
    disabled.push(ota_forced=True)
    disabled.settle()
    assert said(disabled, "forced") == [False, True]
    told = ask(disabled)
    assert (told["updates_enabled"], told["updates_forced"]) == (False, True)
    disabled.offer("1.1.0", VERSION_2)
    disabled.wait("UPDATED")
    assert disabled.states == [*GOOD]


def test_p09_forced_while_the_board_was_away_is_known_on_the_next_connection(disabled):
    disabled.offer("1.1.0", VERSION_2)
    disabled.device.session.close(0x83, "restart")
    disabled.push(ota_forced=True)
    disabled.wait("UPDATED")


@pytest.mark.parametrize("how", ["false", "deleted", "deleted while away"])
def test_p10_not_forced_any_more_nothing_starts(disabled, how):
    disabled.push(ota_forced=True)
    disabled.settle()
    if how == "deleted while away":
        disabled.device.session.close(0x83, "restart")
    if how == "false":
        disabled.push(ota_forced=False)
    else:
        disabled.delete("ota_forced")
    disabled.settle()
    disabled.offer("1.1.0", VERSION_2)
    disabled.settle()
    assert disabled.states == []
    assert disabled.device.client["ota_forced"] is False


def test_p11_disabled_in_the_midst_of_a_download_it_goes_on(product):
    product.offer("1.1.0", VERSION_2)
    product.wait("DOWNLOADING")
    product.call("disable")
    product.wait("UPDATED")
    assert product.states == [*GOOD]


def test_p12_disabled_outlives_a_loss_of_power_and_forced_does_not(product):
    product.call("disable", reason="brewing")
    product.push(ota_forced=True)
    product.settle()
    product.delete("ota_forced")
    product.twin.cut()
    product.settle(10)
    product.offer("1.1.0", VERSION_2)
    product.settle()
    assert product.states == []
    assert product.device.client["ota_reason"] == "disabled: brewing"
    product.call("enable")
    product.wait("UPDATED")


def test_p12_disabled_is_known_at_the_next_boot_before_the_product_says_a_word(make_world):
    world = make_world(firmware("1.0.0", product=PRODUCT))
    world.wait(lambda: world.seen("attribute_response"))
    world.call("disable")
    world.settle()
    world.offer("1.1.0", VERSION_2)
    world.twin.cut()
    world.settle(10)
    assert world.states == []
    assert said(world, "enabled") == [False, False]  # and the cloud is told again


def test_p12_a_forgotten_off_is_over_after_the_time_of_the_settings(make_world):
    world = boot(make_world, off_s=1200)
    world.call("disable")
    world.settle()
    world.offer("1.1.0", VERSION_2)
    world.pass_time(400)
    assert world.states == []
    world.twin.cut()  # and time goes on behind a loss of power
    world.pass_time(500)  # a boot counts for ten minutes
    world.wait("UPDATED")
    assert world.logged("ota control over=off reason=busy") == 1


def test_p12_off_until_a_moment_ends_there(product):
    now = product.twin.chip.time() + 946_684_800
    product.twin.chip.set_time(1_800_000_000 - 946_684_800)
    assert now < 1_800_000_000
    product.call("disable", until=1_800_000_300)
    product.settle()
    assert product.device.client["ota_until"] == 1_800_000_300
    product.offer("1.1.0", VERSION_2)
    product.pass_time(200)
    assert product.states == []
    product.wait("UPDATED", timeout_s=300)


def test_p13_offered_again_while_it_is_pending_is_one_event(disabled):
    package = disabled.offer("1.1.0", VERSION_2)
    disabled.settle()
    disabled.assign(package)
    disabled.settle()
    assert heard(disabled).count("pending 0") == 1


def test_operator_can_switch_updates_off_and_on(product):
    product.push(ota_enabled=False)
    product.settle()
    product.offer("1.1.0", VERSION_2)
    product.settle()
    assert product.states == []
    assert product.device.client["ota_reason"] == "disabled: by the operator"
    product.push(ota_enabled=True)
    product.wait("UPDATED")


@pytest.mark.parametrize("value", ["true", 1, "t", ""])
def test_only_true_is_true(disabled, value):
    """Particle takes an empty text for true (particle.md 5)."""
    disabled.push(ota_forced=value)
    disabled.offer("1.1.0", VERSION_2)
    disabled.settle()
    assert disabled.states == []
    assert disabled.logged("code=bad_ota_forced")


def test_a_product_that_has_no_say_loads_nothing_of_it(world):
    world.offer("1.1.0", firmware("1.1.0"))
    world.wait("UPDATED")
    assert world.seen("attributes") == []
