# SPDX-License-Identifier: MIT
"""Whole updates over real sockets and real TLS, in a heap as small as a board's: by streams and by HTTPS."""

import time
from collections.abc import Iterator

import pytest

from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.story import Story
from simulator.board.wlan import Site
from simulator.breakage import FIRMWARE, TITLE
from simulator.clouds.rainmaker import RainMaker
from simulator.clouds.server import Door, ThreadServer
from simulator.interpreters import Interpreter
from tests.agent.rm_world import GOOD, NODE, authority, credentials
from tests.agent.web import Web

HEAP = "80k"  # of the 32-bit interpreter; 12 KiB of it are for the twins, which a board has in flash
_SLICE_S = 0.05
_LIMIT_S = 80


class RealWorld:
    """A board in board mode, its RainMaker and an image server, all on the loopback behind TLS."""

    def __init__(self, interpreter: Interpreter, streams: int) -> None:
        self.data = build_firmware(FIRMWARE, TITLE, "1.1.0", optimise=3)
        self.cloud = RainMaker(seed=1, now_ms=int(time.time() * 1000))
        self.cloud.add_node(NODE)
        self.web = Web(self.data)
        doors = (
            Door(self.cloud, 0, authority().server(wants_client=True)),
            Door(self.web, 0, authority().server()),
        )
        self.server = ThreadServer(self.cloud, "127.0.0.1", 0, *doors)  # whose own door is for nobody
        self.server.start()
        _, mqtt, https = self.server.ports
        self.cloud.image_base = f"https://localhost:{https}"
        values = {
            "host": "localhost",
            "port": mqtt,
            "cloud": "rainmaker",
            "node_id": NODE,
            "streams": streams,
            "ways": 1,
        }
        pairs = [("ota_cfg", key, _raw(value)) for key, value in {**values, **credentials()}.items()]
        old = build_firmware(FIRMWARE, TITLE, "1.0.0", optimise=3)
        flash = flash_file.make(flash_file.layout("4MiB"), old, None, pairs)
        self.story = Story()
        heap = HEAP if interpreter.name == "micropython32" else None
        self.board = Board(
            Chip(flash, RealClock()), interpreter, site=Site(join_ms=5), heap=heap, on_event=self.story.add
        )

    def statuses(self) -> list[str]:
        return [event["status"] for event in self.cloud.events if event["event"] == "otastatus"]

    def run(self) -> None:
        """Makes a job, and runs the board until it has said how that ended."""
        image = self.cloud.add_image("1.1.0.bin", self.data, "1.1.0")
        self.server.call(lambda now_ms: self.cloud.create_job("job", image, now_ms, nodes=(NODE,)))
        end = time.monotonic() + _LIMIT_S
        while not {"success", "failed", "rejected"} & set(self.server.call(lambda now_ms: self.statuses())):
            assert time.monotonic() < end, "\n".join(self.story.lines)
            self.board.run(timeout_s=_SLICE_S)

    def close(self) -> None:
        self.board.close()
        self.server.stop()


def _raw(value: int | str) -> int | bytes:
    return value if isinstance(value, int) else value.encode()


@pytest.fixture(params=["streams", "https"])
def world(request: pytest.FixtureRequest, interpreter: Interpreter) -> Iterator[RealWorld]:
    world = RealWorld(interpreter, int(request.param == "streams"))
    yield world
    world.close()


def test_real_tls_carries_a_whole_update_in_a_small_heap(world: RealWorld, request: pytest.FixtureRequest) -> None:
    world.run()
    assert world.statuses() == [*GOOD], "\n".join(world.story.lines)
    assert (world.story.version, world.story.slot) == ("1.1.0", "ota_1")
    assert not any("MemoryError" in line for line in world.story.lines)
    assert bool(world.web.asked) == ("https" in request.node.name)
