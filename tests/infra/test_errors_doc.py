# SPDX-License-Identifier: MIT
"""docs/errors.md explains every error code that a board can report, and none that it cannot."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
_RAISED = re.compile(r"(?:Job|Transfer|Verify|Flash)Error\(\s*\"([a-z_]+)\"[^%]")
_CHOSEN = re.compile(r"Error\(\"([a-z_]+)\" if .*? else \"([a-z_]+)\"")
_REFUSED = re.compile(r"return REFUSE, \"([a-z_]+)\"")
_BUILT = {"bad_title", "bad_version", "bad_url", "bad_immediate", "bad_development"}  # put together from parts
_BUILT |= {"rolled_back", "not_bootable", "http_404", "coap_404", "register_403", "runtime_too_old"}
_OFFERED = re.compile(r"(?:\[\"refused\"\] =|return) \"((?:no|bad)_[a-z]+)\"")  # of RainMaker's offers
_PROVISIONING = re.compile(r"\"(provision_[a-z_]+)\"")


@pytest.fixture(scope="module")
def reported() -> set[str]:
    """Every code in the sources of the agent."""
    found = set(_BUILT)
    for file in (ROOT / "firmware" / "ota").rglob("*.py"):
        text = file.read_text()
        for pattern in (_RAISED, _CHOSEN, _REFUSED, _OFFERED, _PROVISIONING):
            for match in pattern.finditer(text):
                found.update(match.groups())
        found.update(re.findall(r"Cancelled\(\"([a-z_]+)\"\)", text))
    return found - {"bad_", "coap_", "register_", "replaced", "paused"}  # parts of some; and two that are not reported


@pytest.fixture(scope="module")
def explained() -> set[str]:
    """Every code in the first column of the tables."""
    text = (ROOT / "docs" / "errors.md").read_text()
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {code for row in rows for code in re.findall(r"`([a-z0-9_]+)`", row)}


def test_every_code_that_a_board_reports_is_explained(reported, explained):
    assert sorted(reported - explained) == []


def test_no_code_is_explained_that_nobody_reports(reported, explained):
    assert sorted(explained - reported) == []
