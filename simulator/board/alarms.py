# SPDX-License-Identifier: MIT
"""What the chip does at a given time by itself: hardware timers and the task watchdog."""


class Alarms:
    """Times in ms of the board's clock. At most 31 timers, numbered as the device numbers them."""

    def __init__(self) -> None:
        self._timers: dict[int, tuple[float, float | None]] = {}  # number: when it is due, period
        self.next_timer: float | None = None
        self._timeout: float | None = None
        self.watchdog: float | None = None  # when it bites, None while nobody has armed it

    def arm_timer(self, number: int, now: float, ms: int, is_periodic: bool) -> None:
        """0 ms disarms it."""
        self._timers.pop(number, None)
        if ms:
            self._timers[number] = (now + ms, ms if is_periodic else None)
        self._look()

    def take_due(self, now: float) -> int:
        """The timers that are due, as a mask. Periodic ones start anew; a period that was missed is not made up for."""
        mask = 0
        for number, (due, period) in list(self._timers.items()):
            if due <= now:
                mask |= 1 << number
                del self._timers[number]
                if period is not None:
                    self._timers[number] = (due + period * ((now - due) // period + 1), period)
        self._look()
        return mask

    def arm_watchdog(self, now: float, ms: int) -> None:
        self._timeout = ms
        self.watchdog = now + ms

    def feed(self, now: float) -> None:
        if self._timeout is not None:
            self.watchdog = now + self._timeout

    def soft_reset(self) -> None:
        """Timers go, the watchdog keeps counting (esp32.md 5.4)."""
        self._timers.clear()
        self.next_timer = None

    def reset(self) -> None:
        self.soft_reset()
        self._timeout = self.watchdog = None

    def _look(self) -> None:
        self.next_timer = min((due for due, _ in self._timers.values()), default=None)
