# SPDX-License-Identifier: MIT
"""The programs of docs/control.md do what is said there, as they are printed there."""

import re
from pathlib import Path

import pytest

from simulator.interpreters import find
from tests.agent.harness import World, firmware

DOCS = Path(__file__).resolve().parents[2] / "docs" / "control.md"
EXAMPLES = dict(re.findall(r"```python\n# example: (\S+)\n(.*?)```", DOCS.read_text(), re.S))


def image(name: str, version: str) -> bytes:
    source = EXAMPLES[name]
    if name == "asyncio":  # CPython's has no sleep_ms
        source = re.sub(r"sleep_ms\((\d+)\)", lambda found: f"sleep({int(found[1]) / 1000})", source)
    return firmware(version, source, "examples")


def offered(world: World, name: str) -> World:
    """The next version is offered as soon as the board is on line, in the midst of brewing."""
    world.wait(lambda: world.seen("attribute_response"))
    world.offer("1.1.0", image(name, "1.1.0"))
    return world


def test_examples_are_all_there():
    assert sorted(EXAMPLES) == ["asyncio", "most-of-the-time", "only-when-necessary"]


def is_updated_while_it_rests(world: World) -> None:
    world.pass_time(50)
    assert "resting" not in world.log
    assert world.states == []
    assert world.device.client["ota_pending"] is True
    world.wait("UPDATED", timeout_s=300)
    assert world.log.index("ota downloading") > world.log.index("resting")
    last = world.log[: world.log.index("ota reset")]
    assert [line for line in last if line in ("brewing", "resting")][-1] == "resting"


@pytest.mark.parametrize("name", ["most-of-the-time", "only-when-necessary"])
def test_example_is_updated_while_it_rests_and_not_while_it_brews(make_world, name):
    is_updated_while_it_rests(offered(make_world(image(name, "1.0.0")), name))


def test_example_with_asyncio_is_too():
    """On CPython: MicroPython's own task queue goes by the clock of the machine, so not in lockstep."""
    world = World(find("cpython"), image("asyncio", "1.0.0"))
    try:
        is_updated_while_it_rests(offered(world, "asyncio"))
    finally:
        world.twin.board.close()


def test_example_that_only_disables_when_necessary_holds_the_reset_while_it_brews(make_world):
    world = make_world(image("only-when-necessary", "1.0.0"))
    world.wait_log("resting")
    world.fault("chunkx*:delay=3000")  # so slow that the next brewing is in the midst of it
    world.offer("1.1.0", image("only-when-necessary", "1.1.0"))
    world.wait("UPDATED", timeout_s=1200)
    lines = world.log[: world.log.index("ota reset")]
    brewed = [line for line in lines[lines.index("ota downloading") :] if line in ("brewing", "resting")]
    assert "brewing" in brewed
    assert brewed[-1] == "resting"
