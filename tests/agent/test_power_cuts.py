# SPDX-License-Identifier: MIT
"""The power goes at every flash operation of an update in turn: the board comes back, and the job ends once."""

import random

import pytest

from simulator.board import tear
from simulator.board.flash import Flash
from tests.agent.harness import World, firmware

STRIDE = 14  # a sample on real interpreters, other cuts on each; all of them are the campaign's business


class Knife:
    """Counts flash operations and cuts the power at one of them, torn in one of three ways."""

    def __init__(self, flash: Flash, at: int) -> None:
        self._left = at
        self._rng = random.Random(at)
        self._tear = (tear.after, tear.prefix(0.5), None)[at % 3]
        self.count = 0
        flash.on_op = self

    def __call__(self, kind: str, address: int, size: int):
        self.count += 1
        if self.count != self._left:
            return None
        return self._tear or (tear.program if kind == "program" else tear.erase)(self._rng)


def ends_once(world: World) -> None:
    """The same end whatever happened: 1.1.0 runs and is reported, or 1.0.0 runs and says why."""
    world.wait(lambda: world.ends != [] and world.logged("ota reported") > 0)
    world.settle()
    assert len(set(world.ends)) == 1
    if world.ends[0] == "UPDATED":
        assert world.runs == ("1.1.0", "ota_1")
        assert world.slot_holds("ota_1", firmware("1.1.0"))
    else:
        assert world.errors[-1] == "rolled_back: power was lost"
        assert world.runs == ("1.0.0", "ota_0")
    assert world.slot_holds("ota_0", firmware("1.0.0"))
    assert not world.logged("Traceback")


@pytest.mark.parametrize("part", range(0, STRIDE, 2))
def test_power_cuts_leave_a_board_that_ends_its_job_once(make_world, interpreter, part, tmp_path):
    """The file system is there from the start: that its first format can be cut is MicroPython's affair."""
    step = STRIDE * 3
    at = 1 + part * 3 + ("micropython32", "micropython", "cpython").index(interpreter.name)
    while True:
        world = make_world(files=tmp_path)
        knife = Knife(world.twin.flash, at)
        world.offer()
        world.wait(lambda: world.twin.why == "power_cut" or world.logged("ota reported") > 0)  # noqa: B023
        if knife.count < at:
            break
        ends_once(world)
        world.twin.board.close()
        at += step
    assert knife.count > step
