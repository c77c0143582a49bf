# SPDX-License-Identifier: MIT
"""Every difference between MicroPython and CPython, resolved once.

The rest of the package imports names from here and never asks which interpreter it runs on.
"""

import gc
import select
import sys
import time

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


_PERIOD = const(0x3FFFFFFF)  # MicroPython's ticks wrap so that they stay small integers
EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0  # unix seconds at time() == 0 (esp32.md 5.4)

try:
    from time import sleep_ms, ticks_diff, ticks_ms
except ImportError:

    def ticks_ms():
        return int(time.monotonic() * 1000) & _PERIOD

    def ticks_diff(end, start):
        half = (_PERIOD + 1) // 2
        return ((end - start + half) & _PERIOD) - half

    def sleep_ms(ms):
        time.sleep(ms / 1000)


def keep_heap_compact():
    """Collects after every 4 KiB instead of when memory has run out, so that free memory stays in one piece.

    For the loading of modules, which leaves much garbage between what stays. Does nothing on CPython.
    """
    if hasattr(gc, "threshold"):
        gc.threshold(4096)


def collect():
    """So does this at once, for who has just left much garbage."""
    if hasattr(gc, "threshold"):
        gc.collect()


def forget(*names):
    """Unloads modules of a package that have done their work; an import loads them again.

    Does nothing on CPython, which has memory enough.
    """
    if hasattr(gc, "threshold"):
        for name in names:
            package, module = name.rsplit(".", 1)
            if sys.modules.pop(name, None):
                delattr(sys.modules[package], module)


def unix_time():
    """Seconds since 1970 as the board's clock has it, right or wrong."""
    return int(time.time()) + EPOCH


def print_exception(error):
    """The traceback of `error`, to the console."""
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        sys.excepthook(type(error), error, error.__traceback__)


class Stream:
    """One connection, as `umqtt.simple` and our sources use it. Reads are exact or end at EOF.

    A read that times out loses what it had read so far (style.md C2): after any OSError the stream is
    good for nothing but `close()`. Allocates nothing after construction, apart from `read()`.
    """

    def __init__(self, sock, silence_s=None, settimeout=None):
        """`silence_s`: the socket's time-out. `settimeout`: of the socket below, where `sock` has none (TLS)."""
        self._sock = sock
        self._silence_s = silence_s
        self._settimeout = getattr(sock, "settimeout", settimeout)
        self.read = sock.read
        self.readinto = sock.readinto
        self.write = sock.write
        self._poller = select.poll()
        self._poller.register(sock, select.POLLIN)
        self._wait = getattr(self._poller, "ipoll", self._poller.poll)

    def readable(self, ms):
        """Whether there is something to read (or an end to notice) within `ms`."""
        for _ in self._wait(ms):
            return True
        return False

    def wait(self, is_patient):
        """Whether reads wait. If not they return what is there, and None for nothing; so they lose nothing either."""
        self._settimeout(self._silence_s if is_patient else 0)

    def connect(self, _):
        """Part of what umqtt.simple expects. A Stream is connected from the start, and its time-out stays."""

    settimeout = setblocking = connect

    def close(self):
        try:
            self._poller.unregister(self._sock)
        except (OSError, KeyError, ValueError):
            pass  # CPython forgets a closed socket by itself
        self._sock.close()
