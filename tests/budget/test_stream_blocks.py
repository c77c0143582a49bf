# SPDX-License-Identifier: MIT
"""A block of a stream costs no heap either, in order or before its turn, through the whole agent."""

import shutil
from pathlib import Path

import pytest

from simulator import memory, probes
from simulator.board.lockstep import HOST, Lockstep
from simulator.board.net import EPOCH_MS
from simulator.breakage import BOARD, FIRMWARE
from simulator.clouds.rainmaker import RainMaker
from simulator.interpreters import Interpreter
from tests.agent.harness import small_app
from tests.agent.rm_world import NODE, PORT, authority, credentials

DATA = small_app(memory.QUICK_SIZE)
FIRST, LAST = 56, 92  # between two reports of the progress
SETTINGS = {"cloud": "rainmaker", "node_id": NODE, "port": PORT, "streams": 1, "ways": 1}
LEAKS = {
    "source/aws_stream.py": "        self._asked = batch + (end if self._slow else _BATCH)\n",
    "source/cbor.py": '        self.code = ""\n        if',
    "scatter.py": "        self.first += 1\n",
}


def blocks(board: Interpreter, firmware: Path = FIRMWARE) -> str:
    """What the probe says that lets blocks stream in with the heap locked; or what stopped it."""
    cloud = RainMaker(seed=1, now_ms=EPOCH_MS)
    cloud.add_node(NODE)
    for index in range(2, LAST, 3):
        cloud.add_fault(f"block={index}:reorder")
    cloud.create_job("job", cloud.add_image("1.1.0.bin", DATA, "1.1.0"), EPOCH_MS, nodes=(NODE,))
    image = probes.image("blocks", firmware=firmware, TRACK=0, LOCK=True, FIRST=FIRST, LAST=LAST)
    with Lockstep(board, image, None, {**SETTINGS, **credentials()}, layout=BOARD) as twin:
        twin.net.tells_time = True
        twin.net.serve(HOST, PORT, cloud, authority().chain(HOST))
        twin.run(lambda event: event["event"] == "repl", max_boots=1)
        return next(line for line in reversed(twin.story.lines) if line.startswith(("probe", "MemoryError")))


def test_blocks_of_a_stream_come_in_with_the_heap_locked(board: Interpreter) -> None:
    assert blocks(board) == f"probe blocks {LAST - FIRST} bytes 0"


@pytest.fixture(params=LEAKS)
def leaking(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The firmware with one allocation planted."""
    folder = shutil.copytree(FIRMWARE, tmp_path / "firmware")
    file = folder / "ota" / request.param
    line = LEAKS[request.param]
    text = file.read_text()
    assert text.count(line) == 1
    file.write_text(text.replace(line, "        self.note = [0]\n" + line))
    return folder


def test_an_allocation_planted_in_a_stream_is_noticed(board: Interpreter, leaking: Path) -> None:
    assert blocks(board, leaking).startswith("MemoryError")
