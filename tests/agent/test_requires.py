# SPDX-License-Identifier: MIT
"""An application that needs newer firmware than what runs, on ThingsBoard: its package's tag says so."""

import pytest

from simulator import software
from tests.agent.events import said
from tests.agent.harness import APP, GOOD, World, application
from tests.agent.test_power_cuts import Knife

_ALL = "112k"  # software and who decides when, with line numbers
SW = "sw_state"
STRIDE = 7  # other cuts, and other ways to tear, on each interpreter
TAG = "requires thermometer >= 1.1"


def offer_application(world: World, version: str = "2.0.0", tag: str = TAG) -> None:
    world.offer(version, software.pack(application(version), APP, version), APP, type="SOFTWARE", tag=tag)


@pytest.fixture
def product(make_world) -> World:
    world = make_world(heap=_ALL)
    world.wait(lambda: world.seen("attribute_response"))
    return world


def test_without_such_firmware_it_is_refused_once_and_taken_when_the_firmware_has_come(product):
    offer_application(product)
    product.wait("FAILED", key=SW)
    product.device.session.close(0x83, "restart")
    product.settle(10)
    product.twin.cut()
    product.settle(10)
    assert product.software_states == ["FAILED"]
    assert product.told("sw_error") == ["runtime_too_old: needs thermometer >= 1.1"]
    assert not product.seen("chunk_request")
    product.offer("1.1.0")
    product.wait("UPDATED")
    product.wait("UPDATED", key=SW)
    assert product.states == [*GOOD]
    assert product.software_states == ["FAILED", *GOOD]
    assert product.told("app") == ["2.0.0 sensor of 2.0.0"]


def test_it_waits_for_firmware_that_is_on_offer_and_no_longer(product):
    product.push(ota_enabled=False)
    product.offer("1.1.0")
    product.settle()
    offer_application(product)
    product.settle()
    assert product.software_states == []
    product.unassign()
    product.wait("FAILED", key=SW)
    assert product.told("sw_error") == ["runtime_too_old: needs thermometer >= 1.1"]
    assert not product.seen("chunk_request")
    assert said(product, "enabled")[-1] is False


@pytest.mark.parametrize(
    ("tag", "state"), [("requires thermometer >= 1.0", "UPDATED"), ("requires something", "FAILED"), ("2.0", "UPDATED")]
)
def test_what_a_tag_says_counts_only_if_it_is_a_requirement(product, tag, state):
    offer_application(product, tag=tag)
    product.wait(state, key=SW)
    assert product.told("sw_error") == (["bad_terms: requires"] if state == "FAILED" else [])


def test_power_that_goes_while_it_is_refused_costs_neither_the_refusal_nor_its_end(make_world, interpreter):
    at = 1 + ("micropython32", "micropython", "cpython").index(interpreter.name)
    while True:
        world = make_world(heap=_ALL)
        world.wait(lambda: world.seen("attribute_response"))  # noqa: B023
        knife = Knife(world.twin.flash, at)
        offer_application(world)
        world.settle(20)
        world.twin.flash.on_op = None
        world.settle(20)
        assert set(world.told("sw_error")) == {"runtime_too_old: needs thermometer >= 1.1"}
        assert not world.seen("chunk_request")
        world.offer("1.1.0")
        world.wait("UPDATED")
        world.wait("UPDATED", key=SW)
        assert world.software_states[-5:] == [*GOOD]
        assert not world.logged("Traceback")
        world.twin.board.close()
        if knife.count < at:
            break
        at += STRIDE
    assert knife.count > STRIDE
