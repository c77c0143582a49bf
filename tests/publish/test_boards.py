# SPDX-License-Identifier: MIT
"""Whole boards over real sockets on a real mosquitto, and the maker's tool: updates, restarts, take-over, the will."""

from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from simulator import breakage
from tests.publish.conftest import NAMES
from tests.publish.twin import DEVICE, LIMIT_S, SIZE, Twin, ends_as, image_file, wait_for


@pytest.fixture
def board(broker) -> Iterator[Twin]:
    with Twin(broker.port) as twin:
        yield twin


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return image_file(tmp_path)


def test_rollout_reaches_a_board_that_confirms_it(broker, board, publish, image):
    status, told = publish("rollout", image, "--immediate", "--stop-at", "10%", "--timeout", LIMIT_S)
    assert (status, told["result"], told["updated"]) == (0, "done", 1), board.story.lines
    assert (board.story.version, board.story.slot) == ("1.1.0", "ota_1")


def test_rollout_of_what_crashes_is_stopped_and_the_board_is_back(broker, board, publish, tmp_path):
    bad = tmp_path / "bad.bin"
    bad.write_bytes(breakage.package("crash", "1.2.0", SIZE))
    status, told = publish("rollout", bad, "--immediate", "--stop-at", "10%", "--timeout", LIMIT_S)
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
