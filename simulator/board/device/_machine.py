# SPDX-License-Identifier: MIT
"""What an over-the-air agent can do without of `machine`, which loads it on demand: timers, clock, sleep."""

import time

import _chip
from _chip import call
from micropython import const

_OP_TIMER = const(38)
_OP_RTC_READ = const(39)
_OP_RTC_WRITE = const(40)
_OP_SET_TIME = const(42)
_OP_DEEPSLEEP = const(43)
_OP_SLEEP = const(44)

_RTC_MEMORY = const(2048)
_VIRTUAL_TIMERS = const(4)  # numbers from here on belong to Timer(-1)
_NEVER = const(0x3FFFFFFF)  # ms


def deepsleep(ms=0):
    """0 ms: nothing but the power switch ends the sleep."""
    call(_OP_DEEPSLEEP, 0, ms)


def lightsleep(ms=-1):
    """-1 ms: for ever."""
    call(_OP_SLEEP, 0, 0, ms)


def idle():
    """Yields until the next tick of the operating system."""
    time.sleep_ms(1)


def freq(hz=160000000):
    if hz not in (20000000, 40000000, 80000000, 160000000, 240000000):
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    return 160000000


class Timer:
    """Hardware timers 0 to 3, or -1 for a software timer. Callbacks run between two bytecodes of the program."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **options):
        if not -1 <= id < _VIRTUAL_TIMERS:
            raise ValueError("invalid Timer number, max %d" % _VIRTUAL_TIMERS)
        if id < 0:
            id = _VIRTUAL_TIMERS
            while id in _chip.timers:
                id += 1
            _chip.timers[id] = self
        self._number = id
        if options:
            self.init(**options)

    def init(self, *, mode=1, callback=None, period=_NEVER, tick_hz=1000, freq=None):
        if freq is not None:
            period, tick_hz = 1000, freq * 1000
        self.callback = callback or _nothing
        _chip.timers[self._number] = self
        _chip.listen()
        call(_OP_TIMER, self._number, max(1, int(period * 1000 // tick_hz)), mode)

    def deinit(self):
        if _chip.timers.pop(self._number, None):
            call(_OP_TIMER, self._number, 0)


def _nothing(timer):
    pass


class RTC:
    """The clock, and the 2 KiB that survive every reset but power-on."""

    def memory(self, data=None):
        if data is None:
            raw = bytearray(_RTC_MEMORY)
            return bytes(raw[: call(_OP_RTC_READ, 0, 0, 0, None, None, raw)])
        if isinstance(data, str):
            data = data.encode()
        if len(data) > _RTC_MEMORY:
            raise ValueError("buffer too long")
        call(_OP_RTC_WRITE, 0, 0, 0, data)

    def datetime(self, new=None):
        if new is None:
            now = time.gmtime()
            return now[:3] + (now[6],) + now[3:6] + (0,)
        call(_OP_SET_TIME, 0, time.mktime(tuple(new[:3]) + tuple(new[4:7])))

    init = datetime
