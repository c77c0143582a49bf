# SPDX-License-Identifier: MIT
"""The log: one line per event, for the person at 3 a.m. No secrets, no URLs."""


def log(state, *pairs):
    """Prints `ota <state> key=value ...` from alternating keys and values."""
    line = "ota " + state
    for i in range(0, len(pairs), 2):
        line += " %s=%s" % (pairs[i], pairs[i + 1])
    print(line)
