# SPDX-License-Identifier: MIT
"""Probe: heap that each module keeps after its import. Prints the heap before, then a line for each of NAMES."""

import gc

import micropython


def used():
    gc.collect()
    return gc.mem_alloc()


def main(names):
    print("starting", used())  # what the stack still points to from the loading of this program counts until then
    print("probe heap", used())
    micropython.qstr_info()
    for name in names:
        before = used()
        __import__(name)
        print("probe module", name, used() - before)
        micropython.qstr_info()
    print("probe heap", used())


main(NAMES)  # noqa: F821
