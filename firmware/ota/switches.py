# SPDX-License-Identifier: MIT
"""What the application has switched off, kept in the journal's fact `control` until it is over. Loaded with Control.

    {"off": [reason, deadline], "hold": [reason, deadline]}     the start of updates; the reset into what is installed

For a deadline see deadline.py; "defer" is of deferral.py, "rest" of wear.py. The fact stays there when it is empty: so
a board that has ever used it loads it at each start, and tells its cloud.
"""

from ota import deadline
from ota.log import log
from ota.port import const

NAMES = ("off", "hold")
_OFF_S = const(604800)
_DAY_S = const(86400)
_REASON = const(40)  # characters


def keep(journal, **facts):
    """Changes some of the fact; None removes."""
    known = dict(journal.get("control") or {})
    for name in facts:
        known[name] = facts[name]
        if facts[name] is None:
            del known[name]
    journal.keep(control=known)


class Switches:
    """`get(name)`: [reason, deadline] of what is off, None: it is on. Setting `off_s`: seconds where none are named."""

    def __init__(self, board, journal):
        self._board = board
        self._journal = journal
        self._off = {}
        known = journal.get("control")
        for name in NAMES if isinstance(known, dict) else ():
            value = known.get(name)
            if isinstance(value, list) and len(value) == 2 and deadline.is_deadline(value[1]):
                self._off[name] = [str(value[0]), list(value[1])]
                deadline.spend(self._off[name][1], deadline.BOOT_S, board.now())

    def get(self, name):
        return self._off.get(name)

    def off(self, name, reason, until=None):
        """`until`: unix second; one that has passed switches on. What is said again, perhaps in a loop, is the same."""
        known = self._off.get(name)
        reason = str(reason)[:_REASON] or "busy"
        now = self._board.now()
        if until is not None and now is not None:
            if until <= now:
                self.on(name)
                return
            until = min(until, now // _DAY_S * _DAY_S + deadline.MOST_S)  # moves once a day
        if known is None or known[0] != reason or until not in (None, known[1][0]):
            end = deadline.make(self._board.number("off_s", _OFF_S), now, until)
            self._off[name] = [reason, end]
            self.save()

    def on(self, name):
        if self._off.pop(name, None):
            self.save()

    def spend(self, seconds):
        """The time that has passed: what is over is on again."""
        now = self._board.now()
        for name in NAMES:
            if name in self._off:
                reason, end = self._off[name]
                deadline.spend(end, seconds, now)
                if deadline.is_over(end, now):
                    log("control", "over", name, "reason", reason)
                    self.on(name)

    @property
    def is_active(self):
        return bool(self._off)

    def save(self):
        facts = {}
        for name in NAMES:
            known = self._off.get(name)
            facts[name] = known and [known[0], known[1][:]]
        keep(self._journal, **facts)
