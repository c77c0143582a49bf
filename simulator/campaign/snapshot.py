# SPDX-License-Identifier: MIT
"""A run in the midst of a flash operation, to be gone on with from there any number of times, each with its own cut;
or between a reset and the boot that follows (`Run.play_to_reset`), each with what is to happen then.

At both the device is dead: what counts afterwards are flash, clock, cloud, network and what was recorded, and all of
them are plain objects. So this is a pickle of the run: without the device, and without what is cheaper to keep beside
it, which are cells that nobody has changed, what is constant, and logs, whose entries stay as they are.
"""

import io
import pickle
import random
from functools import cached_property
from typing import TYPE_CHECKING

from simulator.board.flash import SECTOR, Operation
from simulator.campaign import stories, torn_nvs

if TYPE_CHECKING:
    from simulator.campaign.run import Run


class Snapshot:
    """Taken by an observer of the flash, when the operation is about to happen: `operation`; or when a run has halted.

    Two are equal if all is the same in them, the past too; not all that are alike are.
    """

    def __init__(self, run: "Run") -> None:
        flash = run.twin.flash
        assert flash.last, "an operation is observed"
        self.operation: Operation = flash.last
        self._fresh_cells = run.fresh_cells
        self.nvs = torn_nvs.cells_of(flash)
        self._sectors = {n * SECTOR: flash.peek(n * SECTOR, SECTOR) for n in flash.changed_sectors}
        logs = (run.recorder.entries, run.twin.story.events, run.twin.story.lines, run.cloud.events)
        self._logs = [tuple(log) for log in logs]
        buffer = io.BytesIO()
        pickler = Pickler(buffer, [run.cells, run.observers, *logs, *constants(run)])
        pickler.dump(run)
        self._pickle = buffer.getvalue()
        self._constants = pickler.beside[2 + len(logs) :]

    def __hash__(self) -> int:
        return hash(self._pickle)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and self._all == other._all

    @property
    def _all(self) -> tuple[object, ...]:
        return self._sectors, *self._all_but_cells

    @property
    def _all_but_cells(self) -> tuple[object, ...]:
        return self._pickle, self.operation, self._logs, self._constants

    def is_like(self, other: "Snapshot") -> bool:
        """Whether all is the same but for what nobody looks at if this cut is the last one (torn_nvs.py)."""
        return self._all_but_cells == other._all_but_cells and self._living == other._living

    @cached_property
    def _living(self) -> dict[int, bytes]:
        return torn_nvs.looked_at(self._sectors, self.operation)

    def cut(self, cells: bytes) -> "Run":
        """A copy of the run whose power goes now: the operation leaves `cells` behind. Nobody observes it yet."""
        run = self.copy()
        run.twin.flash.lose_power(cells)
        run.has_lost_power = True
        return run

    def copy(self) -> "Run":
        """Of a run that has halted: it goes on with the boot. Nobody observes it yet."""
        flash = self._fresh_cells()
        for address, sector in self._sectors.items():
            flash[address : address + SECTOR] = sector
        beside = (flash, [], *map(list, self._logs), *self._constants)
        unpickler = pickle.Unpickler(io.BytesIO(self._pickle))
        unpickler.persistent_load = beside.__getitem__  # thousands of times: no function of ours
        return unpickler.load()


class LastCut:
    """A snapshot at whose operation the power goes for the last time: equal to any that is like it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def __hash__(self) -> int:
        return hash(self.snapshot)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LastCut) and self.snapshot.is_like(other.snapshot)


def constants(run: "Run") -> tuple[object, ...]:
    """What no run changes: copies may share it."""
    steps = run.story.steps
    packages = [stories.package(step) for step in steps]
    return (
        *(run.case, run.story, run.twin.chip.model, *run.side.constants, stories.partitions()),
        *(stories.image(stories.OLD), *packages, *run.twin.board.interpreter.constants),
    )


class Pickler(pickle.Pickler):
    """What is in `beside` is named by its number there. States of generators of random numbers are added to it."""

    def __init__(self, file: io.BytesIO, beside: list[object]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.beside = beside
        self._numbers = {id(value): number for number, value in enumerate(beside)}

    def persistent_id(self, obj: object) -> int | None:
        return self._numbers.get(id(obj))

    def reducer_override(self, obj: object) -> object:
        if not isinstance(obj, random.Random):
            return NotImplemented
        state = obj.getstate()
        self._numbers[id(state)] = len(self.beside)
        self.beside.append(state)
        return _random, (state,)


def _random(state: tuple) -> random.Random:
    generator = random.Random(0)
    generator.setstate(state)
    return generator
