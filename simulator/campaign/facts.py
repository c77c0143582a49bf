# SPDX-License-Identifier: MIT
"""Which flash operations write which facts of the journal: taken from a run, so a new fact needs no list."""

from simulator.board.flash import Tear
from simulator.campaign.case import Case
from simulator.campaign.run import Run
from simulator.campaign.stories import KINDS

_USUAL = "update"  # the story whose facts every update writes


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


def written(story: str) -> dict[int, set[str]]:
    """{number of an operation: the facts that are others when the record is there that it writes a part of}."""
    run = Run(Case(story))
    journals = [_Journal(run, kind) for kind in KINDS]
    run.play()
    found: dict[int, set[str]] = {}
    for journal in journals:
        journal.look()
        for number, sequence, facts in journal.seen:
            after = next((later for _, turn, later in journal.seen if turn > sequence), facts)
            changed = {name for name in {*facts, *after} if facts.get(name) != after.get(name)}
            found.setdefault(number, set()).update(changed)
    return found


def beyond_usual(story: str) -> set[int]:
    """The operations that write a fact which an update alone does not."""
    usual = set().union(*written(_USUAL).values())
    return {number for number, names in written(story).items() if names - usual}
