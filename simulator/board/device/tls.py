# SPDX-License-Identifier: MIT
"""Twin of `tls` in lockstep, for CPython. MicroPython has one built in; there `_unix.py` leads to ours."""

from _tls import *  # noqa: F403
