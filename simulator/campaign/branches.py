# SPDX-License-Identifier: MIT
"""Many cases at once: what begins alike is played once.

Up to its first power cut a case is like the story without it, up to its second one like the case of the first alone.
So the cases are a tree: at each flash operation where some of them lose their power the run is kept (snapshot.py), and
from there each of them goes on with its own cut. Of cuts that leave the very same cells behind one is played, for all
that follows is the same; of last cuts, too, that the next start mends to the same (torn_nvs.py); and so is one of runs
that are alike in everything when the next cut comes, as when what was torn in another way had to be erased and written
again. Those that break a link at some byte are in breaks.py. A record is what `execute` gives for its case alone.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from simulator.board.flash import Operation, Tear
from simulator.campaign import breaks, cuts, torn_nvs
from simulator.campaign.case import Case
from simulator.campaign.run import Run, execute, records_of
from simulator.campaign.sides import SIDES
from simulator.campaign.snapshot import LastCut, Snapshot
from simulator.campaign.stories import find

Group = tuple[str, int, tuple[str, ...]]
_SPAN = 24  # operations whose cuts are played together in a run that cannot be kept


def start(case: Case) -> str | None:
    """Where it goes its own way; None if it has other faults, or none, and so is played for itself."""
    if breaks.is_one(case):
        return breaks.start(case)
    texts = [text for text in case.faults if not text.startswith("cycles=")]
    if not texts or not all(text.startswith("cut=") for text in texts):
        return None
    if not _can_be_kept(case.story):
        is_one = len(texts) == 1
        return f"{case.story} {case.seed} {cuts.operation_of(texts[0]) // _SPAN}" if is_one else None
    return f"{case.story} {case.seed} {texts[0].partition(':')[0]}"


def _can_be_kept(story: str) -> bool:
    return SIDES[find(story).cloud].CAN_BE_KEPT


def records(cases: Sequence[Case]) -> list[dict]:
    """The record of each, in their order. Raises UserError for a bad case."""
    found: dict[int, dict] = {}
    groups: defaultdict[Group, list[_Branch]] = defaultdict(list)
    broken: defaultdict[Group, list[tuple[int, Case]]] = defaultdict(list)
    for number, case in enumerate(cases):
        if breaks.is_one(case):
            broken[case.story, case.seed, case.faults[:-1]].append((number, case))
        elif start(case):
            others = tuple(text for text in case.faults if not text.startswith("cut="))
            groups[case.story, case.seed, others].append(_Branch.of(number, case))
        else:
            found[number] = execute(case).record()
    for (story, seed, others), several in broken.items():
        found |= breaks.records(Case(story, seed, others), several)
    for (story, seed, others), branches in groups.items():
        begin = Run(Case(story, seed, others))
        found |= _leaves([(begin, branches)]) if _can_be_kept(story) else _apart(begin, branches)
    return [found[number] for number in range(len(cases))]


@dataclass(frozen=True)
class _Branch:
    """`number` of a case in the list; `cuts`: (operation, text) of those that are still to come, the next one first."""

    number: int
    case: Case
    cuts: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, number: int, case: Case) -> "_Branch":
        """Of two cuts at one operation the first one strikes."""
        at: dict[int, str] = {}
        for text in case.faults:
            if text.startswith("cut="):
                at.setdefault(cuts.operation_of(text), text)
        return cls(number, case, tuple(sorted(at.items())))

    @property
    def next(self) -> int:
        """The operation of its next cut, 0 if there is none."""
        return self.cuts[0][0] if self.cuts else 0

    @property
    def is_last(self) -> bool:
        """Whether its next cut is the last one."""
        return len(self.cuts) == 1

    def rest(self) -> "_Branch":
        """Behind its next cut."""
        return _Branch(self.number, self.case, self.cuts[1:])


class _Enough(Exception):
    """Nobody wants to know how this run goes on."""


class _Watch:
    """Observes a run until each branch has left it at its next cut."""

    def __init__(self, run: Run, branches: Iterable[_Branch]) -> None:
        self._run = run
        self._left = {branch.next for branch in branches}
        self.found: dict[int, Snapshot] = {}

    def __call__(self, kind: str, address: int, size: int) -> Tear | None:
        number = self._run.recorder.number
        if number in self._left:
            self._left.remove(number)
            self.found[number] = Snapshot(self._run)
        if not self._left:
            raise _Enough
        return None


def _leaves(starts: Iterable[tuple[Run, list[_Branch]]]) -> Iterator[tuple[int, dict]]:
    """(number, record) of each case. `starts`: runs that have gone different ways, each with what goes on from it."""
    kept: defaultdict[Snapshot | LastCut, list[_Branch]] = defaultdict(list)
    for run, branches in starts:
        watch = _Watch(run, branches)
        run.observers.append(watch)
        try:
            outcome = run.play()
        except _Enough:
            outcome = None
        run.give_back()
        if outcome:
            left = (branch for branch in branches if branch.next not in watch.found)
            yield from records_of(outcome, ((branch.number, branch.case) for branch in left))
        for branch in branches:
            if branch.next in watch.found:
                snapshot = watch.found[branch.next]
                kept[LastCut(snapshot) if branch.is_last else snapshot].append(branch)
    for place, branches in kept.items():
        snapshot = place.snapshot if isinstance(place, LastCut) else place
        parts = _parted(branches, snapshot.operation, snapshot.nvs)
        yield from _leaves((snapshot.cut(cells), rest) for cells, rest in parts)


def _apart(begin: Run, branches: Iterable[_Branch]) -> Iterator[tuple[int, dict]]:
    """The same of a run that cannot be kept: what each comes to is played from its beginning. All have one cut."""
    of_operation: defaultdict[int, list[_Branch]] = defaultdict(list)
    for branch in branches:
        assert branch.is_last, branch.case
        of_operation[branch.next].append(branch)
    parts: list[list[_Branch]] = []

    def part(kind: str, address: int, size: int) -> None:
        flash = begin.twin.flash
        here = of_operation.pop(begin.recorder.number, None)
        if here and flash.last:
            parts.extend(group for _, group in _parted(here, flash.last, torn_nvs.cells_of(flash)))

    begin.observers.append(part)
    outcome = begin.play()
    begin.give_back()
    left = (branch for several in of_operation.values() for branch in several)
    yield from records_of(outcome, ((branch.number, branch.case) for branch in left))
    for group in parts:
        run = Run(group[0].case)
        outcome = run.play()
        run.give_back()
        yield from records_of(outcome, ((branch.number, branch.case) for branch in group))


def _parted(branches: Iterable[_Branch], operation: Operation, nvs: bytes) -> Iterator[tuple[bytes, list[_Branch]]]:
    """(cells, rests of the branches whose next cut leaves them, or cells that come to the same)."""
    of_text: defaultdict[str, list[_Branch]] = defaultdict(list)
    for branch in branches:
        of_text[branch.cuts[0][1]].append(branch)
    cells_of: dict[Hashable, bytes] = {}
    parts: defaultdict[Hashable, list[_Branch]] = defaultdict(list)
    for text, group in of_text.items():
        cells = cuts.leaves(group[0].case, text, operation)
        is_last = any(branch.is_last for branch in group)
        come_to = (torn_nvs.comes_to(nvs, operation, cells),) if is_last else ()
        for branch in group:
            key = come_to if branch.is_last else cells
            cells_of.setdefault(key, cells)
            parts[key].append(branch.rest())
    for key, group in parts.items():
        yield cells_of[key], sorted(group, key=lambda branch: branch.number)
