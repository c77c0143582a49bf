# SPDX-License-Identifier: MIT
"""The board's reading of POSIX TZ strings: zones of the world against Python's, any string against the C library's.

Python's own takes `n`, and `Jn` in leap years, for the day before or after. Strings of zones have `Mm.w.d` only.
"""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ota.errors import OtaError
from ota.zone import Zone, days, year_of
from tests.policy.slow_model import names, posix, zone

BEGIN, END = 1_767_225_600, 4_102_444_800  # 2026 to 2099
CHANGES = 4  # that are followed from a moment on


ZONES = {posix(name): name for name in names() if posix(name)}


def check(text: str, offset: Callable[[int], int], now: int) -> None:
    """From `now` on over some changes: the same offset at both ends of each stretch, another one after it."""
    for _ in range(CHANGES):
        found, change = Zone(text).at(now)
        assert found == offset(now), (text, now)
        if change is None:
            assert all(offset(now + day * 86400) == found for day in range(0, 800, 7)), (text, now)
            return
        for moment in (*range(now, change, 7 * 86400), change - 1):
            assert offset(moment) == found, (text, moment)
        assert offset(change) != found, (text, change)
        now = change


def by_python(name: str) -> Callable[[int], int]:
    def offset(now: int) -> int:
        found = datetime.fromtimestamp(now, UTC).astimezone(zone(name)).utcoffset()
        assert found is not None
        return int(found.total_seconds())

    return offset


@pytest.fixture(scope="module")
def by_c() -> Iterator[Callable[[str], Callable[[int], int]]]:
    """Sets the time zone of this process, and back."""
    before = os.environ.get("TZ")

    def set_zone(text: str) -> Callable[[int], int]:
        os.environ["TZ"] = text
        time.tzset()
        return lambda now: time.localtime(now).tm_gmtoff

    yield set_zone
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize("text", ZONES)
def test_zone_of_the_world_is_read_as_python_reads_it(text):
    for year in (2088, 2091, 2096):  # until 2087 some follow the moon
        check(text, by_python(ZONES[text]), days(year, 1, 1) * 86400)


_NAME = st.sampled_from(["CET", "<+0330>", "<-03>", "ABCDEF"])


def _time(hours: int) -> st.SearchStrategy[str]:
    return st.builds(
        lambda sign, hour, minute: f"{sign}{hour}" + (f":{minute:02}" if minute else ""),
        st.sampled_from(["", "+", "-"]), st.integers(0, hours), st.integers(0, 59),
    )  # fmt: skip


def _dates(low: int, high: int) -> st.SearchStrategy[str]:
    """A day in one part of the year, so that no rule meets the other."""
    first = (datetime(2026, low, 1) - datetime(2026, 1, 1)).days
    last = (datetime(2026, high, 28) - datetime(2026, 1, 1)).days
    return st.one_of(
        st.builds("M{}.{}.{}".format, st.integers(low, high), st.integers(1, 5), st.integers(0, 6)),
        st.builds("J{}".format, st.integers(first + 1, last)),
        st.builds("{}".format, st.integers(first, last)),
    )


@st.composite
def _strings(draw: st.DrawFn) -> str:
    text = draw(_NAME) + draw(_time(14))
    if not draw(st.booleans()):
        return text
    rules = [draw(_dates(2, 5)), draw(_dates(7, 11))]
    if draw(st.booleans()):
        rules.reverse()
    times = ["/" + draw(_time(167)) if draw(st.booleans()) else "" for _ in rules]
    return text + draw(_NAME) + draw(st.one_of(st.just(""), _time(14))) + f",{rules[0]}{times[0]},{rules[1]}{times[1]}"


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(_strings(), st.integers(BEGIN, END))
@example("IST-2IDT,M3.4.4/26,M10.5.0", BEGIN)
@example("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", BEGIN)
def test_zone_of_any_string_is_read_as_the_c_library_reads_it(by_c, text, now):
    check(text, by_c(text), now)


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(st.text(alphabet="CEST<>+-0123456789,./:JM \u00e9", max_size=40))
def test_zone_any_text_is_read_or_refused(text):
    try:
        Zone(text).at(BEGIN)
    except OtaError as error:
        assert error.code == "bad_tz"


@given(st.integers(days(1600, 1, 1), days(2600, 1, 1)))
def test_zone_calendar_is_pythons(day):
    date = datetime.fromtimestamp(day * 86400, UTC)
    assert days(date.year, date.month, date.day) == day
    assert year_of(day) == date.year
