# SPDX-License-Identifier: MIT
"""What the port's C code does between reset and REPL: mount the files, run boot.py and main.py.

Arguments of the process: numbers of the reply, request and interrupt pipe, folder of the image's frozen modules.
"""

import sys

if sys.implementation.name == "cpython":
    import cpython as system

    system.install()
else:
    import _unix as system

import _chip
from micropython import const

_OP_START = const(29)
_OP_SOFT_RESET = const(33)
_OP_SLEEP = const(44)
_OP_REPL = const(45)


def main(namespace):
    """Never returns: a program that ends or fails leaves the device at the REPL, SystemExit is a soft reset."""
    _chip.connect(*system.pipes(*sys.argv[1:4]))
    frozen = system.prepare(*sys.argv[4:])
    _chip.call(_OP_START)
    while frozen is None:
        print("the file system of partition vfs is corrupt, and not blank either: erase it to have a new one")
        _chip.call(_OP_SLEEP, 0, 0, 3000)
    if _run(frozen, "boot.py", namespace):
        _run(frozen, "main.py", namespace)
    _chip.call(_OP_REPL, 0, 0, -1)


def _run(frozen, name, namespace):
    """False after an uncaught exception. A frozen file wins over one of the file system."""
    path = frozen + "/" + name
    if not system.exists(path):
        path = name
    try:
        if system.exists(path):
            system.execute(path, namespace)
        return True
    except SystemExit:
        _chip.call(_OP_SOFT_RESET)
    except BaseException as error:
        sys.print_exception(error)
    return False
