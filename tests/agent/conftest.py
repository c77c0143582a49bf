# SPDX-License-Identifier: MIT
"""Worlds for the agent's stories, each on every interpreter; a test that fails prints what happened in them."""

from collections.abc import Callable, Iterator

import pytest

from simulator.interpreters import Interpreter
from tests.agent.harness import World

_WORLDS = pytest.StashKey[list[World]]()


@pytest.fixture
def make_world(request: pytest.FixtureRequest, interpreter: Interpreter) -> Iterator[Callable[..., World]]:
    """Makes worlds on this interpreter, with the arguments of World."""
    worlds = request.node.stash.setdefault(_WORLDS, [])

    def make(*args: object, **options: object) -> World:
        worlds.append(World(interpreter, *args, **options))
        return worlds[-1]

    yield make
    for world in worlds:
        world.twin.board.close()
    worlds.clear()  # pytest keeps what a test has stashed to the end of the session: 4 MiB of flash each


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A board with version 1.0.0 that has not been switched on yet."""
    return make_world()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for world in item.stash.get(_WORLDS, []):
            report.sections.append(("the story", world.tell()))
