# SPDX-License-Identifier: MIT
"""Whether the time is right: validities, windows, dates; RainMaker's items 19 to 24 (rainmaker.md 11)."""

from ota.errors import JobError
from ota.policy import GO, REFUSE, WAIT
from ota.schedule import Rules, holds_too_long, may_restart, may_start, still_valid
from ota.zone import Zone, days

UTC = Zone("UTC0")
BERLIN = Zone("CET-1CEST,M3.5.0,M10.5.0/3")
ALL = 127
MONDAY = days(2026, 1, 12)
NOON = MONDAY * 86400 + 43200
THURSDAY = 1768431600  # 2026-01-15 00:00 in Berlin
BEGINS = 1774738800  # 2026-03-29 00:00 in Berlin, summer time begins at 02:00
ENDS = 1792879200  # 2026-10-25 00:00 in Berlin, it ends at 03:00


def at(hour, minute=0, second=0, day=MONDAY):
    return day * 86400 + hour * 3600 + minute * 60 + second


def window(start, end, days=ALL, **rules):
    return Rules(windows=((days, start, end),), **rules)


def ask(rules, now, zone=UTC):
    return may_start(rules, now, zone)


def waits(until):
    return WAIT, "waiting_for_window", until


def test_schedule_without_rules_goes():
    assert ask(None, NOON) == (GO, "", 0)
    assert ask(None, None) == (GO, "", 0)
    assert ask(Rules(), NOON) == (GO, "", 0)


def test_schedule_not_yet_valid_waits_to_the_second_item_19():
    assert ask(Rules((NOON + 60, NOON + 120)), NOON) == (WAIT, "not_yet_valid", NOON + 60)


def test_schedule_both_ends_of_a_validity_are_in_it_item_20():
    rules = Rules((NOON, NOON + 60))
    assert ask(rules, NOON)[0] == GO
    assert ask(rules, NOON + 60)[0] == GO
    assert ask(rules, NOON + 61) == (REFUSE, "validity_over", 0)


def test_schedule_window_goes_through_the_59th_second_item_21():
    rules = window(120, 270)
    assert ask(rules, THURSDAY + 7199, BERLIN) == waits(THURSDAY + 7200)
    assert ask(rules, THURSDAY + 7200, BERLIN)[0] == GO
    assert ask(rules, THURSDAY + 4 * 3600 + 30 * 60 + 59, BERLIN)[0] == GO
    assert ask(rules, THURSDAY + 4 * 3600 + 31 * 60, BERLIN) == waits(THURSDAY + 86400 + 7200)


def test_schedule_window_across_midnight_item_22():
    rules = window(1380, 120)
    for now in (at(23, 30), at(0, 30), at(2), at(2, 0, 59), at(23)):
        assert ask(rules, now)[0] == GO
    assert ask(rules, at(2, 1)) == waits(at(23))
    assert ask(rules, at(22, 59, 59)) == waits(at(23))


def test_schedule_start_without_end_fails_end_without_start_is_ignored_item_23():
    assert ask(window(120, None), NOON) == (REFUSE, "window_incomplete", 0)
    assert ask(window(None, 120), NOON)[0] == GO


def test_schedule_unknown_clock_waits_whatever_the_rules_say_item_24():
    for rules in (Rules((0, 1)), window(120, 270), window(120, None), window(None, 5), Rules(last=1)):
        assert ask(rules, None) == (WAIT, "clock_unknown", None)


def test_schedule_validity_is_judged_before_the_window():
    rules = window(120, None, validity=(NOON, NOON + 60))
    assert ask(rules, NOON - 1)[1] == "not_yet_valid"
    assert ask(rules, NOON + 61)[1] == "validity_over"
    assert ask(window(120, 270, validity=(0, NOON + 60)), NOON) == waits(at(26))  # its end is not looked at, item 4.6


def test_schedule_window_of_one_minute():
    rules = window(300, 300)
    assert ask(rules, at(5, 0, 59))[0] == GO
    assert ask(rules, at(5, 1)) == waits(at(29))


def test_schedule_weekday_is_the_one_on_which_a_window_opens():
    rules = window(1380, 120, days=1 << 4)  # friday
    friday = MONDAY + 4
    assert ask(rules, at(1, day=friday)) == waits(at(23, day=friday))
    assert ask(rules, at(23, day=friday))[0] == GO
    assert ask(rules, at(2, day=friday + 1))[0] == GO
    assert ask(rules, at(2, 1, day=friday + 1)) == waits(at(23, day=friday + 7))
    assert ask(window(0, 1439, days=1 << 6), NOON) == waits(at(0, day=MONDAY + 6))


def test_schedule_closed_days_are_days_themselves():
    rules = window(1380, 120, closed=((MONDAY, MONDAY), (MONDAY + 1, MONDAY + 3)))
    assert ask(rules, at(23, 59, 59, day=MONDAY - 1))[0] == GO
    assert ask(rules, at(0)) == waits(at(0, day=MONDAY + 4))  # the tail of the window that opened on a closed day
    assert ask(window(120, 270, closed=((MONDAY, MONDAY + 99999),)), NOON) == waits(at(2, day=MONDAY + 100000))


def test_schedule_first_and_last_day():
    rules = Rules(first=MONDAY, last=MONDAY + 1)
    assert ask(rules, at(0) - 1) == waits(at(0))
    assert ask(rules, at(47, 59, 59))[0] == GO
    assert ask(rules, at(48)) == (REFUSE, "dates_over", 0)
    assert ask(window(120, 270, first=MONDAY, last=MONDAY), at(4, 31)) == (REFUSE, "dates_over", 0)


def test_schedule_several_windows_the_next_one_counts():
    rules = Rules(windows=((ALL, 600, 660), (ALL, 120, 180), (ALL, 170, 200)))
    assert ask(rules, at(0)) == waits(at(2))
    assert ask(rules, at(3, 20, 59))[0] == GO
    assert ask(rules, at(3, 21)) == waits(at(10))
    assert ask(rules, at(11, 1)) == waits(at(26))


def test_schedule_window_in_the_hour_that_is_left_out_does_not_open_that_day():
    assert ask(window(130, 140), BEGINS, BERLIN) == waits(BEGINS + 23 * 3600 + 130 * 60)
    assert ask(window(130, 200), BEGINS, BERLIN) == waits(BEGINS + 7200)  # at 03:00, when the clock has jumped
    assert ask(window(180, 200), BEGINS, BERLIN) == waits(BEGINS + 7200)


def test_schedule_window_in_the_hour_that_comes_twice_opens_twice():
    rules = window(130, 140)
    assert ask(rules, ENDS, BERLIN) == waits(ENDS + 130 * 60)
    assert ask(rules, ENDS + 140 * 60 + 59, BERLIN)[0] == GO
    assert ask(rules, ENDS + 141 * 60, BERLIN) == waits(ENDS + 190 * 60)
    assert ask(rules, ENDS + 201 * 60, BERLIN) == waits(ENDS + 25 * 3600 + 130 * 60)


def test_schedule_last_day_that_comes_back_is_not_over():
    """A clock that is set back at midnight: the day before goes on for another hour."""
    zone = Zone("AAA0BBB,M3.5.0/0,M10.5.0/0")
    midnight = days(2026, 10, 25) * 86400 - 3600
    rules = window(1400, 1439, last=days(2026, 10, 24))
    assert ask(rules, midnight - 1, zone)[0] == GO
    assert ask(rules, midnight, zone) == waits(midnight + 20 * 60)
    assert ask(rules, midnight + 3600, zone) == (REFUSE, "dates_over", 0)
    assert ask(window(1390, 1400, last=days(2026, 10, 24)), midnight - 60, zone) == waits(midnight + 600)


def test_schedule_clock_that_is_changed_in_the_midst_of_a_minute():
    zone = Zone("AAA0BBB,M3.5.0/2:00:30,M10.5.0")
    change = days(2026, 3, 29) * 86400 + 7230
    assert ask(window(180, 190), change - 10, zone) == waits(change)


def test_schedule_reset_has_windows_of_its_own():
    rules = Rules(windows=((ALL, 120, 270),), reboot=((ALL, 180, 240),))
    assert may_restart(rules, at(2), UTC) == (WAIT, "waiting_for_reboot_window", at(3))
    assert may_restart(rules, at(4, 0, 59), UTC) == (GO, "", 0)
    assert may_restart(Rules(windows=((ALL, 120, 270),)), NOON, UTC) == (GO, "", 0)
    assert may_restart(Rules(windows=((ALL, 120, 270),), reboot=None), NOON, UTC)[2] == at(26)


def test_schedule_reset_never_waits_beyond_the_end_of_a_validity():
    rules = Rules((0, at(20)), reboot=((ALL, 120, 270),))
    assert may_restart(rules, NOON, UTC)[2] == at(20) + 1
    assert may_restart(rules, at(20) + 1, UTC) == (REFUSE, "validity_over", 0)


def test_schedule_job_that_has_started_ends_with_its_validity():
    rules = Rules((None, NOON))
    assert still_valid(rules, NOON)
    assert not still_valid(rules, NOON + 1)
    assert still_valid(rules, None)
    assert still_valid(None, NOON) and still_valid(Rules(), NOON)


def test_schedule_product_and_job_must_both_allow():
    job, product = window(120, 270), window(180, 200)
    assert may_start(job, at(1), UTC, product) == waits(at(3))
    assert may_start(job, at(2), UTC, product) == waits(at(3))
    assert may_start(job, at(3), UTC, product) == (GO, "", 0)
    assert may_start(product, at(1), UTC, job) == waits(at(3))
    assert may_start(None, at(1), UTC, product) == waits(at(3))
    assert may_start(Rules((at(2), at(5))), at(1), UTC, product) == (WAIT, "not_yet_valid", at(3))
    assert may_start(Rules((None, at(1))), at(2), UTC, product)[1] == "validity_over"
    assert may_start(job, None, UTC, product) == (WAIT, "clock_unknown", None)


def test_schedule_forced_is_above_windows_and_below_a_validity():
    product = window(180, 200)
    assert may_start(None, NOON, UTC, product, True)[0] == GO
    assert may_start(None, None, UTC, product, True)[0] == GO
    assert may_start(window(120, 270), NOON, UTC, None, True)[0] == GO
    assert may_start(Rules((NOON + 1, None)), NOON, UTC, product, True) == (WAIT, "not_yet_valid", NOON + 1)
    assert may_start(Rules((None, NOON - 1)), NOON, UTC, product, True)[1] == "validity_over"
    assert may_start(Rules((None, NOON)), None, UTC, product, True) == (WAIT, "clock_unknown", None)
    assert may_restart(Rules(reboot=((ALL, 0, 1),)), NOON, UTC, product, True)[0] == GO


def test_schedule_product_that_would_wait_half_a_year_is_noticed():
    assert not holds_too_long(window(120, 270), NOON, UTC)
    assert not holds_too_long(Rules(closed=((MONDAY, MONDAY + 180),)), NOON, UTC)
    assert holds_too_long(Rules(closed=((MONDAY, MONDAY + 185),)), NOON, UTC)
    assert holds_too_long(Rules(first=days(2062, 1, 1)), NOON, UTC)
    assert holds_too_long(Rules(last=MONDAY - 1), NOON, UTC)


def test_schedule_refuses_rules_that_make_no_sense():
    for rules in (
        {"validity": (-1, None)},
        {"validity": (None, "1")},
        {"validity": (True, None)},
        {"windows": ((ALL, 1440, 0),)},
        {"windows": ((ALL, 0, 1440),)},
        {"windows": ((0, 0, 1),)},
        {"windows": ((128, 0, 1),)},
        {"windows": ((None, 0, 1),)},
        {"windows": ((ALL, 0, 1),) * 65},
        {"reboot": ((ALL, 0.5, 1),)},
        {"closed": ((1, 1),) * 65},
        {"closed": ((1, -1),)},
        {"closed": ((None, 1),)},
        {"first": "monday"},
    ):
        try:
            Rules(**rules)
        except JobError as error:
            assert error.code == "bad_rules"
        else:
            raise AssertionError(rules)


def test_schedule_2038_and_a_century_ahead():
    for now in (2147483647, 2147483648, 4102444800):
        midnight = now // 86400 * 86400
        assert ask(window(120, 270), midnight, UTC) == waits(midnight + 7200)
