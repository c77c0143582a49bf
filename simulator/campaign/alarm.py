# SPDX-License-Identifier: MIT
"""Something that happens at a given time of a run, without anybody's doing.

`later=MS:FAULT` lets any other fault begin MS after the simulation, as in `later=3000:net=cut:100`.
"""

import functools
import itertools
import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.board.lockstep import Lockstep
from simulator.campaign.case import FAULTS, fault
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.campaign.run import Run

_numbers = itertools.count()


class _Alarm:
    """A core that nobody connects to: the network gives every core the time it asks for (docs/DESIGN.md)."""

    def __init__(self, due_ms: int, act: Callable[[], None]) -> None:
        self._due_ms: int | None = due_ms
        self._act = act

    def deadline(self) -> int | None:
        return self._due_ms

    def tick(self, now_ms: int) -> None:
        if self._due_ms is not None and now_ms >= self._due_ms:
            self._due_ms = None
            self._act()

    def take(self) -> list:
        return []


def after(twin: Lockstep, ms: int, act: Callable[[], None]) -> None:
    """Calls `act` once, `ms` from now. It may raise PowerCut or ChipReset: they befall the board."""
    twin.net.serve(f"alarm {next(_numbers)}", 0, _Alarm(twin.now_ms + ms, act))


def number(kind: str, text: str) -> int:
    """The decimal number in an argument of a fault of this kind. Raises UserError("bad_case")."""
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise UserError("bad_case", f"{kind}: {text!r} is no number")
    return int(text)


@fault("later")
class Later:
    """Begins `inner` after so many ms."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        when, _, text = ":".join(arguments).partition(":")
        kind, equals, rest = text.partition("=")
        if not equals or kind not in FAULTS or kind == "later":
            raise UserError("bad_case", f"later={':'.join(arguments)}: MS:FAULT")
        self._ms = number("later", when)
        self._inner = FAULTS[kind](rest.split(":"), rng)

    def attach(self, run: "Run") -> None:
        after(run.twin, self._ms, functools.partial(self._inner.attach, run))
