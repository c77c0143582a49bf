# SPDX-License-Identifier: MIT
"""What keeps an update from starting, or its reset from coming: gates, and who is above them. Loaded with Control.

A gate is (name, is open, reason, until, is hard). Those of people come first: the operator's switch, the product's, a
pause; then the product's own (gates.py has some ready). What is forced passes whatever is not hard. Whoever forces by
his own word, the operator or the application, passes the operator's switch too; a job that was put off for too long
(deferral.py) does not.
"""

import binascii

from ota.deferral import Deferral, kind_of
from ota.port import const, print_exception
from ota.switches import Switches

_CRITICAL = const(0)
_OF_START = ("operator", "updates", "requires", "spread", "wear_budget")  # what has started is through these
_NEVER = const(-1)
_BUDGET = const(48)  # these as in attempts.py
_DAY = const(1024)
_DAY_S = const(86400)
_SAVE_S = const(3600)  # time that a loss of power may undo


class Gating:
    """`is_forced`: by the cloud. `is_allowed`: by the operator."""

    def __init__(self, agent):
        self._agent = agent
        journal = agent.tracks[0].journal
        self.switches = Switches(agent.board, journal)
        self.deferral = Deferral(agent.board, journal)
        self.is_paused = self.is_forced = False
        self.is_allowed = True
        self.wanted = {}  # kind -> id of the job that is to start now
        self._checks = []
        self._rests = {}  # kind -> wear.Rest, where the budget is spent
        self._spread_s = agent.board.number("spread_s", 0)
        self._budget = agent.board.number("wear_budget", _BUDGET)
        self._answers = None  # of the checks, since the last second
        self._told = {}  # kind -> why it has to wait, as was told last
        self._since_save_s = self._rest_ms = 0

    def add(self, name, check, is_hard):
        self._checks.append((name, check, is_hard))
        self._answers = None

    def spend(self, ms):
        """The time that has passed; the gates may have moved."""
        self._answers = None
        seconds = (self._rest_ms + ms) // 1000
        self._rest_ms = (self._rest_ms + ms) % 1000
        self._since_save_s += seconds
        self.switches.spend(seconds)
        self.deferral.spend(seconds)
        for kind in list(self._rests):
            if self._rests[kind].spend(seconds, self._agent.board.now()):
                del self._rests[kind]
        if self._since_save_s >= _SAVE_S:
            self._since_save_s = 0
            if self.switches.is_active:
                self.switches.save()
            if self.deferral.is_active:
                self.deferral.save()
            for rest in self._rests.values():
                rest.save()

    def _terms(self, job):
        """Gates that the job itself brings."""
        gates = []
        if job is None:
            return gates
        terms = job.terms
        unmet = terms.unmet(self._agent.tracks[0].running) if terms else ""
        if unmet:
            gates.append(self._requires(terms, unmet))
        if job.kind in self._rests:
            gates.append(self._rests[job.kind].gate())
        spread = self._spread_s if terms is None or terms.spread is None else terms.spread
        if spread and (terms is None or terms.severity != _CRITICAL):
            after = binascii.crc32(self._agent.board.name.encode()) % spread
            gates.append(("spread", self.deferral.has_turn(job, after), "spread", 0, True))
        return gates

    def _begin_rest(self, track):
        from ota.wear import Rest

        agent = self._agent
        now = agent.board.now()
        if now is None or track.journal.get("wear") // _DAY == now // _DAY_S:  # today
            self._rests[track.kind] = Rest(track, agent.board, agent.tracks[0].journal)

    def _requires(self, terms, unmet):
        """Firmware that is on its way will do, or the job is refused: nobody knows when there will be some."""
        comes = self._agent.tracks[0].pending
        if comes and not terms.unmet((comes.title, comes.version)):
            return "requires", False, unmet, 0, True
        return "requires", False, "runtime_too_old: " + unmet, _NEVER, True

    def all(self, job=None):
        """Every gate, for this job. Touches nothing but the product's checks, each once a second at most."""
        if self._answers is None:
            self._answers = [ask(*check) for check in self._checks]
        off = self.switches.get("off") or ("", (0, 0))
        is_ordered = self.is_forced or (job is not None and self.wanted.get(job.kind) == job.id)
        return (
            self._terms(job)
            + [
                ("operator", self.is_allowed, "disabled: by the operator", 0, not is_ordered),
                ("updates", not off[0], "disabled: " + off[0], off[1][0], False),
                ("pause", not self.is_paused, "paused", 0, False),
            ]
            + self._answers
        )

    def is_above(self, job):
        """Whether soft gates do not count for this job."""
        return self.is_forced or self.wanted.get(job.kind) == job.id or self.deferral.is_over(job)

    def forget(self, kind):
        """Neither an order nor how long it was put off outlives an offer that was taken back."""
        self.wanted.pop(kind, None)
        self.deferral.forget(kind)

    def closed(self, track, job):
        """What keeps `job` from starting, as policy.decide wants it; notes on the track whether it is forced."""
        track.forced = self.is_above(job)
        if 0 < self._budget <= (track.journal.get("wear") or 0) % _DAY and track.kind not in self._rests:
            self._begin_rest(track)
        closed = shut(self.all(job), track.forced)
        self._told[track.kind] = kind_of(closed[0][2]) if closed else ""
        return closed

    def is_due(self, track):
        """Whether what `track` waits for may have come."""
        told = self._told.get(track.kind)
        closed = self.closed(track, track.pending)
        return not closed or kind_of(closed[0][2]) != told

    def holds(self, track, job):
        """Why the reset into what was installed has to wait, and until when: (reason, unix second), None: it need not.

        The product's gates are asked too: a battery that is too low for a download is for a reset into something new.
        """
        track.forced = self.is_above(job)
        gates = [gate for gate in shut(self.all(job), track.forced) if gate[0] not in _OF_START]
        hold = self.switches.get("hold")
        if hold and not track.forced:
            return "reset held: " + hold[0], hold[1][0]
        return gates[0][2:4] if gates else None


def shut(gates, is_forced):
    """Those that are closed and count."""
    return [gate for gate in gates if not gate[1] and (gate[4] or not is_forced)]


def ask(name, check, is_hard):
    try:
        answer = check()
        if not isinstance(answer, tuple):
            answer = (answer,)
        is_open, reason, until = (answer + ("", 0))[:3] if len(answer) < 3 else answer[:3]
        return name, bool(is_open), str(reason) or name, max(until, 0) if isinstance(until, int) else 0, is_hard
    except Exception as error:  # a bug of the product's delays an update, as long as anything may that is not hard
        print_exception(error)
        return name, False, "gate_failed: " + name, 0, False
