# SPDX-License-Identifier: MIT
"""What all tests share: the interpreters a device can run on, and the rule that CI skips nothing silently."""

import os

import pytest

from simulator import interpreters
from simulator.errors import UserError
from simulator.interpreters import Interpreter


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("allowed_skips", "what may be skipped in CI: 'part of the id: part of the reason'", "linelist", [])


def pytest_report_header() -> str:
    """Said here, because workers do not tell what they deselect (tests/agent/conftest.py)."""
    return "agent: on 64-bit MicroPython the stories of numbered items, on 32-bit MicroPython and CPython all"


@pytest.hookimpl(optionalhook=True)  # without xdist there is no such hook
def pytest_xdist_auto_num_workers() -> int:
    """Of `-n auto`: two for each core, because a test waits for half of its time: for a process, a real clock."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(params=interpreters.NAMES)
def interpreter(request: pytest.FixtureRequest) -> Interpreter:
    """Runs the test once on each interpreter; one this machine does not have is a skip with its reason."""
    try:
        return interpreters.find(request.param)
    except UserError as missing:
        pytest.skip(missing.text)


def is_allowed(test: str, reason: str, allowed: list[str]) -> bool:
    """Whether `allowed` (lines "part of the id: part of the reason") has a line for this skip."""
    pairs = (line.partition(": ") for line in allowed)
    return any(part and part in test and cause and cause in reason for part, _, cause in pairs)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, a skip that is not on the list fails the run, even if every other test passed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    allowed = session.config.getini("allowed_skips")
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2]
        if not is_allowed(report.nodeid, reason, allowed):
            reporter.write_line(f"\nunexpected skip: {report.nodeid}: {reason}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
