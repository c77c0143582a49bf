# SPDX-License-Identifier: MIT
"""Pushes that do not come as they should (lwm2m.md 2.3, 3.1): none leaves State where nobody gets it away again."""

import pytest

from simulator.clouds.lwm2m import Style, coap, tlv
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, IDLE, LwWorld
from tests.agent.lwm2m.test_items_l54_l57 import answers, say

SMALL = small_app(9_008)
TLV = 11542


@pytest.mark.parametrize("block", [(0, True, 6), (0, True, 7), (0, False, 7)])
def test_a_first_block_that_is_none_begins_nothing(world: LwWorld, block: tuple) -> None:
    world.start()
    message = coap.build(coap.PUT, b"x" * 500, uri_path=("5", "0", "0"), content_format=42, block1=block)
    say(world, message, mid=0x7101)
    (answer,) = answers(world, 0x7101)
    assert answer.code.dotted == "4.00"
    assert (world.state, world.told) == ((IDLE, 0), [])


@pytest.mark.parametrize("promised", [9_000, 20_000])
def test_a_package_of_another_length_than_its_head_says_is_none(world: LwWorld, promised: int) -> None:
    world.start()
    data = tlv.resource_head(0, promised) + SMALL
    codes = [world.code(world.device.push_block(data, n, Style(format=TLV))) for n in range(-(-len(data) // 1024))]
    assert codes[-1] == "4.00"
    assert world.state == (IDLE, 0)
    assert world.push(SMALL, Style(format=TLV)) == "2.04"
    world.wait_state(DOWNLOADED, 0)
