# SPDX-License-Identifier: MIT
"""Worlds for the agent's stories, and the interpreters they are played on; one that fails prints what happened."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.board.inprocess import InProcess
from simulator.board_files import for_cloud
from simulator.interpreters import Interpreter
from tests.agent.board_world import BoardWorld
from tests.agent.harness import World

_ITEM = re.compile(r"test_[alpr]\d\d_")  # a test of an item of a sheet
_WORLDS = pytest.StashKey[list[BoardWorld]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On 64-bit MicroPython, which no board has, the numbered items are enough; the 32-bit one plays every story."""
    others = [
        item
        for item in items
        if Path(__file__).parent in item.path.parents
        and isinstance(item, pytest.Function)
        and getattr(item, "callspec", None)
        and item.callspec.params.get("interpreter") == "micropython"
        and not _ITEM.match(item.name)
    ]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]


@pytest.fixture
def world_class() -> type[BoardWorld]:
    """What `make_world` makes; another cloud's tests have another one."""
    return World


@pytest.fixture
def make_world(
    request: pytest.FixtureRequest, interpreter: Interpreter, world_class: type[BoardWorld]
) -> Iterator[Callable[..., BoardWorld]]:
    """Makes worlds on this interpreter, with the arguments of their class.

    On CPython a board tells the same story without a process of its own (tests/virtual), in a quarter of the time; what
    only a process can do, as to hang, is marked with own_process.
    """
    worlds = request.node.stash.setdefault(_WORLDS, [])
    needs_process = interpreter.is_micropython or request.node.get_closest_marker("own_process")

    def make(*args: object, **options: object) -> BoardWorld:
        worlds.append(world_class(interpreter if needs_process else InProcess({}), *args, **options))
        return worlds[-1]

    yield make
    for world in worlds:
        world.twin.board.close()
    worlds.clear()  # pytest keeps what a test has stashed to the end of the session: 4 MiB of flash each


@pytest.fixture
def world(make_world: Callable[..., BoardWorld]) -> BoardWorld:
    """A board with version 1.0.0 that has not been switched on yet."""
    return make_world()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent for a board's file system."""
    return for_cloud("thingsboard", tmp_path_factory.mktemp("files") / "firmware")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for world in item.stash.get(_WORLDS, []):
            report.sections.append(("the story", world.tell()))
