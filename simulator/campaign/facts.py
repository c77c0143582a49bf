# SPDX-License-Identifier: MIT
"""Which flash operations write which facts of the journal, or a number: from a run, so a new one needs no list."""

from collections.abc import Iterator
from math import inf

from simulator.board.flash import Tear
from simulator.campaign.case import Case
from simulator.campaign.run import Run
from simulator.campaign.stories import KINDS

_USUAL = "update"  # the story whose facts every update writes
_ENTRY, _BITS, _KEY = 32, 4, slice(8, 24)  # bytes of an entry of NVS, of the states of some of them, of a key in one


class _Journal:
    """Observes a run: what is in the journal before each operation on NVS, [(number, sequence number, facts)]."""

    def __init__(self, run: Run, kind: str) -> None:
        self._recorder, self._kind = run.recorder, kind
        self.seen: list[tuple[int, int, dict]] = []
        run.observers.append(self._look)

    def _look(self, kind: str, address: int, size: int) -> Tear | None:
        if self._recorder.entries[-1]["area"] == "nvs":
            self.look()
        return None

    def look(self) -> None:
        self.seen.append((self._recorder.number, *self._recorder.journal(self._kind)))


def _parts(story: str) -> Iterator[tuple[int, tuple[str, int], set[str]]]:
    """(number of an operation, the record that it writes a part of, the facts that are others when that is there).

    Of a board with two journals that is the record which is there first.
    """
    run = Run(Case(story))
    journals = {kind: _Journal(run, kind) for kind in KINDS}
    run.play()
    for journal in journals.values():
        journal.look()
    for looks in zip(*(journal.seen for journal in journals.values()), strict=True):
        number = looks[0][0]
        nexts = [
            (next((it for it in journal.seen if it[1] > sequence), (inf, 0, facts)), kind, facts)
            for (kind, journal), (_, sequence, facts) in zip(journals.items(), looks, strict=True)
        ]
        (_, turn, after), kind, facts = min(nexts, key=lambda it: it[0][0])
        yield number, (kind, turn), {name for name in {*facts, *after} if facts.get(name) != after.get(name)}


def written(story: str) -> dict[int, set[str]]:
    """{number of an operation: the facts that are others when the record is there that it writes a part of}."""
    found: dict[int, set[str]] = {}
    for number, _, changed in _parts(story):
        found.setdefault(number, set()).update(changed)
    return found


def _usual() -> set[str]:
    return set().union(*written(_USUAL).values())


def beyond_usual(story: str) -> set[int]:
    """The operations that write a fact which an update alone does not."""
    usual = _usual()
    return {number for number, names in written(story).items() if names - usual}


def first_beyond_usual(story: str) -> set[int]:
    """Those of them that write the first record of such a fact."""
    usual = _usual()
    first: dict[str, tuple[str, int]] = {}
    found: set[int] = set()
    for number, record, changed in _parts(story):
        for name in changed - usual:
            if first.setdefault(name, record) == record:
                found.add(number)
    return found


def of_number(story: str, key: str) -> list[dict]:
    """The operations that write a number under this key of NVS: its entry, and the bits that say which one counts."""
    run = Run(Case(story))
    found: list[dict] = []

    def look(kind: str, address: int, size: int) -> Tear | None:
        entry, operation = run.recorder.entries[-1], run.twin.flash.last
        assert operation
        is_next = found and found[-1]["number"] == entry["number"] - 1
        if entry["area"] == "nvs" and kind == "program":
            is_entry = size == _ENTRY and operation.new[_KEY].rstrip(b"\0") == key.encode()
            if is_entry or (is_next and size == _BITS):
                found.append(entry)
        return None

    run.observers.append(look)
    run.play()
    return found
