# SPDX-License-Identifier: MIT
"""Faults of time (reliability.md K), and resets at a time. A board's clock is unset unless something sets it.

clock=jump:S     the clock of the board jumps by S seconds, back with a minus sign
clock=set:S      somebody sets it to S seconds since 1970
clock=lost:S     it was never set, and no time server answers for S seconds
ticks=MS         the tick counter wraps MS after each boot, instead of after 12.4 days
reset=power|hard|soft   the power is cut, or the chip resets; use it with `later`
"""

import random
import re
from typing import TYPE_CHECKING

from simulator.board.chip import HARD, SOFT
from simulator.board.errors import ChipReset, PowerCut
from simulator.campaign import alarm
from simulator.campaign.case import fault
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.campaign.run import Run

TICKS = 1 << 30  # ticks_ms() counts modulo this (esp32.md 5.4)
EPOCH_2000 = 946_684_800  # unix seconds at the chip's second 0
_RESETS = {
    "power": PowerCut,
    "hard": lambda: ChipReset(HARD, "a fault"),
    "soft": lambda: ChipReset(SOFT, "a fault"),
}


@fault("clock")
class ClockFault:
    """Changes what time it is, not how fast it goes."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        found = re.fullmatch(r"(jump:-?|set:|lost:)([0-9]{1,10})", ":".join(arguments))
        if not found:
            raise UserError("bad_case", f"clock={':'.join(arguments)}: jump:S, jump:-S, set:S or lost:S")
        self._is_lost = found[1] == "lost:"
        self._is_jump = found[1].startswith("jump")
        self._seconds = int(found[2]) * (-1 if found[1].endswith("-") else 1)

    def attach(self, run: "Run") -> None:
        chip, net = run.twin.chip, run.twin.net
        if self._is_lost:
            chip.set_time(0)
            net.tells_time = False
            alarm.after(run.twin, self._seconds * 1000, lambda: setattr(net, "tells_time", True))
            return
        chip.set_time(max(0, chip.time() + self._seconds if self._is_jump else self._seconds - EPOCH_2000))


@fault("ticks")
class TicksFault:
    """Lets the ticks wrap soon after each boot."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self._ms = alarm.number("ticks", ":".join(arguments))

    def attach(self, run: "Run") -> None:
        run.twin.board.ticks_start_ms = TICKS - self._ms


@fault("reset")
class ResetFault:
    """The chip resets, or loses its power, as soon as the device runs."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self._how = ":".join(arguments)
        if self._how not in _RESETS:
            raise UserError("bad_case", f"reset={self._how}: {', '.join(_RESETS)}")

    def attach(self, run: "Run") -> None:
        alarm.after(run.twin, 0, self._strike)

    def _strike(self) -> None:
        raise _RESETS[self._how]()
