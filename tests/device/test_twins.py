# SPDX-License-Identifier: MIT
"""The twins of esp32, machine, time and asyncio from the inside: the same programs on each interpreter, by the line."""

import ast

import pytest

from simulator.interpreters import Interpreter
from tests.device.harness import PROGRAMS, console

NAMES = ("partitions", "values", "clock", "tasks")


def names_in(source: str) -> list[str]:
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return sorted(name for name in names if name.startswith("test_"))


@pytest.mark.parametrize("name", NAMES)
def test_twins_keep_the_facts(interpreter: Interpreter, name: str) -> None:
    source = (PROGRAMS / f"{name}.py").read_text()
    lines = console(interpreter, source, frozen={"check.py": (PROGRAMS / "check.py").read_text()})
    failures = [line for line in lines if line.startswith("FAILED")]
    assert not failures, "\n".join(lines)
    assert [line.removeprefix("ok ") for line in lines if line.startswith("ok ")] == names_in(source)
