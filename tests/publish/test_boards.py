# SPDX-License-Identifier: MIT
"""Whole boards over real sockets on a real mosquitto, and the maker's tool: updates, restarts, take-over, the will."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from simulator import breakage, interpreters
from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.story import Story
from simulator.board.wlan import Site
from simulator.breakage import BOARD, FIRMWARE, TITLE
from tests.publish.conftest import NAMES
from tools.publish.line import Line, Where

DEVICE = "board-1"
SIZE = 800_000
_SLICE_S = 0.05
_LIMIT_S = 60


class Twin:
    """A board in board mode that runs on a thread of its own, with our firmware 1.0.0. A context manager."""

    def __init__(self, port: int) -> None:
        values: dict[str, int | bytes] = {"cloud": b"broker", "host": b"127.0.0.1", "port": port, "trial_s": 10}
        who = {"product": NAMES.product, "device_id": DEVICE, "user": DEVICE, "password": "secret"}
        values |= {name: text.encode() for name, text in who.items()}
        rows = [("ota_cfg", name, value) for name, value in values.items()]
        flash = flash_file.make(flash_file.layout(BOARD), build_firmware(FIRMWARE, TITLE, "1.0.0"), None, rows)
        flash.clock = RealClock()
        self.story = Story(version="1.0.0")
        self._hooks: dict[str, Callable[[], object]] = {}
        chip = Chip(flash, flash.clock)
        self._board = Board(chip, interpreters.find("cpython"), site=Site(join_ms=50), on_event=self._event)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Twin":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.switch_off()

    def switch_off(self) -> None:
        """Its power is gone."""
        if not self._ends.is_set():
            self._ends.set()
            self._thread.join()
            self._board.close()

    def at_write(self, number: int, act: Callable[[], object]) -> None:
        """Calls `act` when this block was written into the spare slot, once."""
        self._hooks[f"write {number * 4096}"] = act

    def _run(self) -> None:
        while not self._ends.is_set():
            self._board.run(timeout_s=_SLICE_S)

    def _event(self, event: dict) -> None:
        self.story.add(event)
        if event["event"] == "flash" and event["label"].startswith("ota_"):
            act = self._hooks.pop(f"{event['operation']} {event['offset']}", None)
            if act:
                act()


@pytest.fixture
def board(broker) -> Iterator[Twin]:
    with Twin(broker.port) as twin:
        yield twin


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "app.bin"
    file.write_bytes(build_firmware(FIRMWARE, TITLE, "1.1.0", size=SIZE))
    return file


def wait_for(broker, topic: str, is_it: Callable[[Any], bool]) -> Any:
    """Listens until a message on this topic is the one; those that are retained too."""
    end = threading.Event()
    timer = threading.Timer(_LIMIT_S, end.set)
    timer.start()
    try:
        with Line(Where("127.0.0.1", broker.port, "maker", "secret")) as line:
            line.listen(topic)
            while not end.is_set():
                message = line.next(_SLICE_S)
                if message and message[1] and is_it(json.loads(message[1])):
                    return json.loads(message[1])
    finally:
        timer.cancel()
    raise AssertionError(f"nothing of that kind on {topic}")


def ends_as(broker, state: str) -> dict[str, Any]:
    return wait_for(broker, NAMES.job(DEVICE), lambda job: job["state"] == state)


def test_rollout_reaches_a_board_that_confirms_it(broker, board, publish, image):
    status, told = publish("rollout", image, "--immediate", "--stop-at", "10%", "--timeout", _LIMIT_S)
    assert (status, told["result"], told["updated"]) == (0, "done", 1), board.story.lines
    assert (board.story.version, board.story.slot) == ("1.1.0", "ota_1")


def test_rollout_of_what_crashes_is_stopped_and_the_board_is_back(broker, board, publish, tmp_path):
    bad = tmp_path / "bad.bin"
    bad.write_bytes(breakage.package("crash", "1.2.0", SIZE))
    status, told = publish("rollout", bad, "--immediate", "--stop-at", "10%", "--timeout", _LIMIT_S)
    assert (status, told["result"], told["failed"]) == (1, "stopped", 1)
    assert ends_as(broker, "FAILED")["error"].startswith("rolled_back")
    assert board.story.version == "1.0.0"


def test_restart_of_the_broker_in_the_middle_of_a_download_is_survived(broker, board, publish, image):
    board.at_write(40, broker.restart)
    publish("release", image, "--immediate")
    assert ends_as(broker, "UPDATED")["version"] == "1.1.0"
    assert sum("ota offline" in line for line in board.story.lines) >= 1


def test_restart_of_a_broker_that_forgets_takes_the_release_back(broker, board, publish, image):
    def forget() -> None:
        broker.kill()
        broker.start()

    board.at_write(40, forget)
    publish("release", image, "--immediate")
    assert ends_as(broker, "FAILED")["error"] == "unassigned"
    publish("release", image, "--immediate")
    assert ends_as(broker, "UPDATED")["version"] == "1.1.0"


def test_take_over_in_the_middle_of_a_download_is_survived(broker, board, publish, image):
    def rival() -> None:
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, DEVICE)
        client.username_pw_set(DEVICE, "secret")
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        broker.wait_for(f"Client {DEVICE} already connected, closing old connection.")
        client.disconnect()
        client.loop_stop()

    board.at_write(40, rival)
    publish("release", image, "--immediate")
    assert ends_as(broker, "UPDATED")["version"] == "1.1.0"


def test_board_that_loses_its_power_is_told_to_be_away(broker, board):
    wait_for(broker, NAMES.device(DEVICE, "online"), lambda told: told is True)
    board.switch_off()
    wait_for(broker, NAMES.device(DEVICE, "online"), lambda told: told is False)


def test_forced_is_echoed(broker, board, publish):
    publish("switch", DEVICE, "forced", "on")
    wait_for(broker, NAMES.device(DEVICE, "forced"), lambda told: told is True)
    publish("switch", DEVICE, "forced", "unset")
    wait_for(broker, NAMES.device(DEVICE, "forced"), lambda told: told is False)
