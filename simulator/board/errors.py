# SPDX-License-Identifier: MIT
"""How the chip says no: an ESP-IDF error, a reset that never returns, or no power at all."""


class EspError(Exception):
    """What MicroPython turns into `OSError(errno, name)` (esp32.md 5.1); `name` "" gives `OSError(errno)`."""

    def __init__(self, errno: int, name: str = "") -> None:
        super().__init__(errno, name)
        self.errno = errno
        self.name = name


class ChipReset(Exception):
    """The call never returns to Python: the chip resets with this cause (esp32.md 3.6)."""

    def __init__(self, cause: int, why: str = "") -> None:
        super().__init__(cause, why)
        self.cause = cause
        self.why = why


class PowerCut(BaseException):
    """The supply is gone; the flash refuses everything until power returns."""
