# SPDX-License-Identifier: MIT
"""The figures under a campaign."""

import shlex

import pytest

from simulator.campaign import report
from simulator.campaign.case import Case
from simulator.campaign.summary import dearest, kind_of, replay_line, single_cuts, summarize
from tests.report.cases import record


def test_summary_has_a_row_for_each_story_one_for_single_cuts_and_one_for_all(records):
    rows = summarize(records).rows
    assert rows == [
        ["update", 154, 154, 152, 1, 12_345, 2, 4, "99.5", "10.0"],
        ["rollback", 150, 150, 150, 1, 4096, 1, 1, "10.0", "10.0"],
        ["one cut", 300, 300, 300, 2, 4096, 1, 1, "10.0", "10.0"],
        ["all", 304, 304, 302, 2, 12_345, 2, 4, "99.5", "10.0"],
    ]


def test_summary_of_nothing_is_zeros():
    nothing = [0, 0, 0, 0, 0, 0, 0, "0.0", "0.0"]
    assert summarize([]).rows == [["one cut", *nothing], ["all", *nothing]]


def test_summary_counts_cases_like_another_apart():
    cases = [record("cut=1:before"), record("cut=1:half", like="update seed=7 cut=1:before"), record("cut=2:half")]
    assert summarize(cases).rows[0][1:4] == [3, 2, 3]


def test_single_cuts_are_those_that_happened_with_nothing_else(records):
    late = record("cut=900:after", op=None)
    assert single_cuts([record("cycles=0", "cut=3:byte:5")]), "how often the power is switched at the end is no fault"
    assert [len(found) for found in (single_cuts(records), single_cuts([late]))] == [300, 0]
    assert {fault.split("=")[0] for found in single_cuts(records) for fault in found["faults"]} == {"cut"}


def test_dearest_cuts_are_told_with_what_was_cut():
    operations = [["erase", "ota_1", "app"], ["program", "ota_1", "app"], ["program", "otadata", "bootloader"]]
    dear = {"redownloaded": 8192, "extra_boots": 2}
    records = [
        record(operations=operations),
        record("cut=1:before"),
        record("cut=2:before", redownloaded=8192),
        record("cut=2:byte:1", redownloaded=8192),
        record("cut=3:half", extra_boots=2),
        record("cut=3:half", "cut=1:half", redownloaded=16_384),
        record("cut=1:half", story="rollback", **dear),  # nobody knows what its operations are
    ]
    assert dearest(records) == [
        "one cut, downloaded again, B: 8,192 in 2 cases, cut at program ota_1 by app",
        "one cut, extra boots: 2 in 1 cases, cut at program otadata by bootloader",
    ]
    assert dearest([]) == []


def test_summary_typical_time_is_the_median():
    seconds = [record(board_s=seconds) for seconds in (1.0, 2.0, 300.0)]
    assert summarize(seconds).total.typical_s == 2.0


def test_summary_figures_that_a_case_has_not_are_left_out():
    nothing = {"redownloaded": None, "extra_boots": None, "erases_max": None, "erases": None}
    assert summarize([record(**nothing), record("cut=1:after")]).rows[0][5:8] == [4096, 1, 1]


def test_summary_counts_broken_rules_by_case_and_in_order_of_their_numbers():
    broken = [record(violations=[["I13", "x"], ["I13", "y"], ["I2", "z"]]), record(violations=[["I13", "x"]])]
    assert list(summarize(broken).broken.items()) == [("I2", 1), ("I13", 2)]


def test_summary_tells_how_other_faults_than_cuts_ended(records):
    kinds = summarize(records).kinds
    assert list(kinds) == ["flash stuck-0", "net cut"]
    assert (kinds["flash stuck-0"]["failed"], kinds["net cut"]["updated"]) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("cut=17:byte:5", "cut"),
        ("net=cut:1234:up", "net cut"),
        ("later=1300:flash=stuck-0:spare+3:32767", "flash stuck-0"),
        ("flash=program-error:all", "flash program-error"),
        ("cloud=chunk=3x3:error=FAILURE", "cloud chunk error"),
        ("cloud=attributesx2:drop", "cloud attributes drop"),
        ("cloud=chunk=0:other-index", "cloud chunk other-index"),
        ("cloud=chunkx*:delay=20", "cloud chunk delay"),
        ("later=1500:wifi=60000", "wifi"),
        ("clock=jump:-86400", "clock jump"),
    ],
)
def test_kind_of_a_fault_says_what_and_not_where(fault, kind):
    assert kind_of(fault) == kind


def test_replay_line_gives_the_shell_one_word_that_is_the_case():
    line = replay_line(record("cut=17:prefix", "net=cut:1234"))
    *command, case = shlex.split(line)
    assert command == ["python", "-m", "simulator", "replay"]
    assert Case.parse(case) == Case("update", 7, ("cut=17:prefix", "net=cut:1234"))


def test_show_prints_the_table_and_a_replay_line_for_each_failing_case(records, capsys):
    report.show(records)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:5] == ["update", "154", "154", "152", "1"] for line in lines)
    assert [line for line in lines if "replay" in line] == [replay_line(records[53]), replay_line(records[161])]
