# SPDX-License-Identifier: MIT
"""A block from the maker's own broker costs no heap either, through the whole agent."""

import shutil
from pathlib import Path

import pytest

from simulator import memory, probes
from simulator.board.lockstep import Lockstep
from simulator.board.net import EPOCH_MS
from simulator.breakage import BOARD, FIRMWARE, TITLE
from simulator.clouds.broker import Broker, Names, chunks, release
from simulator.clouds.broker.scheme import encode
from simulator.interpreters import Interpreter
from tests.agent.harness import small_app

DATA = small_app(memory.QUICK_SIZE)
FIRST, LAST = 56, 92  # between two reports of the progress
NAMES = Names("thermometer")
SETTINGS = {"cloud": "broker", "product": NAMES.product, "device_id": "board-1"}
LEAKS = {
    "source/br_chunks.py": "        packet[0] = kind\n",
    "cloud/broker.py": "        if self.asked and self.ready:\n",
}


def blocks(board: Interpreter, firmware: Path = FIRMWARE) -> str:
    """What the probe says that lets blocks stream in with the heap locked; or what stopped it."""
    cloud = Broker(seed=1, now_ms=EPOCH_MS)
    for topic, payload in [*chunks(NAMES, DATA), (NAMES.release(), encode(release(TITLE, "1.1.0", DATA)))]:
        cloud.publish(topic, payload, EPOCH_MS, retain=True)
    image = probes.image("blocks", firmware=firmware, TRACK=0, LOCK=True, FIRST=FIRST, LAST=LAST)
    with Lockstep(board, image, cloud, SETTINGS, layout=BOARD) as twin:
        twin.run(lambda event: event["event"] == "repl", max_boots=1)
        return next(line for line in reversed(twin.story.lines) if line.startswith(("probe", "MemoryError")))


def test_blocks_of_retained_chunks_come_in_with_the_heap_locked(board: Interpreter) -> None:
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


def test_an_allocation_planted_on_the_way_of_a_chunk_is_noticed(board: Interpreter, leaking: Path) -> None:
    assert blocks(board, leaking).startswith("MemoryError")
