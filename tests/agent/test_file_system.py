# SPDX-License-Identifier: MIT
"""A stock MicroPython app, which carries no modules of ours: the agent comes from the board's file system."""

import pytest

from simulator.board import image_writer
from tests.agent.harness import GOOD, World

pytestmark = pytest.mark.own_process


def stock(version: str) -> bytes:
    """An app without frozen modules; only its bytes tell it from another version."""
    return image_writer.build(version.encode() * 2000, "micropython", version)


def test_the_agent_in_the_file_system_updates_the_app_under_it(make_world, files):
    world: World = make_world(stock("1.25"), layout="4MiB-wide", files=files, heap=None)
    world.settle()
    assert world.told("current_fw_version") == ["unknown"]
    for number, slot in ((1, "ota_1"), (2, "ota_0")):
        version = f"1.26.{number}"
        world.offer(version, stock(version), title="micropython")
        world.wait("UPDATED")
        world.settle()
        assert world.runs == (version, slot)
        assert world.told("current_fw_version")[-1] == version
    assert world.states == [*GOOD, *GOOD]


def test_after_a_rollback_the_old_name_is_told_again(make_world, files):
    world: World = make_world(stock("1.25"), layout="4MiB-wide", files=files, heap=None)
    world.offer("1.26.1", stock("1.26.1"), title="micropython")
    world.wait("UPDATED")
    world.offer("1.26.2", stock("1.26.2"), title="micropython")
    world.wait_log("ota trial")
    world.twin.cut()
    world.wait("FAILED")
    assert world.runs == ("1.26.1", "ota_1")
    assert world.told("current_fw_version")[-1] == "1.26.1"
