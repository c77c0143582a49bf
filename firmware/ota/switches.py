# SPDX-License-Identifier: MIT
"""What the application has switched off, kept in the journal's fact `control` until it is over. Loaded with Control.

    {"off": [reason, deadline], "hold": [reason, deadline]}     the start of updates; the reset into what is installed

For a deadline see deadline.py. Time spent is written once an hour.
"""

from ota import deadline
from ota.errors import FlashError, JobError
from ota.log import log
from ota.port import const

NAMES = ("off", "hold")
_OFF_S = const(604800)
_SAVE_S = const(3600)  # time that a loss of power may undo
_REASON = const(40)  # characters


class Switches:
    """`get(name)`: [reason, deadline] of what is off, None: it is on. Setting `off_s`: seconds where none are named."""

    def __init__(self, board, journal):
        self._board = board
        self._journal = journal
        self._facts = {}
        self._since_save_s = self._rest_ms = 0
        known = journal.get("control")
        for name in NAMES if isinstance(known, dict) else ():
            value = known.get(name)
            if isinstance(value, list) and len(value) == 2 and deadline.is_deadline(value[1]):
                self._facts[name] = [str(value[0]), list(value[1])]
                deadline.spend(self._facts[name][1], deadline.BOOT_S, board.now())

    def get(self, name):
        return self._facts.get(name)

    def off(self, name, reason, until=None):
        """`until`: unix second. What is said again, perhaps in a loop, does not begin anew."""
        known = self._facts.get(name)
        reason = str(reason)[:_REASON] or "busy"
        if known and known[0] == reason and until is None:
            return
        end = deadline.make(self._board.number("off_s", _OFF_S), self._board.now(), until)
        if known != [reason, end]:
            self._facts[name] = [reason, end]
            self._save()

    def on(self, name):
        if self._facts.pop(name, None):
            self._save()

    def spend(self, ms):
        """The time that has passed: what is over is on again."""
        seconds = (self._rest_ms + ms) // 1000
        self._rest_ms = (self._rest_ms + ms) % 1000
        self._since_save_s += seconds
        now = self._board.now()
        for name in NAMES:
            if name in self._facts:
                reason, end = self._facts[name]
                deadline.spend(end, seconds, now)
                if deadline.is_over(end, now):
                    log("control", "over", name, "reason", reason)
                    self.on(name)
        if self._facts and self._since_save_s >= _SAVE_S:
            self._save()

    def _save(self):
        self._since_save_s = 0
        facts = {name: [self._facts[name][0], self._facts[name][1][:]] for name in self._facts}
        try:  # empty it stays there: so a board that has used it loads it, and tells the cloud at each start
            self._journal.save(control=facts)
        except (FlashError, JobError) as error:  # then it holds as long as the power does
            log("warning", "code", error.code)
