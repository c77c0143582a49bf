# SPDX-License-Identifier: MIT
"""The board's sense of time. Milliseconds since the simulation began; only `spend` and waiting move it."""

import time


class Clock:
    """Both clocks: `now_ms()` never goes back. `spent_ms` is the part that no real clock has seen."""

    virtual = False

    def __init__(self) -> None:
        self.spent_ms = 0.0

    def now_ms(self) -> float:
        raise NotImplementedError

    def spend(self, ms: float) -> None:
        """Time that a device spends inside the chip: flash work, hashing, booting."""
        self.skip(ms)

    def skip(self, ms: float) -> None:
        """Time in which nothing happens at all, such as the wait for a watchdog."""
        self.spent_ms += ms


class RealClock(Clock):
    """Wall time, for board mode. What the chip spends passes `speed` times as fast as on a board.

    The rest is added to the clock, so that a board's watchdog and time-outs see all of it, while its real peers see
    a board that is busy for a while: without any waiting a board would lose patience within a blink of theirs.
    """

    def __init__(self, speed: float = 20) -> None:
        super().__init__()
        self._speed = speed
        self._start = time.monotonic()

    def now_ms(self) -> float:
        return (time.monotonic() - self._start) * 1000 + self.spent_ms

    def spend(self, ms: float) -> None:
        start = self.now_ms()
        if self._speed != float("inf"):
            time.sleep(ms / self._speed / 1000)
        self.skip(max(0.0, start + ms - self.now_ms()))


class VirtualClock(Clock):
    """Stands still unless somebody spends time: lockstep and tests."""

    virtual = True

    def now_ms(self) -> float:
        return self.spent_ms
