# SPDX-License-Identifier: MIT
"""Many cases at once: what begins alike is played once.

Up to its first power cut a case is like the story without it, up to its second one like the case of the first alone.
So the cases are a tree: at each flash operation where some of them lose their power the run is kept (snapshot.py), and
from there each of them goes on with its own cut. Of cuts that leave the very same cells behind one is played, for all
that follows is the same. A record is what `execute` gives for its case alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from simulator.board.flash import Tear
from simulator.campaign.case import Case
from simulator.campaign.cuts import Cut
from simulator.campaign.outcome import Outcome, record_like
from simulator.campaign.run import Run, execute, judged
from simulator.campaign.snapshot import Snapshot

Group = tuple[str, int, tuple[str, ...]]


def start(case: Case) -> str | None:
    """Where its power goes first; None if it has other faults, or none, and so is played for itself."""
    texts = [text for text in case.faults if not text.startswith("cycles=")]
    if not texts or not all(text.startswith("cut=") for text in texts):
        return None
    return f"{case.story} {case.seed} {texts[0].partition(':')[0]}"


def records(cases: Sequence[Case]) -> list[dict]:
    """The record of each, in their order. Raises UserError for a bad case."""
    found: dict[int, dict] = {}
    groups: defaultdict[Group, list[_Branch]] = defaultdict(list)
    for number, case in enumerate(cases):
        if start(case):
            others = tuple(text for text in case.faults if not text.startswith("cut="))
            groups[case.story, case.seed, others].append(_Branch.of(number, case))
        else:
            found[number] = execute(case).record()
    for (story, seed, others), branches in groups.items():
        found |= _leaves(Run(Case(story, seed, others)), branches)
    return [found[number] for number in range(len(cases))]


@dataclass(frozen=True)
class _Branch:
    """`number` of a case in the list; `cuts` are those that are still to come, the next one first."""

    number: int
    case: Case
    cuts: tuple[Cut, ...]

    @classmethod
    def of(cls, number: int, case: Case) -> "_Branch":
        """Of two cuts at one operation the first one strikes."""
        at: dict[int, Cut] = {}
        for fault in case.make_faults():
            if isinstance(fault, Cut):
                at.setdefault(fault.at, fault)
        return cls(number, case, tuple(at[n] for n in sorted(at)))

    def rest(self) -> "_Branch":
        """Behind its next cut."""
        return _Branch(self.number, self.case, self.cuts[1:])


class _Enough(Exception):
    """Nobody wants to know how this run goes on."""


class _Watch:
    """Observes a run until each branch has left it at its next cut."""

    def __init__(self, run: Run, branches: Iterable[_Branch]) -> None:
        self._run = run
        self._left = {branch.cuts[0].at if branch.cuts else 0 for branch in branches}
        self.found: dict[int, Snapshot] = {}

    def __call__(self, kind: str, address: int, size: int) -> Tear | None:
        number = self._run.recorder.number
        if number in self._left:
            self._left.remove(number)
            self.found[number] = Snapshot(self._run)
        if not self._left:
            raise _Enough
        return None


def _leaves(run: Run, branches: list[_Branch]) -> Iterator[tuple[int, dict]]:
    """(number, record) of each case."""
    watch = _Watch(run, branches)
    run.observers.append(watch)
    try:
        outcome = run.play()
    except _Enough:
        outcome = None
    run.give_back()
    if outcome:
        ended = [branch for branch in branches if not branch.cuts or branch.cuts[0].at not in watch.found]
        yield from _recorded(outcome, ended)
    for number, snapshot in watch.found.items():
        same: defaultdict[bytes, list[_Branch]] = defaultdict(list)
        for branch in branches:
            if branch.cuts and branch.cuts[0].at == number:
                same[branch.cuts[0].leaves(snapshot.operation)].append(branch.rest())
        for cells, group in same.items():
            yield from _leaves(snapshot.cut(cells), group)


def _recorded(outcome: Outcome, branches: Iterable[_Branch]) -> Iterator[tuple[int, dict]]:
    """What the first of these cases has shown; it is the same for the others."""
    record: dict | None = None
    for branch in branches:
        if record is None:
            outcome.case = branch.case
            record = judged(outcome).record()
            yield branch.number, record
        else:
            yield branch.number, record_like(record, branch.case)
