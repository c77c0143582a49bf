# SPDX-License-Identifier: MIT
"""What the port's _boot.py and inisetup.py do with the `vfs` partition."""

import os

from micropython import const

_SECTOR = const(4096)


def mount(partition):
    """As the port's _boot.py: a blank partition gets a file system, a foreign one is left alone."""
    for vfs in partition.find(partition.TYPE_DATA, label="vfs") or partition.find(partition.TYPE_DATA, label="ffat"):
        try:
            os.mount(vfs, "/")
        except OSError:
            return _make(vfs)
        break
    return True


def _make(vfs):
    block = bytearray(_SECTOR)
    vfs.readblocks(0, block)
    if any(byte != 0xFF for byte in block):
        return False
    os.VfsLfs2.mkfs(vfs)
    os.mount(vfs, "/")
    with open("boot.py", "w") as file:
        file.write("# runs at every start, before main.py\n")
    return True
