# SPDX-License-Identifier: MIT
"""An application that restarts its board or lets it sleep, in good order, on a trial and at other times."""

from pathlib import Path

import pytest

from tests.agent.harness import GOOD, World, firmware


@pytest.fixture
def product(make_world) -> World:
    return make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 60})


def leaves(version: str, how: str, health: int = 0) -> bytes:
    """The product, but at its first boot it leaves ten steps after its start, whatever the cloud has said by then."""
    main = (Path(__file__).parent / "products" / "controls" / "main.py").read_text()
    step = f"""    for number, _ in enumerate(agent.steps()):
        if number == 10 and agent.on_trial:
            {how}
"""
    return firmware(version, main.replace("    for _ in agent.steps():\n", step))


@pytest.mark.parametrize("how", ["agent.restart_soon()", "agent.sleep_soon(5000)"])
def test_who_leaves_in_good_order_on_a_trial_is_well_although_the_cloud_is_away(product, how):
    product.offer("1.1.0", leaves("1.1.0", how))
    product.wait("UPDATING")
    product.twin.board.site.is_up = False
    product.wait_log("ota confirmed")
    product.twin.board.site.is_up = True
    product.wait("UPDATED")
    assert product.runs == ("1.1.0", "ota_1")
    assert product.ends == ["UPDATED"]


def test_a_reset_that_is_not_in_good_order_is_the_end_of_the_trial(product):
    product.offer("1.1.0", leaves("1.1.0", "machine.reset()"))
    product.wait("FAILED")
    assert product.errors == ["rolled_back: it crashed or was reset"]


@pytest.mark.parametrize("how", ["agent.restart_soon()", "agent.sleep_soon(5000)"])
def test_who_leaves_on_a_trial_but_is_not_well_brings_the_old_image_back(make_world, how):
    world = make_world(firmware("1.0.0", product="controls"), settings={"trial_s": 60, "health": 1})
    world.offer("1.1.0", leaves("1.1.0", how))
    world.wait("FAILED")
    assert world.errors == ["rolled_back: health check failed"]
    assert world.states == [*GOOD[:4], "FAILED"]


def test_restarts_in_good_order_are_no_crashes(product):
    product.settle(10)
    for boots in range(2, 6):
        product.call("restart")
        product.settle(10)
        assert product.twin.story.boots == boots
    nvs = product.twin.chip.nvs
    assert nvs.get_i32(nvs.open("ota"), "crashes") == 0
