# SPDX-License-Identifier: MIT
"""The programs of docs/control.md do what is said there, as they are printed there."""

import re
from pathlib import Path

import pytest

from tests.agent.harness import World, firmware

NAMES = [f"{program}{way}" for program in ("only-when-necessary", "most-of-the-time") for way in ("", "-asyncio")]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "control.md"
EXAMPLES = dict(re.findall(r"```python\n# example: (\S+)\n(.*?)```", DOCS.read_text(), re.S))


def image(name: str, version: str, is_cpython: bool = False) -> bytes:
    source = EXAMPLES[name]
    if is_cpython:  # whose asyncio has no sleep_ms
        source = re.sub(r"sleep_ms\((\d+)\)", lambda found: f"sleep({int(found[1]) / 1000})", source)
    return firmware(version, source, "examples")


def test_examples_are_all_there():
    assert sorted(EXAMPLES) == sorted(NAMES)


@pytest.mark.own_process  # asyncio on CPython needs a loop of its own
@pytest.mark.parametrize("name", NAMES)
def test_example_is_updated_while_it_rests_and_not_while_it_brews(make_world, interpreter, name):
    """The next version is offered as soon as the board is on line, in the midst of brewing."""
    is_cpython = interpreter.name == "cpython"
    world: World = make_world(image(name, "1.0.0", is_cpython))
    world.wait(lambda: world.seen("attribute_response"))
    world.offer("1.1.0", image(name, "1.1.0", is_cpython))
    world.pass_time(50)
    assert "resting" not in world.log
    assert world.states == []
    assert world.device.client["ota_pending"] is True
    world.wait("UPDATED", timeout_s=300)
    assert world.log.index("ota downloading") > world.log.index("resting")
    last = world.log[: world.log.index("ota reset")]
    assert [line for line in last if line in ("brewing", "resting")][-1] == "resting"


@pytest.mark.own_process
@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("only")])
def test_example_that_only_disables_when_necessary_holds_the_reset_while_it_brews(make_world, interpreter, name):
    is_cpython = interpreter.name == "cpython"
    world = make_world(image(name, "1.0.0", is_cpython))
    world.wait_log("resting")
    world.fault("chunkx*:delay=3000")  # so slow that the next brewing is in the midst of it
    world.offer("1.1.0", image(name, "1.1.0", is_cpython))
    world.wait("UPDATED", timeout_s=1200)
    lines = world.log[: world.log.index("ota reset")]
    brewed = [line for line in lines[lines.index("ota downloading") :] if line in ("brewing", "resting")]
    assert "brewing" in brewed
    assert brewed[-1] == "resting"
