# SPDX-License-Identifier: MIT
"""A package behind a URL costs no heap per block either, in whatever pieces it comes."""

import shutil
from pathlib import Path

import pytest

from simulator import memory, probes
from simulator.board.lockstep import Lockstep
from simulator.board.net import EPOCH_MS
from simulator.breakage import BOARD, FIRMWARE, TITLE
from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.checksums import checksum
from simulator.interpreters import Interpreter
from tests.agent.harness import small_app
from tests.agent.web import Web

DATA = small_app(memory.QUICK_SIZE)
LEAK = "            self._since = now\n"


def blocks(board: Interpreter, framing: str, firmware: Path = FIRMWARE) -> str:
    """What the probe says that lets blocks stream in with the heap locked; or what stopped it."""
    cloud, web = ThingsBoard(seed=1, now_ms=EPOCH_MS), Web(DATA)
    web.framing, web.pace_ms = framing, 8  # slower than the flash, so that blocks come in pieces
    facts = {"size": len(DATA), "algorithm": "SHA256", "checksum": checksum("SHA256", DATA)}
    package = cloud.add_package(TITLE, "1.1.0", url="http://files.example/a.bin", **facts)
    cloud.assign(cloud.add_device("board-1", "T1"), package, EPOCH_MS)
    places = {"FIRST": memory.FIRST, "LAST": memory.LAST}
    image = probes.image("blocks", firmware=firmware, TRACK=0, LOCK=True, **places)
    with Lockstep(board, image, cloud, {"token": "T1"}, layout=BOARD) as twin:
        twin.net.serve("files.example", 80, web)
        twin.run(lambda event: event["event"] == "repl", max_boots=1)
        return next(line for line in reversed(twin.story.lines) if line.startswith(("probe", "MemoryError")))


@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
def test_blocks_from_a_url_stream_in_with_the_heap_locked(board: Interpreter, framing: str) -> None:
    assert blocks(board, framing) == f"probe blocks {memory.LAST - memory.FIRST} bytes 0"


def test_an_allocation_planted_in_the_http_source_is_noticed(board: Interpreter, tmp_path: Path) -> None:
    folder = shutil.copytree(FIRMWARE, tmp_path / "firmware")
    file = folder / "ota" / "body.py"
    text = file.read_text()
    assert text.count(LEAK) == 1
    file.write_text(text.replace(LEAK, LEAK + "            self.note = [now]\n"))
    assert blocks(board, "length", folder).startswith("MemoryError")
