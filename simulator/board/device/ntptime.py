# SPDX-License-Identifier: MIT
"""Twin of `ntptime`, frozen in every MicroPython for the ESP32: the host's time; in lockstep that of its network."""

from time import utime  # the interpreter's own; by that name everybody else gets the twin

import _chip
from micropython import const

_OP_SET_TIME = const(42)
_OP_NTP = const(54)
_EPOCH_OFFSET = const(946684800)  # seconds from 1970 to 2000

host = "pool.ntp.org"


def time():
    if _chip.virtual:
        return _chip.call(_OP_NTP)
    return int(utime.time()) - _EPOCH_OFFSET


def settime():
    _chip.call(_OP_SET_TIME, 0, time())
