# SPDX-License-Identifier: MIT
"""The rules about time as a person would check them: minute by minute, with Python's own calendar and time zones.

Slow and obvious on purpose, and shares nothing with the firmware but the names of the verdicts.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

from ota.policy import GO, REFUSE, WAIT

_DATA = files("tzdata")

Window = tuple[int, int, int]
Verdict = tuple[int, str, int | None]


@dataclass(frozen=True)
class Wanted:
    """What is wanted; the fields of schedule.Rules, with dates for days."""

    validity: tuple[int | None, int | None] = (None, None)
    windows: tuple[Window, ...] = ()
    reboot: tuple[Window, ...] = ()
    first: date | None = None
    last: date | None = None
    closed: tuple[tuple[date, date], ...] = ()

    def fields(self) -> dict:
        """The arguments of schedule.Rules."""
        return {
            "validity": self.validity,
            "windows": self.windows,
            "reboot": self.reboot,
            "first": self.first and day_number(self.first),
            "last": self.last and day_number(self.last),
            "closed": tuple((day_number(begin), day_number(end)) for begin, end in self.closed),
        }


def day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def names() -> list[str]:
    """Every zone of the pinned tzdata, whatever this machine has."""
    return [name for name in _DATA.joinpath("zones").read_text().split() if name != "Factory"]


def posix(name: str) -> str:
    """The TZ string that a zone goes by from the last change of its law on; "" if there is none."""
    return _file(name).splitlines()[-1].decode()


@functools.cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo.from_file(BytesIO(_file(name)), name)


def _file(name: str) -> bytes:
    return _DATA.joinpath("zoneinfo", *name.split("/")).read_bytes()


def is_open(wanted: Wanted, windows: tuple[Window, ...], now: int, zone: ZoneInfo) -> bool:
    """Whether dates and windows allow this second."""
    local = datetime.fromtimestamp(now, UTC).astimezone(zone)
    today = local.date()
    if (wanted.first and today < wanted.first) or (wanted.last and today > wanted.last):
        return False
    if any(begin <= today <= end for begin, end in wanted.closed):
        return False
    minute = local.hour * 60 + local.minute
    return not windows or any(_covers(window, today, minute) for window in windows)


def _covers(window: Window, today: date, minute: int) -> bool:
    days, start, end = window
    opens_today = days >> today.weekday() & 1
    opened_yesterday = days >> (today - timedelta(days=1)).weekday() & 1
    if start <= end:
        return bool(opens_today and start <= minute <= end)
    return bool((opens_today and minute >= start) or (opened_yesterday and minute <= end))


def verdict(wanted: Wanted, windows: tuple[Window, ...], now: int, zone: ZoneInfo, days: int) -> Verdict | None:
    """What may_start has to answer; None if nothing opens within so many days."""
    start, end = wanted.validity
    if start is not None and now < start:
        return WAIT, "not_yet_valid", start
    if end is not None and now > end:
        return REFUSE, "validity_over", 0
    for moment in _moments(now, days):
        if is_open(wanted, windows, moment, zone):
            return (WAIT, "waiting_for_window", moment) if moment > now else (GO, "", 0)
    return None


def _moments(now: int, days: int) -> Iterator[int]:
    """Now, and each full minute after it: offsets of this century are whole minutes."""
    yield now
    minute = now // 60 * 60 + 60
    yield from range(minute, minute + days * 86400, 60)
