# SPDX-License-Identifier: MIT
"""Rules about time as a maker writes them down: `mo-fr 02:00-04:30; reboot 03:00-04:00; not 2026-12-24..2027-01-06`.

Clauses, in any order, between semicolons:
  [DAYS] [TIMES]         a window for download and reset: `02:00-04:30`, `sa,su`, `mo-fr,su 22:00-05:59,12:00-12:59`
  reboot [DAYS] [TIMES]  a window for the reset; the others are then for the download only. `reboot mo-su` is always
  from DATE, until DATE  the first day and the last
  not DATES              days without updates: `not 2026-12-24,2026-12-31..2027-01-01`
Local time; ends are inclusive. A weekday is the one on which a window opens, a date is the day itself.
Loaded to read the text, then forgotten.
"""

from ota.errors import OtaError
from ota.schedule import Rules
from ota.zone import days

_DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")


def parse(text):
    """Rules. Raises OtaError `bad_when` with the clause that makes no sense."""
    windows, reboot, closed = [], [], []
    dates = {}
    for clause in text.lower().split(";"):
        words = clause.split()
        try:
            key = words[0]
            if key in ("from", "until"):
                name = "first" if key == "from" else "last"
                if name in dates or len(words) != 2:
                    raise ValueError
                dates[name] = _date(words[1])
            elif key == "not":
                if len(words) != 2:
                    raise ValueError
                closed += [_range(part) for part in words[1].split(",")]
            elif key == "reboot":
                reboot += _windows(words[1:])
            else:
                windows += _windows(words)
        except (ValueError, IndexError):
            raise OtaError("bad_when", " ".join(words)[:40])
    return Rules(windows=windows, reboot=reboot or None, closed=closed, **dates)


def _windows(words):
    """What a clause of days and times says; either may be missing, not both. The whole day without times."""
    mask = 127
    if not ("0" <= words[0][0] <= "9"):
        mask = _mask(words[0])
        words = words[1:]
        if not words:
            return [(mask, 0, 1439)]
    if len(words) != 1:
        raise ValueError
    windows = []
    for part in words[0].split(","):
        start, end = part.split("-")
        windows.append((mask, _minute(start), _minute(end)))
    return windows


def _mask(text):
    """`mo-fr,su`; a range may go over Sunday."""
    mask = 0
    for part in text.split(","):
        ends = [_DAYS.index(name) for name in part.split("-")]
        if len(ends) > 2:
            raise ValueError
        day = ends[0]
        mask |= 1 << day
        while day != ends[-1]:
            day = (day + 1) % 7
            mask |= 1 << day
    return mask


def _minute(text):
    hour, minute = text.split(":")
    return _number(hour, 2, 0, 23) * 60 + _number(minute, 2, 0, 59)


def _range(text):
    ends = [_date(part) for part in text.split("..")]
    if len(ends) > 2 or ends[-1] < ends[0]:
        raise ValueError
    return ends[0], ends[-1]


def _date(text):
    """Days since 1970 of YYYY-MM-DD, a day that there is in this century."""
    year, month, day = text.split("-")
    year, month = _number(year, 4, 2000, 2099), _number(month, 2, 1, 12)
    first = days(year, month, 1)
    return first + _number(day, 2, 1, days(year, month + 1, 1) - first) - 1


def _number(text, digits, low, high):
    if len(text) != digits or not all("0" <= char <= "9" for char in text) or not low <= int(text) <= high:
        raise ValueError
    return int(text)
