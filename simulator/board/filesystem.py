# SPDX-License-Identifier: MIT
"""The board's file system as a file of bytes: littlefs2, formatted as MicroPython formats its `vfs` partition."""

import os
from pathlib import Path

from littlefs import LittleFS, LittleFSError

from simulator.board.flash import SECTOR
from simulator.errors import UserError

_DISK_VERSION = 0x00020000  # every MicroPython with littlefs2 reads it


def make(folder: Path, size: int) -> bytes:
    """A file system of `size` bytes with the files of the folder. Raises UserError if they do not fit."""
    if not os.path.isdir(folder):  # Path.is_dir raises for a name that is too long
        raise UserError("no_such_folder", f"{folder} is not a folder")
    if size < 2 * SECTOR:
        raise UserError("file_system_too_small", f"a file system needs two blocks of 4 KiB, there are {size} bytes")
    disk = LittleFS(
        block_size=SECTOR,
        block_count=size // SECTOR,
        prog_size=32,
        read_size=32,
        cache_size=128,
        disk_version=_DISK_VERSION,
    )
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if "__pycache__" in path.parts:
            continue
        try:
            if path.is_dir():
                disk.mkdir(name)
            else:
                _copy(path, disk, name, size)
        except LittleFSError as error:
            raise UserError("file_system_full", f"{name} does not fit into the file system: {error}") from None
        except OSError as error:
            raise UserError("no_such_file", f"cannot read {path}: {error.strerror}") from None
    disk.unmount()
    return bytes(disk.context.buffer)


def _copy(path: Path, disk: LittleFS, name: str, room: int) -> None:
    if path.exists() and not path.is_file():
        raise UserError("no_such_file", f"{path} is neither file nor folder")
    if path.stat().st_size > room:
        raise UserError("file_system_full", f"{name} does not fit into the file system of {room} bytes")
    with disk.open(name, "wb") as file:
        file.write(path.read_bytes())
