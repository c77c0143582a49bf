# SPDX-License-Identifier: MIT
"""Local time by a POSIX TZ string: `CET-1CEST,M3.5.0,M10.5.0/3`, `<+0330>-3:30`. Whole seconds, no floats.

Loaded only where a job or the product has rules about time. A string with summer time has to tell its days: C libraries
take the American ones for granted, which nobody means who writes `CET-1CEST`.
"""

from ota.errors import OtaError
from ota.port import const

_DAY = const(86400)
_HOURS_OF_ZONE = const(24)
_HOURS_OF_RULE = const(167)
_AT = const(7200)  # a change without a time comes at 02:00


def days(year, month, day):
    """Days from 1970-01-01 to a date."""
    year -= month <= 2  # the year begins with March, so that the leap day is its last
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year * 365 + year // 4 - year // 100 + year // 400 + of_year - 719468


def year_of(day):
    """The year that a day since 1970-01-01 is in."""
    year = 1970 + day * 400 // 146097
    while days(year, 1, 1) > day:
        year -= 1
    while days(year + 1, 1, 1) <= day:
        year += 1
    return year


class Zone:
    """`text`: a POSIX TZ string. Raises OtaError `bad_tz`."""

    def __init__(self, text):
        self._text = text
        self._at = 0
        self._name()
        self._standard = self._summer = -self._time(_HOURS_OF_ZONE)
        self._rules = ()
        if self._at < len(text):
            self._name()
            self._summer = self._standard + 3600
            if self._peek() != ",":
                self._summer = -self._time(_HOURS_OF_ZONE)
            self._rules = (self._rule(), self._rule())
        if self._at < len(text):
            self._refuse()

    def at(self, now):
        """(seconds east of Greenwich, unix second of the next change; None without any) at unix second `now`."""
        changes = {}
        if self._rules:
            year = year_of(now // _DAY)
            for y in range(year - 2, year + 2):  # a rule can reach a week into another year
                changes[_moment(self._rules[1], y) - self._summer] = self._standard
            for y in range(year - 2, year + 3):  # the last word: summer that ends where the next one begins goes on
                changes[_moment(self._rules[0], y) - self._standard] = self._summer
        offset = self._standard
        for change in sorted(changes):
            if change <= now:
                offset = changes[change]
            elif changes[change] != offset:
                return offset, change
        return offset, None

    # reading the text

    def _refuse(self):
        raise OtaError("bad_tz", self._text[:40])

    def _peek(self):
        return self._text[self._at : self._at + 1]

    def _skip(self, char):
        """Whether `char` was next; then it is behind us."""
        found = self._peek() == char
        self._at += found
        return found

    def _number(self, low, high):
        begin = self._at
        while "0" <= self._peek() <= "9":
            self._at += 1
        digits = self._text[begin : self._at]
        if not 0 < len(digits) <= 3 or not low <= int(digits) <= high:
            self._refuse()
        return int(digits)

    def _name(self):
        """At least three letters, or between angle brackets also digits and signs."""
        is_quoted = self._skip("<")
        begin = self._at
        while self._is_letter(self._peek()) or (is_quoted and self._peek() and self._peek() in "0123456789+-"):
            self._at += 1
        if self._at - begin < 3 or (is_quoted and not self._skip(">")):
            self._refuse()

    @staticmethod
    def _is_letter(char):
        return "a" <= char <= "z" or "A" <= char <= "Z"

    def _time(self, hours):
        """[+-]h[:mm[:ss]] in seconds."""
        sign = -1 if self._skip("-") else 1
        if sign == 1:
            self._skip("+")
        seconds = self._number(0, hours) * 3600
        if self._skip(":"):
            seconds += self._number(0, 59) * 60
            if self._skip(":"):
                seconds += self._number(0, 59)
        return sign * seconds

    def _rule(self):
        """(month, week, day of the week, time), or (0, day of the year, whether February 29 counts, time)."""
        if not self._skip(","):
            self._refuse()
        if self._skip("M"):
            date = [self._number(1, 12)]
            for low, high in ((1, 5), (0, 6)):
                if not self._skip("."):
                    self._refuse()
                date.append(self._number(low, high))
        elif self._skip("J"):
            date = [0, self._number(1, 365) - 1, False]
        else:
            date = [0, self._number(0, 365), True]
        date.append(self._time(_HOURS_OF_RULE) if self._skip("/") else _AT)
        return date


def _moment(rule, year):
    """When a rule strikes in a year, in seconds of the local time before it."""
    month, a, b, time = rule
    if month:
        day = days(year, month, 1)
        day += (b - day - 4) % 7 + 7 * (a - 1)  # 1970-01-01 was a Thursday
        if day >= days(year, month + 1, 1):  # a fifth one that there is not: the last
            day -= 7
    else:
        first = days(year, 1, 1)
        has_leap_day = days(year, 3, 1) - first == 60
        day = first + a + (has_leap_day and not b and a >= 59)
    return day * _DAY + time
