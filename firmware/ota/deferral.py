# SPDX-License-Identifier: MIT
"""How often and how long a job was put off; in the end it is not any more. Loaded with Control.

In the journal's fact `control`: "defer": {kind: [job id, deadline, count, reason]}, for a deadline see deadline.py.
A fifth part is the deadline that ends the wait for its turn in the fleet.
Each kind of reason why a job has to wait counts once, until there is another. The first few are written at once,
others with the hour (gating.py): a gate that flickers must not wear the flash. Seconds until it is forced: what the job
says (`max_defer`), else by its severity the settings `defer_crit_s`, `defer_mand_s`, `defer_s`.
"""

from ota import deadline
from ota.log import log
from ota.port import const
from ota.switches import keep

_SETTINGS = (("defer_crit_s", 3600), ("defer_mand_s", 86400), ("defer_s", 604800))
_OPTIONAL = const(2)
_WRITTEN = const(8)


def kind_of(reason):
    """A reason without its figures, which may be others every second: of "link_weak: -90 dBm" they are not news."""
    for char in "0123456789.-":  # not those of the reason: each would stay in memory as a name
        reason = reason.replace(char, "")
    return reason


class Deferral:
    """Of jobs, one of each kind."""

    def __init__(self, board, journal):
        self._board = board
        self._journal = journal
        self._by = {}  # kind -> seconds with which the deadline was made
        known = (journal.get("control") or {}).get("defer")
        self._known = {}
        for kind, fact in (known if isinstance(known, dict) else {}).items():
            if isinstance(fact, list) and len(fact) > 3 and all(map(deadline.is_deadline, fact[1::3])):
                self._known[kind] = [str(fact[0]), list(fact[1]), int(fact[2]), str(fact[3])]
                self._known[kind] += [list(turn) for turn in fact[4:5]]
        self.spend(deadline.BOOT_S)

    def put_off(self, job, terms, reason):
        """It has to wait. Counts when the reason is another one than before."""
        fact = self._begun(job, terms)
        if kind_of(fact[3]) != kind_of(reason):
            fact[2] += 1
            fact[3] = reason
            log("deferred", "reason", reason, "count", fact[2])
            if fact[2] <= _WRITTEN:
                self.save()

    def most(self, terms):
        """Seconds that a job with these terms may be put off."""
        if terms is not None and terms.max_defer is not None:
            return terms.max_defer
        name, default = _SETTINGS[_OPTIONAL if terms is None or terms.severity is None else terms.severity]
        return self._board.number(name, default)

    def has_turn(self, job, seconds):
        """Whether the job's turn has come: so many seconds after it was asked for first, over resets too."""
        fact = self._begun(job, job.terms)
        if len(fact) == 4:
            fact.append(deadline.make(seconds, self._board.now()))
        return deadline.is_over(fact[4], self._board.now())

    def is_over(self, job):
        if job.terms is not None and job.terms.max_defer == 0:
            return True  # never begun: it may not be put off at all
        fact = self._fact(job)
        return fact is not None and deadline.is_over(fact[1], self._board.now())

    def count(self, job):
        fact = self._fact(job)
        return fact[2] if fact else 0

    def end(self, job):
        """The unix second, 0 where nobody knows it or the job was not put off."""
        fact = self._fact(job)
        return fact[1][0] if fact else 0

    def spend(self, seconds):
        now = self._board.now()
        for kind in self._known:
            for end in self._known[kind][1::3]:
                deadline.spend(end, seconds, now)

    def forget(self, kind):
        """It has ended."""
        if self._known.pop(kind, None):
            self.save()

    @property
    def is_active(self):
        return bool(self._known)

    def save(self):
        facts = {}
        for kind, fact in self._known.items():
            facts[kind] = [part[:] if isinstance(part, list) else part for part in fact]
        keep(self._journal, defer=facts or None)

    def _begun(self, job, terms):
        """The fact of a job. It waits from the first time on, however often its terms are others since then."""
        most = self.most(terms)
        fact = self._known.get(job.kind)
        if fact is None or fact[0] != job.id:
            fact = self._known[job.kind] = [job.id, deadline.make(most, self._board.now()), 0, ""]
            before = most
        else:  # after a reset nobody knows the terms by which it was made, but more than they say now is left of others
            before = self._by.get(job.kind, max(most, fact[1][1]))
        self._by[job.kind] = most
        if most != before:
            deadline.move(fact[1], most - before)
            self.save()  # or a reset brings the old one back
        return fact

    def _fact(self, job):
        fact = self._known.get(job.kind) if job else None
        return fact if fact and fact[0] == job.id else None
