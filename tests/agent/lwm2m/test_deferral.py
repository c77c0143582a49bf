# SPDX-License-Identifier: MIT
"""How long the product may put off what the server orders (lwm2m.md 2.1: severity, maximum defer period)."""

import pytest

from tests.agent.lw_world import DOWNLOADED, LwWorld, firmware
from tests.agent.lwm2m.test_items_l54_l57 import MAIN

SEVERITY, DEFER = "/5/0/11", "/5/0/13"


@pytest.fixture
def product(make_world) -> LwWorld:
    """It never allows a reset by itself."""
    world = make_world(app=firmware("1.0.0", MAIN))
    world.start()
    return world


def write(world: LwWorld, path: str, value: int) -> None:
    assert world.code(world.device.write(path, value)) == "2.04"


def ordered(world: LwWorld) -> None:
    assert world.execute() == "2.04"


def download(world: LwWorld) -> None:
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)


def updated_within(world: LwWorld, seconds: float) -> bool:
    before = len(world.seen("registered"))
    end = world.twin.clock.now_ms() + seconds * 1000
    while world.twin.clock.now_ms() < end and len(world.seen("registered")) == before:
        world.pass_time(1)
    return len(world.seen("registered")) > before


def test_how_urgent_it_is_says_how_long_where_the_server_says_no_more(product: LwWorld) -> None:
    assert str(product.ask(product.device.read(DEFER))) == "4.04"  # as the board is set
    write(product, SEVERITY, 2)
    download(product)
    ordered(product)
    assert not updated_within(product, 60)
    assert product.told[-2:] == [(3, 0), (2, 11)]


def test_what_may_not_be_put_off_is_not(product: LwWorld) -> None:
    write(product, DEFER, 0)
    download(product)
    ordered(product)
    assert updated_within(product, 30)
    product.wait_state(0, 1)
    assert product.told == [(1, 0), (2, 0), (3, 0), (0, 1)]


def test_what_is_written_after_the_download_counts(product: LwWorld) -> None:
    download(product)
    write(product, DEFER, 40)
    ordered(product)
    assert not updated_within(product, 30)
    assert product.state == (DOWNLOADED, 11)
    assert updated_within(product, 30)


@pytest.mark.parametrize("seconds", [0, 40])
def test_what_is_written_while_it_is_put_off_counts(product: LwWorld, seconds: int) -> None:
    write(product, DEFER, 3600)
    download(product)
    ordered(product)
    product.wait_state(DOWNLOADED, 11)
    product.pass_time(60)
    write(product, DEFER, seconds)
    assert updated_within(product, seconds + 20)
    product.wait_state(0, 1)
