# SPDX-License-Identifier: MIT
"""The programs of docs/control.md do what is said there, as they are printed there."""

import re
from pathlib import Path

import pytest

from tests.agent.harness import World, firmware

DOCS = Path(__file__).resolve().parents[2] / "docs" / "control.md"
EXAMPLES = dict(re.findall(r"```python\n# example: (\S+)\n(.*?)```", DOCS.read_text(), re.S))


def image(name: str, version: str) -> bytes:
    source = EXAMPLES[name]
    if name == "asyncio":  # CPython's has no sleep_ms
        source = source.replace("asyncio.sleep_ms(20)", "asyncio.sleep(0.02)").replace(
            "asyncio.sleep_ms(0)", "asyncio.sleep(0)"
        )
    return firmware(version, source, "examples")


@pytest.fixture(params=sorted(EXAMPLES))
def example(request: pytest.FixtureRequest, make_world) -> World:
    """The board with this program; the next version is offered as soon as it is on line, in the midst of brewing."""
    world = make_world(image(request.param, "1.0.0"))
    world.wait(lambda: world.seen("attribute_response"))
    world.offer("1.1.0", image(request.param, "1.1.0"))
    return world


def test_examples_are_all_there():
    assert sorted(EXAMPLES) == ["asyncio", "most-of-the-time", "only-when-necessary"]


def test_example_is_updated_while_it_rests_and_not_while_it_brews(example):
    example.pass_time(50)
    assert example.log[-1] != "resting"
    assert example.states == []
    assert example.device.client["ota_pending"] is True
    example.wait("UPDATED", timeout_s=300)
    lines = example.log
    assert lines.index("ota downloading") > lines.index("resting")
    last = lines[: lines.index("ota reset")]
    assert [line for line in last if line in ("brewing", "resting")][-1] == "resting"


def test_example_that_only_disables_when_necessary_holds_the_reset_while_it_brews(make_world):
    world = make_world(image("only-when-necessary", "1.0.0"))
    world.wait_log("resting")
    world.fault("chunkx*:delay=900")  # so slow that the next brewing is in the midst of it
    world.offer("1.1.0", image("only-when-necessary", "1.1.0"))
    world.wait("UPDATED", timeout_s=1200)
    lines = world.log[: world.log.index("ota reset")]
    brewed = [line for line in lines[lines.index("ota downloading") :] if line in ("brewing", "resting")]
    assert "brewing" in brewed
    assert brewed[-1] == "resting"
