# SPDX-License-Identifier: MIT
"""The modules of the firmware: their sizes, and which of them import which."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from simulator.board.build import compile_module
from simulator.breakage import FIRMWARE

SCRIPTS = ("boot", "main")
# what main.py and the agent load for an update from ThingsBoard over MQTT, beside what they import at once
_MQTT_UPDATE = (
    "ota.activation", "ota.cloud.tb_offers", "ota.cloud.thingsboard", "ota.dial", "ota.hardware", "ota.image",
    "ota.install", "ota.mqtt_login", "ota.offer", "ota.offered", "ota.policy", "ota.records", "ota.resume",
    "ota.source.tb_chunks", "ota.verdict", "ota.waiting",
)  # fmt: skip


@dataclass(frozen=True)
class Module:
    """One file of the firmware. `mpy`, `mpy_o3`: bytes compiled, with and without line numbers.

    `is_late`: nothing imports it until it is needed.
    """

    name: str
    mpy: int
    mpy_o3: int
    is_late: bool


def modules() -> list[Module]:
    """Every module of the firmware, each after those it imports."""
    graph = _imports()
    needed = _reachable(graph, SCRIPTS)
    return [
        Module(name, _compiled(name), _compiled(name, 3), name not in needed)
        for name in TopologicalSorter(graph).static_order()
    ]


def loaded_by_update() -> list[str]:
    """Names of the modules that an update over MQTT loads, in an order in which they can be; without the scripts."""
    graph = _imports()
    loaded = _reachable(graph, (*SCRIPTS, *_MQTT_UPDATE))
    return [name for name in TopologicalSorter(graph).static_order() if name in loaded and name not in SCRIPTS]


def _path(name: str) -> Path:
    file = FIRMWARE / name.replace(".", "/")
    return file / "__init__.py" if file.is_dir() else file.with_suffix(".py")


def _compiled(name: str, optimise: int = 0) -> int:
    path = _path(name)
    return len(compile_module(path.relative_to(FIRMWARE).as_posix(), path.read_bytes(), optimise))


def _imports() -> dict[str, set[str]]:
    """Module name -> modules of the firmware that it imports when it is loaded, its packages among them."""
    files = [path.relative_to(FIRMWARE).with_suffix("") for path in FIRMWARE.rglob("*.py")]
    names = {".".join(file.parts).removesuffix(".__init__") for file in files} - {"manifest"}
    return {name: {other for other in _loads(name) if other in names and other != name} for name in sorted(names)}


def _loads(name: str) -> Iterable[str]:
    """Everything that may be a module in the import statements of a module, and the packages it is in."""
    at_once = [statement for statement in ast.parse(_path(name).read_text()).body if not _is_later(statement)]
    for node in ast.walk(ast.Module(at_once, [])):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
    yield from (name[: dot.start()] for dot in re.finditer(r"\.", name))


def _is_later(statement: ast.stmt) -> bool:
    """Imports inside functions happen when they are called."""
    return isinstance(statement, ast.FunctionDef | ast.ClassDef)


def _reachable(graph: dict[str, set[str]], start: Iterable[str]) -> set[str]:
    found: set[str] = set()
    todo = list(start)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += graph[name]
    return found
