# SPDX-License-Identifier: MIT
"""The twins and the stock modules where a board has them: in memory that is not the heap, executed in place.

The C library of MicroPython's unix port gives the memory, ROMFS executes from it. A port that is without one of them
loads the same modules from files, into the heap.
"""

import os
import sys

PATH = "/.rom"


def _begin(folder):
    sys.path[:] = [PATH]
    try:
        os.mount(_in_place(folder + "/rom.romfs"), PATH)
    except ImportError:
        os.mount(os.VfsPosix(folder + "/rom"), PATH)
    del sys.modules["_rom"]  # not needed again


def _in_place(name):
    import ffi
    from uctypes import bytearray_at
    from vfs import VfsRom

    size = os.stat(name)[6]
    memory = bytearray_at(ffi.open(None).func("P", "malloc", "L")(size), size)
    with open(name, "rb") as file:
        file.readinto(memory)
    return VfsRom(memory)


_begin(sys.path[0])
