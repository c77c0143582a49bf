# SPDX-License-Identifier: MIT
"""Worlds for the agent's stories; a test that fails prints what happened in them.

Every item of the checklist runs on every interpreter. To keep `make test` quick, functions with three or more cases
deal them out to the interpreters, and the further stories take turns; STORIES=all in the environment runs all on all.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator import interpreters
from simulator.interpreters import Interpreter
from tests.agent.harness import World

_WORLDS = pytest.StashKey[list[World]]()
_HERE = Path(__file__).parent
_DEALT = 3  # cases from which on they are dealt out


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


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "everywhere: each case runs on each interpreter")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("STORIES") == "all":
        return
    stories = [item for item in items if item.path.parent == _HERE and "interpreter" in item.callspec.params]
    names = [interpreter.name for interpreter in interpreters.available()]
    cases: dict[str, list[str]] = {}
    for item in stories:
        known = cases.setdefault(_function(item), [])
        if _case(item) not in known:
            known.append(_case(item))
    dropped = [item for item in stories if _is_elsewhere(item, cases, names)]
    config.hook.pytest_deselected(items=dropped)
    gone = set(dropped)
    items[:] = [item for item in items if item not in gone]


def _function(item: pytest.Item) -> str:
    return f"{item.path.name}::{item.originalname}"


def _case(item: pytest.Item) -> str:
    """The test's parameters but for the interpreter."""
    return str({name: value for name, value in item.callspec.params.items() if name != "interpreter"})


def _is_elsewhere(item: pytest.Item, cases: dict[str, list[str]], names: list[str]) -> bool:
    """Whether it is another interpreter's turn."""
    function = _function(item)
    is_item = item.path.name.startswith("test_item")
    if item.get_closest_marker("everywhere") or (is_item and len(cases[function]) < _DEALT):
        return False
    turn = cases[function].index(_case(item)) + zlib.crc32(function.encode())  # the same whatever else is collected
    return item.callspec.params["interpreter"] != names[turn % len(names)]
