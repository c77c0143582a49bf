# SPDX-License-Identifier: MIT
"""What a run does one after the other: offers, moments in which the power may go once more, power cycles at the end.

A stage is an object whose `turn(run)` lets the board run once. It returns None when it wants to go on, "" when it is
done, else why the run stops here: "stuck" or "unbootable". All that it knows is in it and in the run, so that a run
whose board has lost its power can be copied in the midst of one (snapshot.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from simulator.board.power import Event
from simulator.board.story import says
from simulator.breakage import TITLE
from simulator.campaign import application, stories

if TYPE_CHECKING:
    from simulator.campaign.run import Run

_STEP_S = 4000  # virtual time for one offer: patience of the agent with a dead link included
_LINGER_S = 0.2
_GLANCE_S = 1.0
_WATCH_S, _CALM_S = 10_000, 50.0
_BOOTS = 40  # of one offer; a cut costs one or two
_CYCLE_BOOTS = 3  # after the last fault (I4); each that is still to come may cost one more


def _ends(run: "Run", since: int, kind: str) -> list[str]:
    """As Run.ends_since; what was refused for its firmware has failed for good when this has."""
    stays = kind == "SOFTWARE" and run.case.story in stories.RUNTIME
    if stays and {"rolled_back", "failed"} & set(run.ends_since(since, "FIRMWARE")):
        return ["failed"]
    return run.ends_since(since, kind)


class Stage(Protocol):
    """See above."""

    def turn(self, run: "Run") -> str | None: ...


class Condition(Protocol):
    """Something that a stage waits for: whether this event is it."""

    def __call__(self, event: Event) -> bool: ...


def after_offers(cycles: int) -> list[Stage]:
    """So many power cycles: does it stay that way? Before the second one the last offer is taken back."""
    return [Cycle(), TakeBack(), Cycle()][: 2 * cycles - 1 if cycles else 0]


@dataclass
class _Says:
    """The agent says one of these states."""

    states: tuple[str, ...]

    def __call__(self, event: Event) -> bool:
        return says(event, *self.states)


@dataclass
class _Ended:
    """Everything that was offered `since` has ended, and the cloud knows it."""

    run: "Run"
    since: int
    kinds: list[str]

    def __call__(self, event: Event) -> bool:
        return says(event, "reported") and all(_ends(self.run, self.since, kind) for kind in self.kinds)


@dataclass
class _Quiet:
    """The agent has said of each of so many kinds that there is nothing to do."""

    run: "Run"
    since: int
    kinds: int

    def __call__(self, event: Event) -> bool:
        return sum(says(entry, "idle") for entry in self.run.recorder.entries[self.since :]) >= self.kinds


@dataclass
class _Told:
    """The board is up, and no end of an offer waits to be told: what a cut has left untold is told once more (I6).

    "reported" is said just before the last one leaves the journal.
    """

    run: "Run"

    def __call__(self, event: Event) -> bool:
        waiting = sum(len(self.run.recorder.journal(kind)[1].get("outbox") or ()) for kind in stories.KINDS)
        return says(event, "reported") if waiting == 1 else not waiting and says(event, "idle", "offline")


class _Until:
    """Runs on, with the power coming back after each cut."""

    def __init__(self, run: "Run", condition: Condition, boots: int = _BOOTS) -> None:
        self._condition = condition
        self._last = run.twin.board.boots + boots
        self._deadline = run.twin.clock.now_ms() + _STEP_S * 1000

    def turn(self, run: "Run") -> str | None:
        twin = run.twin
        left_s = (self._deadline - twin.clock.now_ms()) / 1000
        if left_s <= 0 or twin.board.boots >= self._last:
            return "stuck"
        if twin.run(partial(self._is_met, run), timeout_s=left_s, max_boots=self._last - twin.board.boots):
            return None if run.is_halted else ""
        return {"no_boot": "unbootable", "idle": "stuck", "asleep": "stuck"}.get(twin.why)

    def _is_met(self, run: "Run", event: Event) -> bool:
        return self._condition(event) or run.halts(event)


class _UntilNothing:
    """Runs on until the board has asked a silent cloud for work, and there was none."""

    def __init__(self, run: "Run", boots: int) -> None:
        self._since = len(run.recorder.entries)
        self._last = run.twin.board.boots + boots
        self._deadline = run.twin.clock.now_ms() + _STEP_S * 1000

    def turn(self, run: "Run") -> str | None:
        if any(entry["event"] == "nothing" for entry in run.recorder.entries[self._since :]):
            return ""
        if run.twin.clock.now_ms() >= self._deadline or run.twin.board.boots >= self._last:
            return "stuck"
        run.twin.run_for(_GLANCE_S)
        return {"no_boot": "unbootable", "idle": "stuck", "asleep": "stuck"}.get(run.twin.why)


class _UntilTold:
    """Like _Until(_Ended), with a cloud that hears of an end after the agent has said that it told: by looking."""

    def __init__(self, run: "Run", since: int, kinds: list[str]) -> None:
        self._since, self._kinds = since, kinds
        self._last = run.twin.board.boots + _BOOTS
        self._deadline = run.twin.clock.now_ms() + _STEP_S * 1000

    def turn(self, run: "Run") -> str | None:
        entries = run.recorder.entries[self._since :]
        has_begun = any(says(entry, "downloading") for entry in entries)  # else it was refused: nothing to report
        is_told = not has_begun or any(says(entry, "reported") for entry in entries)
        if is_told and all(run.ends_since(self._since, kind) for kind in self._kinds):
            return ""
        if run.twin.clock.now_ms() >= self._deadline or run.twin.board.boots >= self._last:
            return "stuck"
        run.twin.run_for(_GLANCE_S)
        return {"no_boot": "unbootable", "idle": "stuck", "asleep": "stuck"}.get(run.twin.why)


def _until_rest(run: "Run", condition: Condition, boots: int) -> Stage:
    """Until the agent says that it rests; if its cloud says nothing of that, it cannot."""
    return _UntilNothing(run, boots) if run.side.IS_SILENT else _Until(run, condition, boots)


class _Calm:
    """Runs on until nothing is watched any more: an image that was confirmed may still be left."""

    def __init__(self, run: "Run") -> None:
        self._last = run.twin.board.boots + _BOOTS
        self._deadline = run.twin.clock.now_ms() + _WATCH_S * 1000

    def turn(self, run: "Run") -> str | None:
        facts = run.recorder.journal()[1]
        if not any(facts.get(name) for name in ("watch", "job", "outbox")):
            return ""
        if run.twin.clock.now_ms() >= self._deadline or run.twin.board.boots >= self._last:
            return "stuck"
        run.twin.run_for(_CALM_S)
        return {"no_boot": "unbootable", "idle": "stuck", "asleep": "stuck"}.get(run.twin.why)


class _Linger:
    """Lets a moment pass, in which the power may go once more."""

    def __init__(self, since: int) -> None:
        self._since = since
        self._until: Stage | None = None

    def turn(self, run: "Run") -> str | None:
        if self._until is None and run.twin.why != "power_cut":
            run.twin.run_for(_LINGER_S)
            return None if run.twin.why == "power_cut" else ""
        if self._until is None:
            boots = sum(entry["event"] == "boot" for entry in run.recorder.entries[self._since :])
            self._until = _until_rest(run, _Told(run), _BOOTS - boots)
        stop = self._until.turn(run)
        if stop == "":
            self._until = None
        return stop or None


class _Pause:
    """Lets a moment pass, once, whatever happens."""

    _is_over = False

    def turn(self, run: "Run") -> str | None:
        if not self._is_over:
            self._is_over = True
            run.twin.run_for(_LINGER_S)
        return ""


class _Several:
    """Begins with something, then one part after the other."""

    _parts: list[Stage] | None = None

    def begin(self, run: "Run") -> list[Stage]:
        """Returns the parts."""
        raise NotImplementedError

    def turn(self, run: "Run") -> str | None:
        if self._parts is None:
            self._parts = self.begin(run)
        stop = self._parts[0].turn(run)
        if stop == "":
            del self._parts[0]
        return stop or (None if self._parts else "")


class Offer(_Several):
    """The next packages, until each has ended and the cloud was told."""

    def __init__(self, steps: Sequence[stories.Step]) -> None:
        self._steps = steps

    def begin(self, run: "Run") -> list[Stage]:
        self._since = len(run.recorder.entries)
        for step in self._steps:
            title = TITLE if step.kind == "FIRMWARE" else application.TITLE
            package = run.side.package(title, step.version, stories.package(step), step.kind)
            run.recorder.note({"event": "offer", "version": step.version, "kind": step.kind})
            run.side.give(package, run.twin.now_ms)
        kinds = [step.kind for step in self._steps]
        is_late = run.side.HEARS_LATE
        until = _UntilTold(run, self._since, kinds) if is_late else _Until(run, _Ended(run, self._since, kinds))
        calm = [_Calm(run)] if "watch_s" in dict(run.story.settings) else []
        return [until, *calm, _Linger(self._since)]

    def turn(self, run: "Run") -> str | None:
        """Tells the run how each of them ended, when the last part has."""
        stop = super().turn(run)
        if stop is not None:
            ends = [_ends(run, self._since, step.kind) for step in self._steps]
            run.ends += [told[-1] if told else "stuck" for told in ends]
            run.sum_up()
        return stop


class Cycle(_Several):
    """The power is switched off and on."""

    def begin(self, run: "Run") -> list[Stage]:
        run.recorder.note({"event": "cycle"})
        run.twin.cut()
        return [_until_rest(run, _Says(("idle",)), _CYCLE_BOOTS + len(run.case.faults)), _Pause()]


class TakeBack(_Several):
    """Nothing is offered any more, and the board says so of each kind."""

    def begin(self, run: "Run") -> list[Stage]:
        since = len(run.recorder.entries)
        kinds = [kind for kind in run.story.kinds if run.side.take_back(kind, run.twin.now_ms)]
        if run.side.IS_SILENT or not kinds:
            return [_Linger(since)]
        return [_Until(run, _Quiet(run, since, len(kinds))), _Linger(since)]
