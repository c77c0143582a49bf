# SPDX-License-Identifier: MIT
"""docs/faults.md is true: every fault once, every test it names is there, and it has counted right."""

import ast
import functools
import re
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).resolve().parents[1]
MAP = TESTS.parent / "docs" / "faults.md"
IDS = [f"F{number:03}" for number in range(1, 201)]


class Row(NamedTuple):
    id: str
    fault: str
    tests: list[str]
    missing: str

    @property
    def state(self) -> str:
        """By what is filled in; neither is no state."""
        return {(True, False): "tested", (True, True): "in part", (False, True): "not yet"}.get(
            (bool(self.tests), bool(self.missing)), "nothing said"
        )


def read(text: str) -> list[Row]:
    """The rows of all tables; a row that lacks a cell is an error."""
    rows = []
    for line in text.splitlines():
        if re.match(r"\| *F\d", line):
            _, fault_id, fault, tests, missing, _ = (cell.strip() for cell in line.split("|"))
            rows.append(Row(fault_id, fault, re.findall("`([^`]+)`", tests), missing))
    return rows


def claimed(text: str) -> dict[str, int]:
    """The numbers at the top."""
    numbers = re.search(r"\*\*(\d+) are tested, (\d+) in part, (\d+) not yet\.\*\*", text)
    assert numbers, "the numbers at the top are written in another way"
    return dict(zip(("tested", "in part", "not yet"), map(int, numbers.groups()), strict=True))


@functools.cache
def functions(file: str) -> set[str]:
    """Names of the test functions of a file; none if there is no such file."""
    path = TESTS / file
    if not path.is_file():
        return set()
    return {node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}


def is_there(test: str) -> bool:
    file, _, name = test.partition("::")
    return name.startswith("test_") and name in functions(file)


@pytest.fixture(scope="module")
def text() -> str:
    return MAP.read_text("utf-8")


def test_faults_map_has_every_id_once_and_in_order(text):
    assert [row.id for row in read(text)] == IDS


def test_faults_map_says_something_about_every_fault(text):
    assert [row.id for row in read(text) if row.state == "nothing said" or not row.fault] == []


def test_faults_map_names_only_tests_that_exist(text):
    named = {test for row in read(text) for test in row.tests}
    assert [test for test in sorted(named) if not is_there(test)] == []


def test_faults_map_has_counted_right(text):
    states = [row.state for row in read(text)]
    assert claimed(text) == {state: states.count(state) for state in ("tested", "in part", "not yet")}


def test_faults_map_would_notice():
    rows = read("| F001 | a | `infra/test_skips.py::test_gone` | |\n| F002 | b | | why |\n| F003 | c | | |")
    assert [row.state for row in rows] == ["tested", "not yet", "nothing said"]
    assert not is_there(rows[0].tests[0])
    assert not is_there("infra/gone.py::test_gone")
    assert is_there("infra/test_faults_map.py::test_faults_map_would_notice")
