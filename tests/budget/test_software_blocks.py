# SPDX-License-Identifier: MIT
"""A software package costs no heap per block either, while a large file of it streams in."""

import random
import shutil
from pathlib import Path

from simulator import memory, probes, software
from simulator.board.lockstep import Lockstep
from simulator.board.net import EPOCH_MS
from simulator.breakage import BOARD, FIRMWARE
from simulator.clouds.thingsboard import ThingsBoard
from simulator.interpreters import Interpreter

FILES = {"app.py": b"class Product: ...\n", "data.bin": random.Random(4).randbytes((memory.LAST + 8) * 4096)}
LEAK = "        self._left -= size\n"


def blocks(board: Interpreter, firmware: Path = FIRMWARE) -> str:
    """What the probe says that lets blocks stream in with the heap locked; or what stopped it."""
    cloud = ThingsBoard(seed=1, now_ms=EPOCH_MS)
    package = cloud.add_package("app", "2.0.0", software.pack(FILES, "app", "2.0.0"), type="SOFTWARE")
    cloud.assign(cloud.add_device("board-1", "T1"), package, EPOCH_MS)
    places = {"FIRST": memory.FIRST, "LAST": memory.LAST}
    image = probes.image("blocks", firmware=firmware, TRACK=1, LOCK=True, **places)
    with Lockstep(board, image, cloud, {"token": "T1"}, layout=BOARD) as twin:
        twin.run(lambda event: event["event"] == "repl", max_boots=1)
        return next(line for line in reversed(twin.story.lines) if line.startswith(("probe", "MemoryError")))


def test_blocks_of_a_file_stream_in_with_the_heap_locked(board: Interpreter) -> None:
    assert blocks(board) == f"probe blocks {memory.LAST - memory.FIRST} bytes 0"


def test_an_allocation_planted_in_the_tree_is_noticed(board: Interpreter, tmp_path: Path) -> None:
    folder = shutil.copytree(FIRMWARE, tmp_path / "firmware")
    file = folder / "ota" / "tree.py"
    text = file.read_text()
    assert text.count(LEAK) == 1
    file.write_text(text.replace(LEAK, LEAK + "        self.note = [size]\n"))
    assert blocks(board, folder).startswith("MemoryError")
