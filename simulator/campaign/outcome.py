# SPDX-License-Identifier: MIT
"""What a run has shown: all that the invariants look at, and the flat record of it for tables and pictures."""

import itertools
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from simulator.board.flash import SECTOR
from simulator.campaign import (  # noqa: F401 (checks register themselves)
    control_invariants,
    lwm2m_invariants,
    manners_invariants,
    rainmaker_invariants,
    software_invariants,
    stories,
)
from simulator.campaign.case import Case
from simulator.campaign.invariants import violations
from simulator.campaign.trees import Choice

if TYPE_CHECKING:
    from simulator.campaign.run import Run


@dataclass
class Outcome:
    """`entries`: see recorder.py. `ends`: how each offer ended; `stop`: "", "stuck" or "unbootable".

    `boots`: until the last offer had ended; `erases`: {sector: times} of all partitions; `board_s`: seconds of a board;
    `holds`, `selected`, `choice`, `trees`, `journals` (by kind: sequence number and facts): the flash at the end;
    `open_files`: how many the program held open when the last offer had ended; `clean_boots`, `clean_files_written`:
    `boots` and `files_written` of the story without faults.
    """

    case: Case
    story: stories.Story
    entries: list[dict]
    ends: list[str]
    stop: str
    boots: int
    erases: dict[int, int]
    board_s: float
    holds: dict[str, str | None]
    selected: tuple[str | None, int | None]
    choice: Choice
    trees: dict[str, str]
    journals: dict[str, tuple[int, dict]]
    open_files: int
    secret: str
    clean_boots: int = 0
    clean_files_written: int = 0

    @classmethod
    def of(cls, run: "Run") -> "Outcome":
        slots = [label for label in stories.partitions() if label.startswith("ota_")]
        return cls(
            run.case, run.story, run.recorder.entries, run.ends, run.stop, run.boots,
            erases={n: times for n, times in enumerate(run.twin.flash.erases) if times},
            board_s=run.twin.clock.now_ms() / 1000,
            holds={label: run.recorder.holds(label) for label in slots},
            selected=run.recorder.selected(),
            choice=run.recorder.choice(),
            trees=run.recorder.trees(),
            journals={kind: run.recorder.journal(kind) for kind in stories.KINDS},
            open_files=run.open_files,
            secret=run.side.secret,
        )  # fmt: skip

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Of the entries of each kind."""
        places: dict[str, list[int]] = {}
        for place, entry in enumerate(self.entries):
            places.setdefault(entry["event"], []).append(place)
        return places

    def entries_of(self, *kinds: str) -> list[dict]:
        """The entries of these kinds, in order."""
        if len(kinds) == 1:
            return self._of_one_kind.get(kinds[0], [])
        places = sorted(place for kind in kinds for place in self._places.get(kind, ()))
        return [self.entries[place] for place in places]

    @cached_property
    def _of_one_kind(self) -> dict[str, list[dict]]:
        return {kind: [self.entries[place] for place in places] for kind, places in self._places.items()}

    def told(self, event: str, kind: str) -> list[dict]:
        """Each "state" or "version" of this kind of package, in order."""
        return [entry for entry in self.entries_of(event) if entry["kind"] == kind]

    def journal_of(self, kind: str) -> dict:
        """The facts of a journal at the end."""
        return self.journals[kind][1]

    @property
    def end(self) -> str:
        return self.stop or self.ends[-1]

    @cached_property
    def cuts(self) -> list[int]:
        """Numbers of the operations at which the power was cut, the power cycles at the end left out."""
        last, found, is_cycle = 0, [], False
        for entry in self.entries_of("op", "cycle", "off"):
            if entry["event"] == "op":
                last = entry["number"]
            elif entry["event"] == "cycle":
                is_cycle = True
            elif entry["why"] == "power cut":
                if not is_cycle:
                    found.append(last)
                is_cycle = False
        return found

    @property
    def is_cuts_only(self) -> bool:
        """Whether nothing but the power went wrong."""
        return all(text.startswith(("cut=", "cycles=")) for text in self.case.faults)

    def offers(self, kind: str = "FIRMWARE") -> list[tuple[str, list[dict]]]:
        """(version, entries until the next offer of this kind) of each offer."""
        starts = [place for place in self._places.get("offer", ()) if self.entries[place]["kind"] == kind]
        ends = [*starts[1:], len(self.entries)]
        return [(self.entries[a]["version"], self.entries[a:b]) for a, b in zip(starts, ends, strict=False)]

    def cycle(self, number: int) -> list[dict]:
        """The entries from that power cycle at the end on, 0 or 1; none when the run did not get there."""
        starts = self._places.get("cycle", ())
        return self.entries[starts[number] :] if number < len(starts) else []

    def lost_trial(self, step: stories.Step) -> bool:
        """Whether the power was cut between the choice of this version and its confirmation."""
        offers = [entries for offered, entries in self.offers(step.kind) if offered == step.version]
        is_chosen = False
        for entry in itertools.chain(*offers):
            if entry["event"] in ("set_boot", "choose") and entry["holds"] == step.version:
                is_chosen = True
            elif entry["event"] == "cycle":  # all offers have ended
                break
            elif entry["event"] == "off" and is_chosen:
                return True
        return False

    @property
    def lost_return(self) -> bool:
        """Whether the power was cut between the choice to go back to the first image and its confirmation."""
        is_chosen = False
        for entry in self.entries_of("set_boot", "console", "off"):
            if entry["event"] == "off" and is_chosen:
                return True
            if entry["event"] == "set_boot":
                is_chosen = entry["holds"] == stories.OLD
            elif entry.get("line") == "ota confirmed":
                is_chosen = False
        return False

    @property
    def slot_erases(self) -> dict[int, int]:
        """`erases` of the app slots: those that an update has to keep few."""
        return self.erases_of("ota_")

    def erases_of(self, area: str) -> dict[int, int]:
        """`erases` of the partitions whose label begins like this."""
        return {n: times for n, times in self.erases.items() if n in _sectors(area)}

    @property
    def extra_boots(self) -> int | None:
        """Boots that the faults have cost; None in a story whose image crashes again and again by itself."""
        if any(step.breaks == "later" for step in self.story.steps):
            return None
        return max(0, self.boots - self.clean_boots)

    @property
    def redownloaded(self) -> int:
        """Bytes of packages that were written to flash more than once. What was on its way in the air does not count.

        In a file system, what a run without faults writes does not count either.
        """
        images = self._written("ota_") - self.story.blocks * SECTOR
        return max(0, images) + self.files_written_again

    @property
    def files_written_again(self) -> int:
        """The part of `redownloaded` that is in a file system."""
        return max(0, self.files_written - self.clean_files_written)

    @property
    def files_written(self) -> int:
        """Bytes that were written to the file system."""
        return self._written("vfs")

    def _written(self, area: str) -> int:
        written = [entry for entry in self.entries_of("op") if entry["operation"] == "program"]
        return sum(entry["size"] for entry in written if entry["area"].startswith(area))

    def _operations(self) -> list[list[str]]:
        """What each flash operation was: [erase or program, area, bootloader or app], the first one first."""
        return [[entry["operation"], entry["area"], entry["by"]] for entry in self.entries_of("op")]

    def record(self) -> dict:
        """One flat dict that JSON can hold."""
        return {
            **_names(self.case),
            "like": None,
            "ops": len(self.entries_of("op")),
            "op": self.cuts[0] if self.cuts else None,
            "end": self.end,
            "violations": [list(found) for found in violations(self)],
            "boots": self.boots,
            "extra_boots": self.extra_boots,
            "redownloaded": self.redownloaded,
            "erases_max": max(self.slot_erases.values(), default=0),
            "erases": {str(n): times for n, times in self.erases.items()} or None,
            "board_s": round(self.board_s, 3),
            "operations": None if self.case.faults else self._operations(),
        }


@cache
def _sectors(area: str) -> set[int]:
    rows = [row for label, row in stories.partitions().items() if label.startswith(area)]
    return {n for row in rows for n in range(row.offset // SECTOR, row.end // SECTOR)}


def record_like(record: dict, case: Case) -> dict:
    """That of another case, with as many cuts, which has gone the very same way."""
    return record | _names(case) | {"like": record["case"]}


def _names(case: Case) -> dict:
    modes = [text.split(":")[1] for text in case.faults if text.startswith("cut=")]
    return {
        "case": str(case),
        "story": case.story,
        "faults": list(case.faults),
        "mode": modes[0] if modes else None,
    }
