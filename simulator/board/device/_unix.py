# SPDX-License-Identifier: MIT
"""MicroPython's unix port made to look like the ESP32 port: modules, file system, import path."""

import os
import sys

_FROZEN = "/.frozen"
_SECTOR = 4096

execute = execfile  # noqa: F821  a built-in of the unix port


def pipes(replies, requests, interrupts):
    """Files without a buffer."""
    return open("/dev/fd/" + replies, "rb"), open("/dev/fd/" + requests, "wb"), open("/dev/fd/" + interrupts, "rb")


def exists(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def prepare(folder):
    """Mounts the `vfs` partition and the frozen modules; returns where the latter are, None if `vfs` is corrupt.

    All twins are loaded first, as built-in modules would be there, and their u-names lead to them as well.
    """
    import select
    import socket
    import time

    import esp32
    import machine  # noqa: F401

    for name, module in (("utime", time), ("usocket", socket), ("uselect", select)):
        sys.modules[name] = module
    frozen = os.VfsPosix(folder)
    os.umount("/")
    is_mounted = _mount(esp32.Partition)
    os.mount(frozen, _FROZEN)
    sys.path[:] = ["", ".frozen", _FROZEN, "/lib"]
    return _FROZEN if is_mounted else None


def _mount(partition):
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
