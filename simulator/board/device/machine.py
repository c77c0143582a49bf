# SPDX-License-Identifier: MIT
"""Twin of MicroPython's `machine` as an over-the-air agent needs it: resets and watchdog; `_machine.py` has the rest.

A call that resets the chip never returns, `finally` or not: the power supply ends this process from outside.
"""

from _chip import call
from micropython import const

_OP_RESET = const(32)
_OP_SOFT_RESET = const(33)
_OP_RESET_CAUSE = const(34)
_OP_UNIQUE_ID = const(35)
_OP_WATCHDOG = const(36)
_OP_FEED = const(37)

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5


def reset():
    call(_OP_RESET)


def soft_reset():
    call(_OP_SOFT_RESET)


def reset_cause():
    return call(_OP_RESET_CAUSE)


def unique_id():
    raw = bytearray(6)
    call(_OP_UNIQUE_ID, 0, 0, 0, None, None, raw)
    return bytes(raw)


class WDT:
    """The task watchdog. It cannot be stopped, survives a soft reset; a second object changes the time-out."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        call(_OP_WATCHDOG, 0, timeout)

    def feed(self):
        call(_OP_FEED)


def __getattr__(name):
    """Loaded when somebody asks: a board has all this in flash, the agent does without it."""
    import _machine

    return getattr(_machine, name)
