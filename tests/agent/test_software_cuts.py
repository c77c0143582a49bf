# SPDX-License-Identifier: MIT
"""The power goes at flash operations of a software update, in the file system too: never half a tree, one report.

On MicroPython, whose file system lies in flash operation by operation; a sample, the campaign has them all.
"""

import pytest

from simulator import interpreters
from simulator.errors import UserError
from simulator.interpreters import Interpreter
from tests.agent.harness import World, application
from tests.agent.test_power_cuts import Knife

SW = "sw_state"
STRIDE = 60


@pytest.fixture
def interpreter() -> Interpreter:
    """A CPython device's file system is packed when it stops: none of its operations can be cut."""
    try:
        return interpreters.find("micropython32")
    except UserError as missing:
        pytest.skip(missing.text)


def update_cut_at(world: World, at: int) -> Knife:
    """2.0.0 is installed, then the update to 2.1.0 loses its power at this flash operation."""
    world.offer_software("2.0.0")
    world.wait("UPDATED", key=SW)
    world.settle()
    knife = Knife(world.twin.flash, at)
    reported = world.logged("ota reported state=")
    world.offer_software("2.1.0", application("2.1.0"))
    world.wait(lambda: world.logged("ota reported state=") > reported)
    world.twin.flash.on_op = None
    world.settle(15)
    return knife


@pytest.mark.parametrize("part", range(0, STRIDE, 10))
def test_power_cuts_leave_one_whole_tree_and_one_report(make_world, part, tmp_path):
    at = 1 + part
    while True:
        world = make_world(files=tmp_path)
        knife = update_cut_at(world, at)
        ends = [state for state in world.told(SW) if state in ("UPDATED", "FAILED")]
        assert ends[0] == "UPDATED" and len(set(ends[1:])) == 1
        version = "2.1.0" if ends[-1] == "UPDATED" else "2.0.0"
        assert world.twin.story.software == (version, "b" if version == "2.1.0" else "a")
        assert world.told("app")[-1] == f"{version} sensor of {version}"
        assert world.told("current_sw_version")[-1] == version
        assert not world.logged("Traceback")
        assert world.states == []
        world.twin.board.close()
        if knife.count < at:
            break
        at += STRIDE
    assert knife.count > STRIDE
