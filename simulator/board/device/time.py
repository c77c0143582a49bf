# SPDX-License-Identifier: MIT
"""Twin of the ESP32's `time`: epoch 2000, ticks of 30 bits, and a clock that flash work moves as well.

In lockstep the clock stands still while Python runs: only sleeping, waiting and flash work move it. So that
a loop which waits by looking at the clock ends too, every 64th look takes a millisecond.
"""

import _chip
import utime
from _chip import call, clock_ms
from micropython import const
from utime import *  # noqa: F403  on CPython the standard library needs the rest

_OP_TIME = const(41)
_OP_SLEEP = const(44)

_EPOCH_OFFSET = const(946684800)  # seconds from 1970 to 2000
_PERIOD = const(0x3FFFFFFF)
_HALF = const(0x20000000)

_zero = 0 if _chip.virtual else utime.ticks_ms() - _chip.started_ms
_looks = 0


def ticks_ms():
    global _looks
    if _chip.virtual:
        _looks += 1
        if _looks & 63 == 0:
            call(_OP_SLEEP, 0, 0, 1)
        return clock_ms() & _PERIOD
    return (utime.ticks_ms() - _zero + clock_ms()) & _PERIOD


def ticks_us():
    return ticks_ms() * 1000 & _PERIOD


ticks_cpu = ticks_us


def ticks_add(ticks, delta):
    return (ticks + delta) & _PERIOD


def ticks_diff(end, start):
    diff = (end - start) & _PERIOD
    return diff - _PERIOD - 1 if diff >= _HALF else diff


def sleep_ms(ms):
    call(_OP_SLEEP, 0, 0, ms if ms > 0 else 0)


def sleep_us(us):
    sleep_ms((us + 999) // 1000)


def sleep(seconds):
    sleep_ms(int(seconds * 1000))


def time():
    return call(_OP_TIME)


def time_ns():
    return time() * 1000000000


def gmtime(seconds=None):
    return tuple(utime.gmtime((time() if seconds is None else seconds) + _EPOCH_OFFSET)[:8])


localtime = gmtime


def mktime(fields):
    return int(utime.mktime(tuple(fields[:6]) + (0, 0, 0))) - _EPOCH_OFFSET
