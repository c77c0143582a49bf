# SPDX-License-Identifier: MIT
"""The file system of a board, changed by hand."""

from collections.abc import Callable

from littlefs import LittleFS, UserContext

from simulator.board.flash import SECTOR

_DISK_VERSION = 0x00020000  # MicroPython mounts none that is newer


def changed(cells: bytes, change: Callable[[LittleFS], object]) -> bytes:
    """The cells of a littlefs after a change to its files."""
    context = UserContext(buffer=bytearray(cells))
    disk = LittleFS(
        context=context, block_size=SECTOR, block_count=len(cells) // SECTOR, mount=False,
        disk_version=_DISK_VERSION,
    )  # fmt: skip
    disk.mount()
    change(disk)
    disk.unmount()
    return bytes(context.buffer)
