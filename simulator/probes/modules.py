# SPDX-License-Identifier: MIT
"""Probe: heap in use before the first and after each import of NAMES, a line each, with a line of its names behind."""

import gc

import micropython


def look(name):
    gc.collect()
    print("probe heap", gc.mem_alloc(), name)
    micropython.qstr_info()


def main(names):
    look("none")
    for name in names:
        __import__(name)
        look(name)


main(NAMES)  # noqa: F821
