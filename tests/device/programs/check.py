# SPDX-License-Identifier: MIT
"""For programs that test the twins from the inside."""

import sys


def error(function, *args):
    """What the call raises, as (type's name, *args); None if nothing."""
    try:
        function(*args)
    except Exception as raised:
        return (type(raised).__name__,) + raised.args  # noqa: RUF005  MicroPython has no such display


def run(tests):
    """Runs every test_ function of a module's names and prints how each ended."""
    for name in sorted(tests):
        if name.startswith("test_"):
            try:
                tests[name]()
                print("ok", name)
            except Exception as raised:
                print("FAILED", name)
                sys.print_exception(raised)
