# SPDX-License-Identifier: MIT
"""What goes wrong outside of a download, even while that is dealt with: the application runs on, the agent tries later.

Memory that is short is the worst of it: an import, a report, and what closes the line may need some (lwm2m.md 7).
"""

from itertools import pairwise

from tests.agent.harness import firmware

MAIN = """
from ota import agent as module
from ota import identity
from ota.board import Board
from ota.cloud import choose
from ota.journal import Journal

board = Board()
board.join("simulated", "")
journal = Journal(board.nvs)
cloud = choose.cloud(board, identity.running(board, journal))
agent = module.Agent(board, cloud, journal)


class Failing:
    '''Raises MemoryError some times, and calls what it replaces after these.'''

    def __init__(self, name, do, times):
        self._name, self._do, self._left = name, do, times

    def __call__(self, *args):
        if self._left:
            self._left -= 1
            print("no memory for", self._name)
            raise MemoryError("memory allocation failed")
        return self._do(*args)


FAULTS
steps = ticks = 0
for _ in agent.steps():
    steps += 1
    if steps % 500 == 0:
        print("application", steps)
"""
CLOSE = "agent.cloud.close = Failing('close', cloud.close, {})"
POLL = "agent.cloud.poll = Failing('poll', cloud.poll, {})"
SETTLE = "agent._settle = Failing('settle', agent._settle, {})"
PRINT = "module.print_exception = Failing('print', module.print_exception, {})"


def board_with(make_world, *faults: str):
    return make_world(firmware("1.0.0", MAIN.replace("FAULTS", "\n".join(faults))))


def pauses(world, text: str) -> list[int]:
    """Seconds between two lines with this, rounded down."""
    found = [event["ms"] for event in world.twin.story.events if text in event.get("line", "")]
    return [(after - before) // 1000 for before, after in pairwise(found)]


def test_no_memory_even_to_clear_up(make_world) -> None:
    """What raises in the midst of it ends nothing but the agent's own try."""
    world = board_with(make_world, POLL.format(1), CLOSE.format(4), PRINT.format(4))
    world.pass_time(300)
    assert world.logged("no memory for close") == 4
    assert world.twin.story.boots == 1
    assert world.logged("application") > 10  # each 25 s
    world.offer("1.1.0")
    world.wait("UPDATED")


def test_a_bug_that_stays_is_met_less_and_less_often(make_world) -> None:
    world = board_with(make_world, SETTLE.format(6))
    world.pass_time(400)
    assert pauses(world, "no memory for settle") == [10, 20, 40, 80, 80]
    assert world.twin.story.boots == 1
    world.offer("1.1.0")
    world.wait("UPDATED")


def test_no_memory_for_the_line_is_a_line_that_broke(make_world) -> None:
    """Tried again as after any other error of the line, soon at first."""
    world = board_with(make_world, POLL.format(6))
    world.pass_time(120)
    assert not world.logged("Traceback")
    assert world.logged("ota offline code=no_memory") == 6
    found = pauses(world, "no memory for poll")
    assert all(least <= pause <= least * 1.5 + 1 for least, pause in zip([1, 2, 4, 8, 16], found, strict=True)), found
    world.offer("1.1.0")
    world.wait("UPDATED")
