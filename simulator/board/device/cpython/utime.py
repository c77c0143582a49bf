# SPDX-License-Identifier: MIT
"""`time` of MicroPython's unix port: CPython's, plus ticks."""

import time as _time
from time import *  # noqa: F403
from time import monotonic_ns


def ticks_ms() -> int:
    return monotonic_ns() // 1000000 & 0x3FFFFFFF


mktime = _time.mktime  # UTC, because the host starts the device with TZ=UTC
