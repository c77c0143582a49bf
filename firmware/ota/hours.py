# SPDX-License-Identifier: MIT
"""What time it is for jobs: local time, the product's own rules, and when to ask the policy again.

Loaded where the product or a job has rules about time. Settings in NVS "ota_cfg": `tz`, a POSIX TZ string (UTC without
one), and `ntp_host` (see clock.py).

What is wrong with the settings must not cut a board off from its updates, which may be what mends it. So a rule that
cannot be read, or would hold everything for half a year, does not count, and a time zone that cannot be read is UTC.
It is told on the console, and to the cloud with each job.
"""

from ota import schedule
from ota.errors import JobError, OtaError
from ota.log import log
from ota.policy import REFUSE, WAIT
from ota.port import const, forget, ticks_diff, ticks_ms
from ota.zone import Zone

_NOTHING = (None, 0, False)
_ASK_CLOCK_MS = const(300000)  # between two questions to a time server, each of which may block for some seconds


class Hours:
    """`when`: the product's rules as text (when.py), "" for none."""

    def __init__(self, board, when=""):
        self._board = board
        self._asked_clock = None
        self._waits = {}  # kind of a track -> when it asked, until when it waits, whether it was forced then
        self._unreadable = ""
        self._rules = self._read(self._parse, when) if when else None
        self._zone = self._read(Zone, board.text("tz", "UTC0")) or Zone("UTC0")

    def ask(self, track):
        """(unix seconds or None, Zone, the product's Rules or None, whether it is forced), for the policy."""
        now, rules = self._now(), self._rules
        trouble = self._unreadable
        if rules and now is not None and schedule.holds_too_long(rules, now, self._zone):
            rules = None
            trouble = "when_too_long"
            log("warning", "code", trouble)
        track.reporter.trouble = trouble
        self._waits[track.kind] = now, 0, track.forced
        return now, self._zone, rules, track.forced

    def look(self, forced):
        """The same without a question to anybody, and without a trace."""
        return self._board.now(), self._zone, self._rules, forced

    def wait(self, track, reason, until):
        """Notes for how long a track has to wait; `until` as from the policy."""
        asked, _, forced = self._waits[track.kind]
        self._waits[track.kind] = asked, until, forced
        log("idle", "reason", reason, *(("until", until) if until else ()))

    def is_due(self, track):
        """Whether what a track waits for may have come: the time, the clock, or an order."""
        asked, until, forced = self._waits.get(track.kind, _NOTHING)
        if until == 0 or forced != track.forced:
            return True
        now = self._now()
        if until is None:
            return now is not None
        return now is None or now < asked or now >= until

    def hold(self, track, job):
        """Whether the reset into what a track has installed has to wait.

        Raises JobError when it may not come at all any more.
        """
        if track.pending and not self.is_due(track):
            return True
        verdict, reason, until = schedule.may_restart(job.rules, *self.ask(track))
        if verdict == REFUSE:
            raise JobError(reason)
        if verdict == WAIT:
            track.pending = job
            self.wait(track, reason, until)
        return verdict == WAIT

    def check(self, job):
        """While a job is under way. Raises JobError once its validity is over."""
        if not schedule.still_valid(job.rules, self._board.now()):
            raise JobError("validity_over")

    def _now(self):
        """Unix seconds, None while nobody knows; then a time server is asked now and then."""
        now = self._board.now()
        if now is None and (self._asked_clock is None or ticks_diff(ticks_ms(), self._asked_clock) > _ASK_CLOCK_MS):
            from ota import clock

            clock.ask(self._board)
            self._asked_clock = ticks_ms()
            now = self._board.now()
        return now

    def _read(self, parse, text):
        try:
            return parse(text)
        except OtaError as error:
            self._unreadable = error.text()
            log("warning", "code", error.code, "text", error.detail)
            return None

    @staticmethod
    def _parse(text):
        from ota import when

        forget("ota.when")
        return when.parse(text)
