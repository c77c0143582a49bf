# SPDX-License-Identifier: MIT
"""A skip nobody announced fails the run in CI, and only there."""

import pytest

from simulator.interpreters import ROOT
from tests.conftest import is_allowed

pytest_plugins = ["pytester"]

SKIPS = """
import pytest

def test_runs(): pass

def test_skips(): pytest.skip("no moon tonight")
"""


@pytest.fixture
def project(pytester):
    """A small project with our conftest; returns a function that runs it and gives pytest's result."""
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makepyfile(SKIPS)

    def run(allowed: str = ""):
        pytester.makepyprojecttoml(f"[tool.pytest.ini_options]\nallowed_skips = [{allowed!r}]\n")
        return pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:hypothesispytest")

    return run


def test_unexpected_skip_fails_in_ci_and_is_named(project, monkeypatch):
    monkeypatch.setenv("CI", "1")
    result = project()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["unexpected skip: *test_skips: *no moon tonight*"])


def test_skip_is_only_named_outside_ci(project, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    assert project().ret == pytest.ExitCode.OK


def test_announced_skip_is_fine_in_ci(project, monkeypatch):
    monkeypatch.setenv("CI", "1")
    assert project("test_skips: no moon").ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("test_skips: no moon", True),
        ("test_skips: no sun", False),
        ("test_other: no moon", False),
        ("test_skips", False),
        (": no moon", False),
    ],
)
def test_announcement_needs_both_the_test_and_the_reason(line, expected):
    assert is_allowed("tests/test_moon.py::test_skips", "Skipped: no moon tonight", [line]) == expected
