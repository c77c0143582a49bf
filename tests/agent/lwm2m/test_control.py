# SPDX-License-Identifier: MIT
"""Who decides when, over LwM2M: what is pulled waits, what is pushed is not taken until the product allows it."""

import pytest

from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, LwWorld, firmware

SMALL = small_app(30_000)
BREWS_S = 60
DOWNLOADING = 1
MAIN = f"""
from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.lwm2m import Lwm2m
from ota.journal import Journal
from ota.port import ticks_diff, ticks_ms

board = Board()
board.join("simulated", "")
journal = Journal(board.nvs)
agent = Agent(board, Lwm2m(board, identity.running(board, journal)), journal)
agent.disable_updates("brewing")
begin = ticks_ms()
for _ in agent.steps():
    if ticks_diff(ticks_ms(), begin) > {BREWS_S * 1000}:
        agent.enable_updates()
"""


@pytest.fixture
def product(make_world) -> LwWorld:
    """Brews for a minute."""
    world = make_world(app=firmware("1.0.0", MAIN))
    world.start()
    return world


def test_what_is_pulled_waits_until_updates_are_enabled(product: LwWorld) -> None:
    assert product.pull(data=SMALL) == "2.04"
    product.pass_time(BREWS_S - 20)
    assert (product.state, product.fetched()) == ((DOWNLOADING, 0), [])
    assert product.logged("ota idle reason=disabled: brewing") == 1
    product.wait_state(DOWNLOADED, 0)
    assert product.told == [(DOWNLOADING, 0), (DOWNLOADED, 0)]


def test_what_is_pushed_meanwhile_is_refused_and_taken_afterwards(product: LwWorld) -> None:
    assert product.push(SMALL) == "5.03"
    product.settle()
    assert product.state == (0, 0)
    assert not any(product.erases("ota_1"))
    product.pass_time(BREWS_S)
    assert product.push(SMALL) == "2.04"
    product.wait_state(DOWNLOADED, 0)
