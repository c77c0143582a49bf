# SPDX-License-Identifier: MIT
"""The part of the policy that is about time: rules of a job or of the product, and what they say about a moment.

Pure. Loaded only where there are such rules. Judged in RainMaker's order (rainmaker.md 4): clock, validity, windows;
both ends of everything are inclusive, a window through the 59th second of its last minute.
"""

from ota.errors import JobError
from ota.policy import GO, REFUSE, WAIT
from ota.port import const

_DAY = const(86400)
_LAST_MINUTE = const(1439)
_WEEK = const(127)  # all seven days
_MOST = const(64)  # windows, closed ranges
_TOO_LONG = const(184 * 86400)  # half a year: a season, not a typing error


class Rules:
    """One checked record. Raises JobError `bad_rules`.

    `validity`: first and last unix second, either may be None. `windows`: when it may be downloaded, `reboot`: when the
    reset may come (None: in the windows, too; empty: always). A window is (days, start, end): a bit a weekday, Monday
    is 1; minutes of the local day, across midnight when `start` is the later one. The days are those on which it
    opens. `first`, `last`: local days since 1970 between which there may be something, `closed`: pairs of such between
    which there may be nothing.
    """

    def __init__(self, validity=(None, None), windows=(), reboot=(), first=None, last=None, closed=()):
        self.start, self.end = [_maybe(second, "validity") for second in validity]
        self.is_incomplete = False
        self.windows = self._windows(windows)
        self.reboot = self.windows if reboot is None else self._windows(reboot)
        self.first = _maybe(first, "first")
        self.last = _maybe(last, "last")
        self.closed = [(_number(pair[0], "closed"), _number(pair[1], "closed")) for pair in closed]
        if len(self.closed) > _MOST:
            raise JobError("bad_rules", "closed")

    def _windows(self, windows):
        checked = []
        for days, start, end in windows:
            if start is None:
                continue  # an end without a start is no window
            if end is None:
                self.is_incomplete = True
            elif not _number(days, "days", _WEEK):
                raise JobError("bad_rules", "days")
            else:
                checked.append((days, _number(start, "window", _LAST_MINUTE), _number(end, "window", _LAST_MINUTE)))
        if len(checked) > _MOST:
            raise JobError("bad_rules", "window")
        return checked

    def open_day(self, day):
        """The first local day from `day` on that is not closed, None if there is none any more."""
        if self.first is not None:
            day = max(day, self.first)
        moved = True
        while moved:
            moved = False
            for begin, end in self.closed:
                if begin <= day <= end:
                    day = end + 1
                    moved = True
        return None if self.last is not None and day > self.last else day


def _number(value, name, most=None):
    if isinstance(value, bool) or not isinstance(value, int) or value < 0 or (most is not None and value > most):
        raise JobError("bad_rules", name)
    return value


def _maybe(value, name):
    return None if value is None else _number(value, name)


def may_start(job, now, zone, product=None, forced=False):
    """Whether a download may start at unix second `now` (None: nobody knows): (GO | WAIT | REFUSE, reason, until).

    `job`, `product`: Rules or None; both must allow. `until`: the unix second at which to ask again, None: as soon as
    the clock is known. `forced`: the product's owner wants it now; that is above windows, not above a validity.
    """
    return _both(_judge, job, now, zone, product, forced)


def may_restart(job, now, zone, product=None, forced=False):
    """The same for the reset into what was installed; asked again when a validity ends, too."""
    verdict, reason, until = _both(_judge_restart, job, now, zone, product, forced)
    if until and job and job.end is not None:
        until = min(until, job.end + 1)
    return verdict, reason, until


def still_valid(job, now):
    """Whether a job that has started may go on. A clock that nobody knows ends nothing."""
    return not job or job.end is None or now is None or now <= job.end


def holds_too_long(product, now, zone):
    """Whether the product's own rules would let nothing through for half a year, or for ever."""
    opening = _opening(product, product.windows, now, zone)
    return opening is None or opening - now > _TOO_LONG


def _both(judge, job, now, zone, product, forced):
    if forced:
        if not job or (job.start is None and job.end is None):
            return GO, "", 0
        return judge(Rules((job.start, job.end)), now, zone)
    found = judge(job, now, zone) if job else (GO, "", 0)
    if not product or found[0] == REFUSE:
        return found
    other = judge(product, now, zone)
    if found[0] == GO:
        return other
    if other[0] == WAIT and other[2] and other[2] > found[2]:
        return WAIT, found[1], other[2]
    return found


def _judge(rules, now, zone):
    return _verdict(rules, rules.windows, "waiting_for_window", now, zone)


def _judge_restart(rules, now, zone):
    return _verdict(rules, rules.reboot, "waiting_for_reboot_window", now, zone)


def _verdict(rules, windows, reason, now, zone):
    if now is None:
        return WAIT, "clock_unknown", None
    if rules.start is not None and now < rules.start:
        return WAIT, "not_yet_valid", rules.start
    if rules.end is not None and now > rules.end:
        return REFUSE, "validity_over", 0
    if rules.is_incomplete:
        return REFUSE, "window_incomplete", 0
    opening = _opening(rules, windows, now, zone)
    if opening is None:
        return REFUSE, "dates_over", 0
    return (WAIT, reason, opening) if opening > now else (GO, "", 0)


def _opening(rules, windows, now, zone):
    """The first unix second from `now` on that a window is open, `now` itself if it is; None if there is none any more.

    Local time runs straight between two changes of the clock, so it is looked for in each such stretch in turn.
    """
    ended = False
    while True:
        offset, change = zone.at(now)
        local = _local_opening(rules, windows, now + offset)
        if local is not None and (change is None or local - offset < change):
            return local - offset
        if change is None or (local is None and ended):
            return None
        ended = local is None  # but a clock that is set back may bring back a day
        now = change


def _local_opening(rules, windows, local):
    """The same in seconds of local time, as if no clock was ever changed."""
    day, minute = local // _DAY, local % _DAY // 60
    for _ in range(8 * (len(rules.closed) + 2)):  # between two closed ranges a week finds any window
        open_day = rules.open_day(day)
        if open_day is None:
            break
        if open_day != day:
            day, minute = open_day, 0
        found = _minute(windows, day, minute)
        if found is not None:
            return max(local, day * _DAY + found * 60)
        day, minute = day + 1, 0
    return None


def _minute(windows, day, minute):
    """The first open minute of a day from `minute` on, or None."""
    if not windows:
        return minute
    best = None
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    today, yesterday = 1 << weekday, 1 << (weekday + 6) % 7
    for days, start, end in windows:
        found = None
        if start > end and days & yesterday and minute <= end:
            found = minute
        elif days & today and (minute <= end or start > end):
            found = max(minute, start)
        if found is not None and (best is None or found < best):
            best = found
    return best
