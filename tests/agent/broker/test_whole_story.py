# SPDX-License-Identifier: MIT
"""An update over the maker's own broker, from the release to the word of the new image."""

from tests.agent.board_world import firmware
from tests.agent.br_world import FILES, GOOD, BrokerWorld


def test_whole_update_by_retained_chunks(world: BrokerWorld) -> None:
    world.release("1.1.0")
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")
    assert (world.kept("job")["state"], world.kept("job")["version"]) == ("UPDATED", "1.1.0")
    assert world.kept("status")["firmware"] == ["thermometer", "1.1.0"]
    data = firmware("1.1.0")
    assert world.fetched(data) == list(range(-(-len(data) // 4096)))


def test_whole_update_by_url(world: BrokerWorld) -> None:
    world.release("1.1.0", url=f"http://{FILES}/thermometer.bin")
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")
