# SPDX-License-Identifier: MIT
"""What `powercut` and `replay` print, and how they exit."""

import json

import pytest

from simulator.__main__ import main
from simulator.campaign import plan
from simulator.campaign.case import Case
from simulator.campaign.invariants import INVARIANTS
from simulator.campaign.stories import (
    CONTROL,
    FAILING,
    LEAVING,
    LWM2M,
    LWM2M_SOFTWARE,
    MANNERS,
    PARAMS,
    RUNTIME,
    SHORT,
    STORIES,
)


@pytest.fixture
def two_cases(monkeypatch):
    """A campaign of two cases: all of it takes many minutes."""
    cases = [Case("update", 1, ("cut=9:before",)), Case("update", 1, ("cut=30:half",))]
    monkeypatch.setattr(plan, "cases", lambda seed, size: iter(cases))


def test_replay_tells_the_cut_and_the_end(capsys):
    assert main(["replay", "update seed=1 cut=17:prefix"]) == 0
    out = capsys.readouterr().out
    assert "OFF: power cut" in out
    assert "ota reported state=UPDATED" in out
    assert "no invariant is broken" in out


def test_replay_of_nonsense_is_one_line(capsys):
    assert main(["replay", "nonsense"]) == 2
    assert capsys.readouterr().err.startswith("error[bad_case]: story 'nonsense'")


def test_powercut_writes_its_report_and_exits_with_0(two_cases, capsys, tmp_path):
    assert main(["powercut", "--jobs", "1", "--output", str(tmp_path)]) == 0
    assert "2 cases" in capsys.readouterr().out
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_powercut_json_is_one_object(two_cases, capsys, tmp_path):
    assert main(["powercut", "--jobs", "1", "--json", "--output", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["cases"] == 2


def test_powercut_with_a_broken_invariant_exits_with_1_and_tells_how_to_see_it(
    two_cases, capsys, tmp_path, monkeypatch
):
    """The rule is made to fail for every run with a cut at 30."""
    monkeypatch.setitem(
        INVARIANTS,
        "I1",
        lambda outcome: ["planted"] if 30 in outcome.cuts else [],
    )
    assert main(["powercut", "--jobs", "1", "--output", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "python -m simulator replay 'update seed=1 cut=30:half'" in told.out
    assert "I1: planted" in told.err


def test_plan_quick_has_every_kind_of_case():
    cases = list(plan.cases(3, "quick"))
    assert 500 < len(cases) < 3000
    others = SHORT | CONTROL | PARAMS | FAILING | LEAVING | LWM2M | LWM2M_SOFTWARE | MANNERS | RUNTIME
    assert {case.story for case in cases} == {*STORIES, *others}
    assert max(len(case.faults) for case in cases) > 10
    assert {text.partition("=")[0] for case in cases for text in case.faults} >= {
        "cut",
        "later",
        "net",
        "cloud",
        "datagram",
    }
