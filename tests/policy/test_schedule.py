# SPDX-License-Identifier: MIT
"""The board's verdicts against a slow obvious model, around changes of the clock in several zones."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ota.policy import GO, REFUSE, WAIT
from ota.schedule import Rules, may_restart, may_start
from ota.zone import Zone
from tests.policy.slow_model import Wanted, day_number, is_open, posix, verdict, zone

ZONES = (
    "Europe/Berlin",
    "Europe/Dublin",  # its winter is the other time
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",  # changes at 24:00
    "America/Havana",  # at midnight
    "America/Nuuk",  # the day before
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Chatham",
    "Asia/Kolkata",
    "Africa/Casablanca",  # winter time in Ramadan, which no TZ string can tell: +01 all year
)
YEAR = 2045  # laws that are known to end are over, so Python follows the string, too
LONGEST = 9  # days that the model looks ahead


def changes(name: str) -> list[int]:
    """The unix seconds at which the clocks of a zone are changed in that year; noon of a day without any."""
    start = int(datetime(YEAR, 1, 1, tzinfo=UTC).timestamp())
    hours = range(start, start + 365 * 86400, 1800)
    offsets = [datetime.fromtimestamp(hour, UTC).astimezone(zone(name)).utcoffset() for hour in hours]
    return [hours[i] for i in range(1, len(hours)) if offsets[i] != offsets[i - 1]] or [start + 43200]


CHANGES = {name: changes(name) for name in ZONES}
EDGES = {}  # minutes of the local day at which something happens
for _name, _moments in CHANGES.items():
    _local = [datetime.fromtimestamp(m + d, UTC).astimezone(zone(_name)) for m in _moments for d in (-60, 0)]
    EDGES[_name] = [local.hour * 60 + local.minute for local in _local]


def near(values: list[int]) -> st.SearchStrategy[int]:
    """A minute of the day, often one around a change of the clock."""
    close = st.builds(lambda edge, by: (edge + by) % 1440, st.sampled_from(values), st.integers(-61, 61))
    return st.one_of(close, close, st.integers(0, 1439))


@st.composite
def _stories(draw: st.DrawFn) -> tuple[str, Wanted, int]:
    name = draw(st.sampled_from(ZONES))
    change = draw(st.sampled_from(CHANGES[name]))
    now = change + draw(st.one_of(st.integers(-7200, 7200), st.integers(-3 * 86400, 86400)))
    day = datetime.fromtimestamp(change, UTC).date()
    window = st.tuples(
        st.one_of(st.just(127), st.integers(1, 127), st.sampled_from([1, 32, 64])), near(EDGES[name]), near(EDGES[name])
    )
    some_day = st.builds(lambda by: day + timedelta(days=by), st.integers(-3, 3))
    closed = st.tuples(some_day, st.integers(0, 2)).map(lambda pair: (pair[0], pair[0] + timedelta(days=pair[1])))
    second = st.one_of(st.none(), st.integers(now - 2, now + 2), st.integers(now - 86400, now + 86400))
    wanted = Wanted(
        validity=draw(st.one_of(st.just((None, None)), st.tuples(second, second))),
        windows=tuple(draw(st.lists(window, max_size=3))),
        reboot=tuple(draw(st.lists(window, max_size=2))),
        first=draw(st.one_of(st.none(), some_day)),
        last=draw(st.one_of(st.none(), some_day)),
        closed=tuple(draw(st.lists(closed, max_size=2))),
    )
    return name, wanted, now


def agrees(found, expected) -> bool:
    """The model looks only so far ahead; nothing before that may open, and dates that are over open nothing."""
    if expected is not None:
        return found == expected
    return found == (REFUSE, "dates_over", 0) or (found[0] == WAIT and found[2] is not None)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(_stories())
def test_schedule_says_what_the_slow_model_says(story):
    name, wanted, now = story
    found = may_start(Rules(**wanted.fields()), now, Zone(posix(name)))
    expected = verdict(wanted, wanted.windows, now, zone(name), LONGEST)
    assert agrees(found, expected), (found, expected)
    if expected is None and found[0] == WAIT:
        assert found[2] > now + LONGEST * 86400
        assert is_open(wanted, wanted.windows, found[2], zone(name))


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(_stories())
def test_schedule_of_the_reset_says_what_the_slow_model_says(story):
    name, wanted, now = story
    verdict_, reason, until = may_restart(Rules(**wanted.fields()), now, Zone(posix(name)))
    expected = verdict(wanted, wanted.reboot, now, zone(name), LONGEST)
    if expected is None:
        assert verdict_ != GO
        return
    if expected[0] == WAIT:
        end = wanted.validity[1]
        at = expected[2] if end is None else min(expected[2], end + 1)
        expected = (WAIT, expected[1].replace("_window", "_reboot_window"), at)
    assert (verdict_, reason, until) == expected


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(_stories(), _stories())
def test_schedule_two_rules_open_when_both_are_open_and_nobody_sleeps_through_it(story, other):
    """Asked again at `until` each time, the board starts at the very first second that both allow."""
    name, wanted, now = story
    second = Wanted(windows=other[1].windows, closed=wanted.closed)
    place, board = zone(name), Zone(posix(name))
    rules = [Rules(**w.fields()) for w in (Wanted(windows=wanted.windows), second)]
    both = [(Wanted(windows=wanted.windows), wanted.windows), (second, second.windows)]
    minutes = [now, *range(now // 60 * 60 + 60, now + LONGEST * 86400, 60)]
    expected = next((m for m in minutes if all(is_open(w, windows, m, place) for w, windows in both)), None)
    at = now
    for _ in range(400):
        answer, _, until = may_start(rules[0], at, board, rules[1])
        if answer == GO or at > now + LONGEST * 86400:
            break
        assert answer == WAIT and until is not None and until > at
        at = until
    assert (at == expected) if expected is not None else (at > minutes[-1])


@pytest.mark.parametrize("year", [2026, 2027, 2044, 2099])
def test_schedule_first_day_of_a_far_year_is_found(year):
    rules = Rules(first=day_number(date(year, 7, 1)), windows=((127, 120, 270),))
    expected = datetime(year, 7, 1, 2, tzinfo=zone("Europe/Berlin")).timestamp()
    assert may_start(rules, 1_767_225_600, Zone(posix("Europe/Berlin"))) == (WAIT, "waiting_for_window", expected)
