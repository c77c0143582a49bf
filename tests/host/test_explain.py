# SPDX-License-Identifier: MIT
"""`python -m simulator explain`: what docs/control.md shows is what it prints; what is wrong is one line, exit 2."""

import json
import shlex

import pytest

from simulator.__main__ import main
from simulator.interpreters import ROOT

_COMMAND = "$ python -m simulator explain"


def documented() -> tuple[list[str], str]:
    """Arguments and output of the example."""
    text = (ROOT / "docs" / "control.md").read_text()
    first, _, printed = text[text.index(_COMMAND) :].partition("```")[0].partition("\n")
    return shlex.split(first.removeprefix(_COMMAND)), printed


def test_explain_prints_what_the_docs_show(capsys):
    arguments, printed = documented()
    assert main(["explain", *arguments]) == 1
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("arguments", "status", "last"),
    [
        ("", 0, ["verdict", "start", "", 0]),
        ("--disabled brewing", 1, ["verdict", "wait", "disabled: brewing", 0]),
        ("--disabled brewing --forced", 0, ["verdict", "start", "", 0]),
        ("--closed battery=battery_low:hard --forced", 1, ["verdict", "wait", "battery_low", 0]),
        ("--running 1.1.0", 1, ["verdict", "done", "", 0]),
        ("--size 5000000", 1, ["verdict", "refuse", "slot_too_small", 0]),
        ("--when 02:00-04:00", 1, ["verdict", "wait", "clock_unknown", None]),
        ("--valid 2026-01-01T00:00 2026-02-01T00:00 --now 2026-03-01", 1, ["verdict", "refuse", "validity_over", 0]),
    ],
)
def test_explain_as_json_ends_with_the_verdict(capsys, arguments, status, last):
    assert main(["explain", "--json", *arguments.split()]) == status
    assert json.loads(capsys.readouterr().out)[-1] == last


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("--now never", "error[bad_time]: 'never' is not a time such as 2026-01-15T02:30"),
        ("--closed x", "error[bad_gate]: 'x' is not NAME=REASON or NAME=REASON:hard"),
        ("--when 25:00", "error[bad_when]: 25:00"),
        ("--tz XX", "error[bad_tz]: XX"),
        ("--size 0", "error[bad_size]: 0"),
        ("--size x", "error[usage]: Invalid value for '--size': 'x' is not a valid integer."),
    ],
)
def test_explain_says_what_is_wrong_in_one_line(capsys, arguments, error):
    assert main(["explain", *arguments.split()]) == 2
    assert capsys.readouterr() == ("", error + "\n")
