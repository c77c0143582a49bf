# SPDX-License-Identifier: MIT
"""The board's sense of time. Milliseconds since the simulation began; only `spend` and waiting move it."""

import time


class Clock:
    """Both clocks: `now_ms()` never goes back; `spend(ms)` is time a device spends inside the chip (flash, hashing)."""

    virtual = False

    def __init__(self) -> None:
        self.spent_ms = 0.0

    def now_ms(self) -> float:
        raise NotImplementedError

    def spend(self, ms: float) -> None:
        self.spent_ms += ms


class RealClock(Clock):
    """Wall time plus what the chip would have spent: board mode, where flash does not really take its time."""

    def __init__(self) -> None:
        super().__init__()
        self._start = time.monotonic()

    def now_ms(self) -> float:
        return (time.monotonic() - self._start) * 1000 + self.spent_ms


class VirtualClock(Clock):
    """Stands still unless somebody spends time: lockstep and tests."""

    virtual = True

    def now_ms(self) -> float:
        return self.spent_ms
