# SPDX-License-Identifier: MIT
"""Runs one case: a board, its cloud, the story's offers, the faults; to the end, whatever happens on the way.

Bounded in boots, in virtual time and in what is recorded: a run that does not end is an outcome, never a hang.
"""

import functools
from collections import defaultdict
from collections.abc import Mapping

from simulator.board.flash import Flash
from simulator.board.inprocess import InProcess
from simulator.board.lockstep import Lockstep, at_bench
from simulator.board.net import EPOCH_MS
from simulator.board.story import says
from simulator.breakage import TITLE
from simulator.campaign import application, clock_faults, cuts, flash_faults, mqtt_faults, network, stories  # noqa: F401
from simulator.campaign.case import Case
from simulator.campaign.outcome import TERMINAL, Outcome
from simulator.campaign.recorder import Endless, Recorder
from simulator.clouds.thingsboard import ThingsBoard

_SETTINGS = {"token": "campaign-secret-token", "trial_s": 30}
_JOIN_MS = 60  # a Wi-Fi that is quick to join: waiting for it teaches nothing, and a run has four boots or more
_STEP_S = 4000  # virtual time for one offer: patience of the agent with a dead link included
_LINGER_S = 0.2
# Flash of runs that are over, by size: a new megabyte takes as long to get as two boots.
_spare: defaultdict[int, list[bytearray]] = defaultdict(list)
_BOOTS = 40  # of one offer; a cut costs one or two
CYCLES = 2


class Run:
    """`twin` (flash, net, board, clock, site, story), `cloud`, `device`: what faults may look at and change.

    `observers`: functions (kind, address, size) -> Tear or None, as `Flash.on_op`; all are asked in turn.
    """

    def __init__(self, case: Case, firmware: Mapping[str, bytes] | None = None) -> None:
        self.case = case
        self.token = _SETTINGS["token"]
        self.story = stories.find(case.story)
        self.cycles = CYCLES
        self.recorder = Recorder(self.story)
        self.observers = self.recorder.observers
        self.cloud = ThingsBoard(seed=case.seed, now_ms=EPOCH_MS)
        self.device = self.cloud.add_device("board-1", self.token)
        interpreter = InProcess(firmware or stories.sources(), case.seed, stories.overlays(self.story))
        cells = _board(case.story)
        self._cells = _spare[len(cells)].pop() if _spare[len(cells)] else bytearray(len(cells))
        self._cells[:] = cells
        flash = Flash(len(cells), cells=self._cells)
        self.twin = Lockstep(interpreter, flash, self.cloud, on_event=self.recorder.add)
        self.twin.site.join_ms = _JOIN_MS
        self.recorder.attach(self.twin, self.cloud)
        for fault in case.make_faults():
            fault.attach(self)

    def give_back(self) -> None:
        """Nobody looks at this run's flash any more."""
        _spare[len(self._cells)].append(self._cells)

    def play(self) -> Outcome:
        """The whole case."""
        ends, stop, open_files = [], "", 0
        with self.twin:
            try:
                for steps in self.story.offers():
                    offered, stop = self._offer(steps)
                    ends += offered
                    if stop:
                        break
                boots, open_files = self.twin.board.boots, self.twin.board.open_files
                if not stop:
                    stop = self._cycle()
            except Endless:
                boots, stop = self.twin.board.boots, "stuck"
        return Outcome.of(self, ends, stop, boots, open_files)

    def _offer(self, steps: list[stories.Step]) -> tuple[list[str], str]:
        """(how each of them ended, "" or why the run stops here)."""
        since = len(self.recorder.entries)
        for step in steps:
            title = TITLE if step.kind == "FIRMWARE" else application.TITLE
            package = self.cloud.add_package(title, step.version, stories.package(step), type=step.kind)
            self.recorder.note({"event": "offer", "version": step.version, "kind": step.kind})
            self.cloud.assign(self.device, package, self.twin.now_ms)
        stop = self._until(lambda event: says(event, "reported") and all(self._ends(since, s.kind) for s in steps))
        if not stop:
            stop = self._linger(since)
        ends = [self._ends(since, step.kind) for step in steps]
        return [told[-1] if told else "stuck" for told in ends], stop

    def _until(self, condition, boots: int = _BOOTS) -> str:
        """Runs on, with the power coming back after each cut. Returns "", "stuck" or "unbootable"."""
        board = self.twin.board
        last, deadline = board.boots + boots, self.twin.clock.now_ms() + _STEP_S * 1000
        while True:
            left_s = (deadline - self.twin.clock.now_ms()) / 1000
            if left_s <= 0 or board.boots >= last:
                return "stuck"
            if self.twin.run(condition, timeout_s=left_s, max_boots=last - board.boots):
                return ""
            if self.twin.why == "no_boot":
                return "unbootable"
            if self.twin.why in ("idle", "asleep"):
                return "stuck"

    def _cycle(self) -> str:
        """More power cycles: does it stay that way? Before the second one the last offer is taken back."""
        for number in range(self.cycles):
            if number:
                stop = self._take_back()
                if stop:
                    return stop
            self.recorder.note({"event": "cycle"})
            self.twin.cut()
            stop = self._until(lambda event: says(event, "idle"), boots=3)
            if stop:
                return stop
            self.twin.run_for(_LINGER_S)
        return ""

    def _take_back(self) -> str:
        """Nothing is offered any more, and the board says so of each kind. Returns "", "stuck" or "unbootable"."""
        entries, kinds = self.recorder.entries, self.story.kinds
        since = len(entries)
        for kind in kinds:
            self.cloud.unassign(self.device, kind, self.twin.now_ms)
        stop = self._until(lambda _: sum(says(entry, "idle") for entry in entries[since:]) >= len(kinds))
        return stop or self._linger(since)

    def _linger(self, since: int) -> str:
        """Lets a moment pass, in which the power may go once more. Returns "", "stuck" or "unbootable"."""
        while True:
            self.twin.run_for(_LINGER_S)
            if self.twin.why != "power_cut":
                return ""
            stop = self._until(lambda event: says(event, "idle", "offline"), boots=self._boots_left(since))
            if stop:
                return stop

    def _boots_left(self, since: int) -> int:
        return _BOOTS - sum(entry["event"] == "boot" for entry in self.recorder.entries[since:])

    def _ends(self, since: int, kind: str) -> list[str]:
        """The terminal reports of this kind since then, each as "updated", "rolled_back" or "failed"."""
        prefix = stories.KINDS[kind]
        told = [entry["values"] for entry in self.recorder.entries[since:] if entry["event"] == "telemetry"]
        return [_end(values, prefix) for values in told if values.get(f"{prefix}_state") in TERMINAL]


def _end(values: dict, prefix: str) -> str:
    if values[f"{prefix}_state"] == "UPDATED":
        return "updated"
    return "rolled_back" if values.get(f"{prefix}_error", "").startswith("rolled_back") else "failed"


def execute(case: Case, firmware: Mapping[str, bytes] | None = None) -> Outcome:
    """Plays a case. `firmware`: other sources than ours, for the planted bugs. Raises UserError for a bad case."""
    run = Run(case, firmware)
    outcome = run.play()
    run.give_back()
    clean = _clean(case.story) if case.faults or firmware else outcome
    outcome.clean_boots, outcome.clean_files_written = clean.boots, clean.files_written
    return outcome


@functools.cache
def _board(name: str) -> bytes:
    """All of the flash that the story begins with."""
    story = stories.find(name)
    if story.before:
        earlier = Run(Case(story.before))
        earlier.play()
        return earlier.twin.flash.peek(0, earlier.twin.flash.size)
    flash = at_bench(stories.image(stories.OLD), _SETTINGS, story.board)
    stories.prepare(story, flash)
    return flash.peek(0, flash.size)


@functools.cache
def _clean(story: str) -> Outcome:
    return Run(Case(story)).play()
