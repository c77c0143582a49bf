# SPDX-License-Identifier: MIT
"""Wi-Fi that is away while something is to be said: what cannot go out is as good as lost, and no bug of ours."""

import pytest

from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, LwWorld

LIFETIME_S = 60  # an Update each 30 s
BIG = small_app(200_000)


def leave(world: LwWorld, seconds: float) -> None:
    world.twin.site.is_up = False
    world.pass_time(seconds)
    world.twin.site.is_up = True


@pytest.fixture
def away(make_world) -> LwWorld:
    world = make_world(settings={"lifetime": LIFETIME_S})
    world.start()
    return world


@pytest.mark.parametrize("seconds", [35, 90])
def test_an_update_that_is_due_meanwhile_is_late_and_no_crash(away: LwWorld, seconds: int) -> None:
    leave(away, seconds)
    before = len(away.seen("updated"))
    away.wait(lambda: len(away.seen("updated")) > before, 60)
    assert away.read("/3/0/3") == "1.0.0"
    assert not away.logged("Traceback")
    assert away.twin.story.boots == 1


def test_a_push_goes_on_after_a_short_gap(away: LwWorld) -> None:
    push = away.device.push(BIG)
    away.wait(lambda: len(away.seen("block")) > 30)
    away.pass_time(28 - away.twin.clock.now_ms() / 1000 % 30)
    leave(away, 10)
    away.wait(lambda: push.reply is not None, 300)
    away.wait_state(DOWNLOADED, 0)
    assert away.told == [(1, 0), (2, 0)]
    assert not away.logged("Traceback")


def test_a_push_may_begin_anew_after_a_long_one(away: LwWorld) -> None:
    away.device.push(BIG)
    away.wait(lambda: len(away.seen("block")) > 30)
    leave(away, 60)
    away.pass_time(60)
    assert away.state == (1, 0)
    assert away.push(BIG) == "2.04"
    away.wait_state(DOWNLOADED, 0)
    assert away.told == [(1, 0), (2, 0)]
    assert not away.logged("Traceback")
