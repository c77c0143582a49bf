# SPDX-License-Identifier: MIT
"""Local time by a POSIX TZ string."""

import fakes

from ota.errors import OtaError
from ota.zone import Zone, days, year_of

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
SYDNEY = "AEST-10AEDT,M10.1.0,M4.1.0/3"
LORD_HOWE = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
JANUARY, JULY = 1768478400, 1784116800  # 2026-01-15 and 2026-07-15, 12:00 UTC
HOUR = 3600


def offset(text, now):
    return Zone(text).at(now)[0]


def test_zone_utc_and_fixed_offsets():
    assert Zone("UTC0").at(JANUARY) == (0, None)
    assert offset("<+0330>-3:30", JULY) == 3 * HOUR + 1800
    assert offset("IST-5:30", JANUARY) == 5 * HOUR + 1800
    assert offset("<-03>3", JANUARY) == -3 * HOUR
    assert offset("EST+5", JANUARY) == -5 * HOUR
    assert offset("LMT-0:53:28", JANUARY) == 3208


def test_zone_summer_time_begins_and_ends_to_the_second():
    assert Zone(BERLIN).at(1774745999) == (HOUR, 1774746000)
    assert Zone(BERLIN).at(1774746000) == (2 * HOUR, 1792890000)
    assert Zone(BERLIN).at(1792889999) == (2 * HOUR, 1792890000)
    assert Zone(BERLIN).at(1792890000) == (HOUR, 1806195600)  # 2027-03-28


def test_zone_southern_summer_is_over_new_year():
    assert offset(SYDNEY, JANUARY) == 11 * HOUR
    assert offset(SYDNEY, JULY) == 10 * HOUR
    assert Zone(SYDNEY).at(1775318399) == (11 * HOUR, 1775318400)
    assert Zone(SYDNEY).at(1775318400) == (10 * HOUR, 1791043200)


def test_zone_half_an_hour_of_summer_time():
    assert offset(LORD_HOWE, 1775314799) == 11 * HOUR
    assert offset(LORD_HOWE, 1775314800) == 10 * HOUR + 1800


def test_zone_summer_time_of_its_own_size():
    assert offset("XXX0YYY-2,M3.5.0,M10.5.0", JULY) == 2 * HOUR
    assert offset("IST-1GMT0,M10.5.0,M3.5.0/1", JANUARY) == 0  # Ireland calls winter its other time
    assert offset("IST-1GMT0,M10.5.0,M3.5.0/1", JULY) == HOUR


def test_zone_days_of_the_year_with_and_without_the_leap_day():
    leap, plain = days(2028, 3, 1) * 86400, days(2026, 3, 1) * 86400
    for text, first in (("A", leap), ("A", plain)):
        assert Zone("AAA0BBB,J60/0,J300").at(first - 1) == (0, first), text
        assert Zone("AAA0BBB,J60/0,J300").at(first)[0] == HOUR
    assert Zone("AAA0BBB,59/0,300").at(leap - 86401) == (0, leap - 86400)  # that is February 29
    assert Zone("AAA0BBB,59/0,300").at(plain - 1) == (0, plain)


def test_zone_times_of_change_before_and_after_their_day():
    sunday = days(2026, 3, 29) * 86400
    assert Zone("AAA0BBB,M3.5.0/-1,M10.5.0").at(sunday - HOUR - 1) == (0, sunday - HOUR)
    assert Zone("AAA0BBB,M3.5.0/50:30:15,M10.5.0").at(sunday) == (0, sunday + 50 * HOUR + 1815)
    assert Zone("AAA0BBB,M3.5.0/167,M10.5.0").at(sunday) == (0, sunday + 167 * HOUR)


def test_zone_summer_all_year_never_changes():
    assert Zone("XXX3EDT4,0/0,J365/23").at(JANUARY) == (-4 * HOUR, None)
    assert Zone("XXX3EDT4,0/0,J365/23").at(days(2027, 1, 1) * 86400 + 4 * HOUR) == (-4 * HOUR, None)


def test_zone_far_years():
    assert Zone(BERLIN).at(4102444800)[0] == HOUR  # 2100-01-01
    assert Zone(BERLIN).at(4102444800 + 200 * 86400)[0] == 2 * HOUR


def test_zone_refuses_what_is_no_tz_string():
    for text in (
        "",
        "UTC",
        "C-1",
        "CET-",
        "CET-25",
        "CET-1:60",
        "CET-1:5:61",
        "CET1.5",
        "CET +1",
        "CET-+1",
        "<+03-3",
        "<+0>-3",
        "<>-3",
        "Europe/Berlin",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,M10.5.0,",
        "CET-1CEST,M3.5.0,M10.5.0/3 ",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5,M10.5.0",
        "CET-1CEST,J0,J365",
        "CET-1CEST,J366,J365",
        "CET-1CEST,366,1",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0/,M10.5.0",
        "CET-1CEST;M3.5.0;M10.5.0",
        "CET-0001",
        "C\u00c9T-1",
    ):
        fakes.raises(OtaError, "bad_tz", Zone, text)


def test_zone_year_of_a_day():
    for year in (1970, 1999, 2000, 2001, 2026, 2028, 2100, 2400):
        assert year_of(days(year, 1, 1)) == year
        assert year_of(days(year, 1, 1) - 1) == year - 1
