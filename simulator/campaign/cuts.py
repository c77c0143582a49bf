# SPDX-License-Identifier: MIT
"""Power cuts: `cut=OPERATION:MODE`, and the lists of cases that put one everywhere.

OPERATION counts the flash operations of the run from 1, the bootloader's included. Modes:
  before   nothing of it happened
  after    all of it happened, nobody heard of it
  prefix   a first part, of random length
  random   a program: some of the bits of one page; an erase: each byte is old, erased or noise
  half     an erase: the first half is erased; a program: the low half of each byte
  byte     `cut=17:byte:5`: its first five bytes
"""

import itertools
import random
from collections.abc import Collection, Iterable, Iterator
from operator import itemgetter

from simulator.board import tear
from simulator.board.errors import PowerCut
from simulator.board.flash import Operation, Tear
from simulator.campaign.case import Case, fault
from simulator.errors import UserError

MODES = ("before", "after", "prefix", "random", "half")
ONCE = "cycles=0"
_TO_THE_END = 5  # one case in so many, where each is much like its neighbours
RECORDS = ("otadata", "nvs", "vfs")  # areas
_RECORD = 1024  # bytes; an operation on otadata or NVS that is not larger is also cut at every byte


@fault("cut")
class Cut:
    """The power goes at one flash operation: number `at`."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self.at, self._mode, self._bytes = _parse(arguments)
        self._rng = rng

    def attach(self, run) -> None:
        self._recorder = run.recorder
        run.observers.append(self._operation)

    def _operation(self, kind: str, address: int, size: int) -> Tear | None:
        if self._recorder.number != self.at:
            return None
        if self._mode == "before":
            raise PowerCut
        return self._tear(kind)

    def leaves(self, operation: Operation) -> bytes:
        """What the cells of this operation hold when the power has gone."""
        if self._mode == "before":
            return operation.old
        return self._tear(operation.kind)(operation.old, operation.new)

    def _tear(self, kind: str) -> Tear:
        if self._mode == "after":
            return tear.after
        if self._mode == "prefix":
            return tear.prefix(self._rng.random())
        if self._mode == "byte":
            return _first(self._bytes)
        if kind == "erase":
            return tear.erase(self._rng) if self._mode == "random" else tear.prefix(0.5)
        return tear.program(self._rng) if self._mode == "random" else _low_nibbles


def operation_of(text: str) -> int:
    """The number in a `cut=...`. Raises UserError("bad_case")."""
    return _parse(text.partition("=")[2].split(":"))[0]


def leaves(case: Case, text: str, operation: Operation) -> bytes:
    """What the cells of this operation hold after that cut of a case, the first one with this text."""
    cut = case.make_fault(text)
    assert isinstance(cut, Cut), text
    return cut.leaves(operation)


@fault("cycles")
class Cycles:
    """`cycles=N`: how often the power is switched off and on at the end, to see that all stays as it is."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        if arguments not in (["0"], ["1"], ["2"]):
            raise UserError("bad_case", f"cycles={':'.join(arguments)}: 0, 1 or 2")
        self._number = int(arguments[0])

    def attach(self, run) -> None:
        run.cycles = self._number


def _parse(arguments: list[str]) -> tuple[int, str, int]:
    at, mode, *rest = [*arguments, ""]
    count = rest[0] if mode == "byte" else "0"
    if not (at.isdecimal() and count.isdecimal()) or len(arguments) != (3 if mode == "byte" else 2):
        raise UserError("bad_case", f"cut={':'.join(arguments)} is not cut=OPERATION:MODE or cut=OPERATION:byte:COUNT")
    if mode not in (*MODES, "byte"):
        raise UserError("bad_case", f"{mode!r} is not one of {', '.join(MODES)}, byte")
    return int(at), mode, int(count)


def _low_nibbles(old: bytes, new: bytes) -> bytes:
    return bytes(a & (b | 0xF0) for a, b in zip(old, new, strict=True))


def _first(count: int) -> Tear:
    return lambda old, new: new[:count] + old[count:]


def everywhere(
    story: str, operations: list[dict], seed: int = 0, *, bytewise: Collection[str] = RECORDS
) -> Iterator[Case]:
    """One cut at each operation of a clean run, in each mode; small records in the areas `bytewise` at every byte."""
    for entry in operations:
        for mode in MODES:
            yield Case(story, seed, (f"cut={entry['number']}:{mode}",))
        if entry["area"] in bytewise:
            yield from at_bytes(story, [entry], seed)


def at_bytes(story: str, operations: list[dict], seed: int = 0) -> Iterator[Case]:
    """The part of these at each byte of small records."""
    for entry in operations:
        if entry["operation"] == "program" and entry["size"] <= _RECORD and not entry["area"].startswith("ota_"):
            for count in range(1, entry["size"]):
                yield Case(story, seed, (f"cut={entry['number']}:byte:{count}",))


def pairs(story: str, count: int, seed: int = 0, step: int = 1) -> Iterator[Case]:
    """Two cuts in all modes, at each two of `count` operations, or at one in `step` of these twos.

    They end with their offer. Those of the same first cut come together.
    """
    places = itertools.islice(itertools.combinations(range(1, count + 1), 2), 0, None, step)
    for first, group in itertools.groupby(places, key=itemgetter(0)):
        for one, (_, second), other in itertools.product(MODES, list(group), MODES):
            yield Case(story, seed, (ONCE, f"cut={first}:{one}", f"cut={second}:{other}"))


def brief(cases: Iterable[Case]) -> Iterator[Case]:
    """The same ones, every fifth to the very end, the others without the power cycles behind their last offer.

    Of single cuts those at every fifth operation, all of them: what is alike is played together.
    """
    number, last = -1, None
    for case in cases:
        is_cut = len(case.faults) == 1 and case.faults[0].startswith("cut=")
        at = case.faults[0].partition(":")[0] if is_cut else None
        number += at is None or at != last
        last = at
        is_long = ONCE not in case.faults
        yield Case(case.story, case.seed, (ONCE, *case.faults)) if is_long and number % _TO_THE_END else case


def many(story: str, count: int, number: int, seed: int = 0) -> Iterator[Case]:
    """`number` runs with 3 to 20 cuts each, somewhere; each depends on its own seed only."""
    for index in range(number):
        rng = random.Random(f"{story} {seed} {index}")
        at = sorted(rng.sample(range(1, 2 * count), rng.randint(3, 20)))
        yield Case(story, seed + index, tuple(f"cut={n}:{rng.choice(MODES)}" for n in at))
