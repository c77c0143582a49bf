# SPDX-License-Identifier: MIT
"""A budget for what wears flash: so many starts a day may erase. Loaded where it is spent.

In the journal of a track: `wear`: day since 1970 (0 without a clock) * 1024 + starts that have erased; it is written
with the start itself (attempts.py). A spent one rests to the end of that day, without a clock for a day of power: in
the fact `control`, "rest": {kind: deadline}, see deadline.py. One that is left from another day does not count.
Setting in NVS "ota_cfg": `wear_budget`, 48, 0 for no limit: the 100,000 erases that a sector stands are then enough for
five years of nothing but that.
"""

from ota import deadline
from ota.port import const
from ota.switches import keep

_DAY = const(1024)  # these as in attempts.py
_DAY_S = const(86400)


class Rest:
    """Of a track whose budget is spent. `journal`: of firmware, which has the fact `control`."""

    def __init__(self, track, board, journal):
        self._track = track
        self._journal = journal
        now = board.now()
        day = (track.journal.get("wear") or 0) // _DAY
        until = (day + 1) * _DAY_S if day else None
        end = self._known().get(track.kind)
        if isinstance(end, list) and deadline.is_deadline(end) and (end[0] == until or not day):
            self._end = list(end)
            deadline.spend(self._end, deadline.BOOT_S, now)
        else:
            self._end = deadline.make(_DAY_S, now, until)
            self.save()

    def gate(self):
        """See ota.gating; nobody can force it."""
        return "wear_budget", False, "wear_budget", self._end[0], True

    def spend(self, seconds, now):
        """So much time has passed; returns whether it is over."""
        deadline.spend(self._end, seconds, now)
        if not deadline.is_over(self._end, now):
            return False
        self._track.journal.keep(wear=None)
        rest = self._known()
        rest.pop(self._track.kind, None)
        keep(self._journal, rest=rest or None)
        return True

    def save(self):
        rest = self._known()
        rest[self._track.kind] = self._end[:]
        keep(self._journal, rest=rest)

    def _known(self):
        return dict((self._journal.get("control") or {}).get("rest") or {})
