# SPDX-License-Identifier: MIT
"""Twin of `tls` in lockstep, for CPython. MicroPython has one built in; there `_unix.py` leads to ours."""

import _tls


def __getattr__(name):
    return getattr(_tls, name)
