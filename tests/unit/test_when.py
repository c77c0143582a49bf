# SPDX-License-Identifier: MIT
"""Rules about time as a maker writes them down."""

import fakes

from ota.errors import OtaError
from ota.when import parse
from ota.zone import days

ALL = 127


def windows(text):
    return parse(text).windows


def test_when_windows_and_those_of_the_reset():
    rules = parse("mo-fr 02:00-04:30; reboot 03:00-04:00")
    assert rules.windows == [(31, 120, 270)]
    assert rules.reboot == [(ALL, 180, 240)]


def test_when_reset_keeps_to_the_windows_unless_it_has_its_own():
    assert parse("22:00-05:59").reboot == [(ALL, 1320, 359)]
    assert parse("22:00-05:59; reboot mo-su").reboot == [(ALL, 0, 1439)]
    assert parse("reboot 03:00-04:00").windows == []


def test_when_days_alone_are_whole_days():
    assert windows("sa,su") == [(96, 0, 1439)]
    assert windows("sa-mo") == [(97, 0, 1439)]
    assert windows("tu") == [(2, 0, 1439)]
    assert windows("mo-we,fr") == [(23, 0, 1439)]


def test_when_several_clauses_and_times():
    assert windows("mo-fr 22:00-05:59,12:00-12:59; sa 00:00-23:59") == [(31, 1320, 359), (31, 720, 779), (32, 0, 1439)]


def test_when_dates():
    rules = parse("from 2026-03-01; until 2028-02-29; not 2026-12-24,2026-12-31..2027-01-01; not 2027-05-01")
    assert (rules.first, rules.last) == (days(2026, 3, 1), days(2028, 2, 29))
    new_year = days(2027, 1, 1)
    christmas = new_year - 8
    assert rules.closed == [(christmas, christmas), (new_year - 1, new_year), (new_year + 120, new_year + 120)]


def test_when_case_and_spaces_do_not_matter():
    assert windows("  Mo-FR   02:00-04:30 ;SA") == [(31, 120, 270), (32, 0, 1439)]


def test_when_refuses_what_it_does_not_understand():
    for text in (
        "",
        " ",
        ";",
        "02:00-04:00;",
        "2:00-04:00",
        "02:00-24:00",
        "02:60-04:00",
        "02:00",
        "02:00-03:00-04:00",
        "0200-0400",
        "02:00 - 04:00",
        "02:00-04:00 mo-fr",
        "mo fr 02:00-04:00",
        "mon-fri",
        "mo-",
        "mo-fr-su",
        "mo,,fr",
        "daily 02:00-04:00",
        "reboot",
        "reboot reboot 03:00-04:00",
        "from",
        "from 2026-3-1",
        "from 2026-02-29",
        "from 2026-13-01",
        "from 2026-00-01",
        "from 2026-01-00",
        "from 1999-01-01",
        "from 2026-01-01; from 2027-01-01",
        "until 2026-01-01 2026-01-02",
        "not",
        "not mo",
        "not 2026-12-24..2026-12-23",
        "not 2026-12-24..2026-12-25..2026-12-26",
        "not 2026-12-24,",
        "02:00-\u0664:00",
        "02:00-+4:00",
    ):
        error = fakes.raises(OtaError, "bad_when", parse, text)
        assert len(error.text()) <= 60


def test_when_names_the_clause_that_is_wrong():
    error = fakes.raises(OtaError, "bad_when", parse, "mo-fr 02:00-04:30; rebot 03:00-04:00")
    assert error.text() == "bad_when: rebot 03:00-04:00"
