# SPDX-License-Identifier: MIT
"""Runs one case: a board, its cloud, the story's offers, the faults; to the end, whatever happens on the way.

Bounded in boots, in virtual time and in what is recorded: a run that does not end is an outcome, never a hang.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from simulator.board.chip import HARD, WATCHDOG
from simulator.board.flash import SECTOR, Flash
from simulator.board.inprocess import InProcess
from simulator.board.lockstep import Lockstep, at_bench
from simulator.board.power import Event
from simulator.campaign import (  # noqa: F401 (faults register themselves)
    clock_faults,
    cuts,
    datagram_faults,
    flash_faults,
    mqtt_faults,
    network,
    rainmaker_faults,
    stories,
)
from simulator.campaign.case import Case
from simulator.campaign.outcome import Outcome, record_like
from simulator.campaign.recorder import Endless, Recorder
from simulator.campaign.sides import SIDES, StorySide
from simulator.campaign.sides.story_side import TERMINAL
from simulator.campaign.stages import Offer, Stage, after_offers

_TRIAL_S = 30
_JOIN_MS = 60  # a Wi-Fi that is quick to join: waiting for it teaches nothing, and a run has four boots or more
# Flash of runs that are over, as their story begins: a new megabyte takes as long to get as two boots.
_spare: defaultdict[str, list[bytearray]] = defaultdict(list)
CYCLES = 2


class Run:
    """`twin` (flash, net, board, clock, site), `side` and its `cloud`: what faults may look at and change.

    `observers`: functions (kind, address, size) -> Tear or None, as `Flash.on_op`; all are asked in turn. `ends`: how
    each offer has ended; `stop`: "" or why the run ended early; `boots`, `open_files`: when the last offer had ended.
    """

    def __init__(self, case: Case, firmware: Mapping[str, bytes] | None = None) -> None:
        self.case = case
        self.story = stories.find(case.story)
        self.cycles = CYCLES
        self.ends: list[str] = []
        self.stop = ""
        self.boots = self.open_files = 0
        self.has_lost_power = self.is_halted = False
        self._halts = False
        self._stages: list[Stage] | None = None
        self.recorder = Recorder(self.story)
        self.observers = self.recorder.observers
        self.side = _side(self.story, case.seed)
        self.cloud = self.side.cloud
        sources = firmware or stories.sources()
        interpreter = InProcess(sources, case.seed, stories.overlays(self.story, sources))
        self.fresh_cells = partial(_fresh_cells, case.story)
        self.cells = self.fresh_cells()
        flash = Flash(len(self.cells), cells=self.cells)
        self.twin = Lockstep(interpreter, flash, on_event=self.recorder.add)
        self.side.serve(self.twin.net)
        self.twin.site.join_ms = _JOIN_MS
        self.recorder.attach(self.twin, self.side)
        for fault in case.make_faults():
            fault.attach(self)

    def give_back(self) -> None:
        """Nobody looks at this run any more. Its parts know each other: work for the garbage collector."""
        begin = _board(self.case.story)
        for start in (n * SECTOR for n in self.twin.flash.changed_sectors):
            self.cells[start : start + SECTOR] = begin[start : start + SECTOR]
        _spare[self.case.story].append(self.cells)
        for part in (self.recorder, self.cloud, self.twin.net, self.twin.chip, self.twin.board, self.twin, self):
            vars(part).clear()

    def play(self) -> Outcome:
        """The whole case; of a copy of a run (snapshot.py) the rest of it."""
        self._halts = self.is_halted = False
        self._play()
        return Outcome.of(self)

    def play_to_reset(self) -> Outcome | None:
        """The same, but only until the chip is reset while the story waits for something: there is no device now, and
        the run can be kept (snapshot.py). None if it came so far."""
        self._halts, self.is_halted = True, False
        self._play()
        return None if self.is_halted else Outcome.of(self)

    def halts(self, event: Event) -> bool:
        """Whether an event is that reset."""
        self.is_halted = self._halts and event["event"] == "reset" and event["cause"] in (HARD, WATCHDOG)
        return self.is_halted

    def _play(self) -> None:
        if self._stages is None:
            self._stages = [*map(Offer, self.story.offers()), *after_offers(self.cycles)]
        with self.twin:
            try:
                if self.has_lost_power:
                    self.has_lost_power = False
                    self.twin.cut()
                while self._stages and not self.stop and not self.is_halted:
                    stop = self._stages[0].turn(self)
                    self.stop = stop or ""
                    if stop == "":
                        del self._stages[0]
            except Endless:
                self.boots, self.stop = self.twin.board.boots, "stuck"

    def sum_up(self) -> None:
        """An offer has ended."""
        self.boots, self.open_files = self.twin.board.boots, self.twin.board.open_files

    def last_offer(self, kind: str) -> tuple[int, str]:
        """The place among the entries of the last offer of this kind, and its version."""
        entries = self.recorder.entries
        offers = [n for n, entry in enumerate(entries) if entry["event"] == "offer" and entry["kind"] == kind]
        return offers[-1], entries[offers[-1]]["version"]

    def ends_since(self, since: int, kind: str) -> list[str]:
        """The terminal reports of this kind since then, each as "updated", "rolled_back" or "failed"."""
        told = [entry for entry in self.recorder.entries[since:] if entry["event"] == "state"]
        return [entry["end"] for entry in told if entry["kind"] == kind and entry["end"] in TERMINAL]


def _side(story: stories.Story, seed: int = 0) -> StorySide:
    return SIDES[story.cloud].of(seed)


def execute(case: Case, firmware: Mapping[str, bytes] | None = None) -> Outcome:
    """Plays a case. `firmware`: other sources than ours, for the planted bugs. Raises UserError for a bad case."""
    run = Run(case, firmware)
    outcome = run.play()
    run.give_back()
    return judged(outcome, firmware)


@functools.cache
def _board(name: str) -> bytes:
    """All of the flash that the story begins with."""
    story = stories.find(name)
    if story.before:
        earlier = Run(Case(story.before))
        earlier.play()
        return earlier.twin.flash.peek(0, earlier.twin.flash.size)
    settings = {**_side(story).board(), "trial_s": _TRIAL_S, **dict(story.settings)}
    flash = at_bench(stories.image(stories.OLD), settings, story.board)
    stories.prepare(story, flash)
    return flash.peek(0, flash.size)


def _fresh_cells(story: str) -> bytearray:
    """The flash that a story begins with, to be changed."""
    return _spare[story].pop() if _spare[story] else bytearray(_board(story))


def judged(outcome: Outcome, firmware: Mapping[str, bytes] | None = None) -> Outcome:
    """The same one, with what a run without faults does."""
    clean = _clean(outcome.case.story) if outcome.case.faults or firmware else outcome
    outcome.clean_boots, outcome.clean_files_written = clean.boots, clean.files_written
    return outcome


def records_of(outcome: Outcome, cases: Iterable[tuple[int, Case]]) -> Iterator[tuple[int, dict]]:
    """(number, record) of each of these: what the first one has shown, and that it is the same for the others."""
    record: dict | None = None
    for number, case in cases:
        if record is None:
            outcome.case = case
            record = judged(outcome).record()
            yield number, record
        else:
            yield number, record_like(record, case)


@functools.cache
def _clean(story: str) -> Outcome:
    return Run(Case(story)).play()
