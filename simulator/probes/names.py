# SPDX-License-Identifier: MIT
"""Probe: heap in use when there are COUNT more names, of LENGTH characters, than without a program.

Runs on a twin, and on the interpreter alone.
"""

import gc


def main(count, length):
    for i in range(count):
        getattr(gc, str(10 ** (length - 1) + i), None)  # interns it
    gc.collect()
    print("probe heap", gc.mem_alloc())


main(COUNT, LENGTH)  # noqa: F821
