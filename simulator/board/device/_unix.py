# SPDX-License-Identifier: MIT
"""MicroPython's unix port made to look like the ESP32 port: modules, file system, import path."""

import os
import sys

from micropython import const

_FROZEN = const("/.fw")


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

    import _chip
    import _vfs
    import esp32
    import machine  # noqa: F401

    for name, module in (("utime", time), ("usocket", socket), ("uselect", select)):
        sys.modules[name] = module
    if _chip.virtual:
        import _links

        sys.modules["tls"] = sys.modules["_asyncio"] = _links  # the real ones are built in here
    frozen = os.VfsPosix(folder)
    os.umount("/")
    is_mounted = _vfs.mount(esp32.Partition)
    del sys.modules["_vfs"]  # not needed again
    os.mount(frozen, _FROZEN, readonly=True)
    sys.path[:] = ["", ".frozen", _FROZEN, sys.path[0], "/lib"]
    return _FROZEN if is_mounted else None
