# SPDX-License-Identifier: MIT
"""Both ends of the link name the operations alike, and everything the device asks for is answered."""

import re
from pathlib import Path

from simulator.board import power
from simulator.board.chip import Chip
from simulator.board.clock import VirtualClock
from simulator.board.flash import Flash
from simulator.board.link import Op
from simulator.board.power import Board
from simulator.board.story import Story, parse_line
from simulator.interpreters import find

DEVICE = Path(power.__file__).parent / "device"


def asked() -> dict[str, int]:
    """The operations that the device's modules name, with their numbers."""
    text = "".join(path.read_text() for path in DEVICE.glob("*.py"))
    return {name: int(number) for name, number in re.findall(r"^_OP_(\w+) = (?:const\()?(\d+)", text, re.MULTILINE)}


def test_operations_have_the_same_numbers_on_both_sides() -> None:
    assert asked() == {op.name: op.value for op in Op}


def test_every_operation_has_a_handler() -> None:
    """READY and START belong to the session, all others to the board."""
    clock = VirtualClock()
    board = Board(Chip(Flash(0x100000, clock), clock), find("cpython"))
    assert set(board._handlers) | {Op.READY, Op.START} == set(Op)


def test_story_reads_the_agent_s_lines() -> None:
    assert parse_line("ota updated") == ("updated", {})
    line = "ota failed error=rolled_back: it was reset code=7"
    assert parse_line(line) == ("failed", {"error": "rolled_back: it was reset", "code": "7"})
    assert parse_line("say ota failed") is None
    assert parse_line("ota guard failed: no module") is None


def test_story_keeps_the_steps_of_an_update() -> None:
    story = Story()
    for line in ("ota running slot=ota_0 version=1.0", "ota downloading", "ota progress offset=1", "ota updated"):
        story.add({"event": "console", "ms": 0, "line": line})
    story.add({"event": "boot", "ms": 0, "slot": "ota_1"})
    assert (story.states, story.version, story.slot, story.boots) == (["downloading", "updated"], "1.0", "ota_1", 1)
