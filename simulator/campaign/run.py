# SPDX-License-Identifier: MIT
"""Runs one case: a board, its cloud, the story's offers, the faults; to the end, whatever happens on the way.

Bounded in boots, in virtual time and in what is recorded: a run that does not end is an outcome, never a hang.
"""

import functools
from collections.abc import Mapping

from simulator.board.flash import Flash
from simulator.board.inprocess import InProcess
from simulator.board.lockstep import Lockstep, at_bench
from simulator.board.net import EPOCH_MS
from simulator.board.story import says
from simulator.breakage import TITLE
from simulator.campaign import clock_faults, cuts, flash_faults, mqtt_faults, network, stories  # noqa: F401 (faults)
from simulator.campaign.case import Case
from simulator.campaign.outcome import TERMINAL, Outcome
from simulator.campaign.recorder import Endless, Recorder
from simulator.clouds.thingsboard import ThingsBoard

_SETTINGS = {"token": "campaign-secret-token", "trial_s": 30}
_JOIN_MS = 60  # a Wi-Fi that is quick to join: waiting for it teaches nothing, and a run has four boots or more
_STEP_S = 4000  # virtual time for one offer: patience of the agent with a dead link included
_LINGER_S = 0.2
_BOOTS = 40  # of one offer; a cut costs one or two
CYCLES = 2


class Run:
    """`twin` (flash, net, board, clock, site, story), `cloud`, `device`: what faults may look at and change.

    `observers`: functions (kind, address, size) -> Tear or None, as `Flash.on_op`; all are asked in turn.
    """

    def __init__(self, case: Case, firmware: Mapping[str, bytes] | None = None) -> None:
        self.case = case
        self.firmware = firmware
        self.token = _SETTINGS["token"]
        self.story = stories.find(case.story)
        self.cycles = CYCLES
        self.recorder = Recorder([stories.OLD, *(step.version for step in self.story.steps)])
        self.observers = self.recorder.observers
        self.cloud = ThingsBoard(seed=case.seed, now_ms=EPOCH_MS)
        self.device = self.cloud.add_device("board-1", self.token)
        interpreter = InProcess(firmware or stories.sources(), case.seed, stories.overlays(self.story))
        cells = _board(self.story)
        self.twin = Lockstep(
            interpreter, Flash(len(cells), cells=bytearray(cells)), self.cloud, on_event=self.recorder.add
        )
        self.twin.site.join_ms = _JOIN_MS
        self.recorder.attach(self.twin, self.cloud)
        for fault in case.make_faults():
            fault.attach(self)

    def play(self) -> Outcome:
        """The whole case."""
        ends, stop = [], ""
        with self.twin:
            try:
                for step in self.story.steps:
                    end, stop = self._offer(step.version)
                    ends.append(end)
                    if stop:
                        break
                boots = self.twin.board.boots
                if not stop:
                    stop = self._cycle()
            except Endless:
                boots, stop = self.twin.board.boots, "stuck"
        return Outcome.of(self, ends, stop, boots)

    def _offer(self, version: str) -> tuple[str, str]:
        """(how it ended, "" or why the run stops here)."""
        package = self.cloud.add_package(TITLE, version, stories.image(version))
        self.recorder.note({"event": "offer", "version": version})
        self.cloud.assign(self.device, package, self.twin.now_ms)
        since = len(self.recorder.entries)
        stop = self._until(lambda event: says(event, "reported") and bool(self._ends(since)))
        while not stop:
            self.twin.run_for(_LINGER_S)
            if self.twin.why != "power_cut":
                break
            stop = self._until(lambda event: says(event, "idle", "offline"), boots=self._boots_left(since))
        ends = self._ends(since)
        return (ends[-1] if ends else "stuck"), stop

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
                self.cloud.unassign(self.device, "FIRMWARE", self.twin.now_ms)
                stop = self._until(lambda event: says(event, "idle"))
                if stop:
                    return stop
                self.twin.run_for(_LINGER_S)
            self.recorder.note({"event": "cycle"})
            self.twin.cut()
            stop = self._until(lambda event: says(event, "idle"), boots=3)
            if stop:
                return stop
            self.twin.run_for(_LINGER_S)
        return ""

    def _boots_left(self, since: int) -> int:
        return _BOOTS - sum(entry["event"] == "boot" for entry in self.recorder.entries[since:])

    def _ends(self, since: int) -> list[str]:
        """The terminal reports since then, each as "updated", "rolled_back" or "failed"."""
        told = [
            entry["values"]
            for entry in self.recorder.entries[since:]
            if entry["event"] == "telemetry" and entry["values"].get("fw_state") in TERMINAL
        ]
        return [_end(values) for values in told]


def _end(values: dict) -> str:
    if values["fw_state"] == "UPDATED":
        return "updated"
    return "rolled_back" if values.get("fw_error", "").startswith("rolled_back") else "failed"


def execute(case: Case, firmware: Mapping[str, bytes] | None = None) -> Outcome:
    """Plays a case. `firmware`: other sources than ours, for the planted bugs. Raises UserError for a bad case."""
    return judged(Run(case, firmware))


def judged(run: Run) -> Outcome:
    """Plays a run, and compares it with one without faults."""
    outcome = run.play()
    is_clean = not run.case.faults and run.firmware is None
    outcome.clean_boots = outcome.boots if is_clean else _clean_boots(run.case.story)
    return outcome


@functools.cache
def _board(story: stories.Story) -> bytes:
    """All of the flash that the story begins with."""
    flash = at_bench(stories.image(stories.OLD), _SETTINGS, stories.BOARD)
    stories.prepare(story, flash)
    return flash.peek(0, flash.size)


@functools.cache
def _clean_boots(story: str) -> int:
    return Run(Case(story)).play().boots
