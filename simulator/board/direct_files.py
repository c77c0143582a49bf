# SPDX-License-Identifier: MIT
"""The file system of an in-process device: littlefs over requests to the chip, so each block operation can be cut.

What MicroPython's `os` and `open` are to its VfsLfs2, as far as firmware uses them. Paths begin at the root.
"""

from collections.abc import Callable
from functools import wraps

from littlefs import LittleFSError, lfs

from simulator.board.flash import SECTOR
from simulator.board.link import Op
from simulator.board.partition_table import DATA

_DISK_VERSION = 0x00020000
_IO = -5
_FOLDER, _FILE = 0x4000, 0x8000


class Blocks:
    """User context of littlefs. `trouble`: what came instead of an answer, to be raised once littlefs has returned.

    A request costs more than its bytes, so the rest of what is asked for is fetched with it: `_block` is what `_ahead`
    holds, until another one is read or anything is written.
    """

    def __init__(self, call: Callable, handle: int) -> None:
        self._call = call
        self._handle = handle
        self._block = -1
        self._ahead = bytearray(SECTOR)
        self.trouble: BaseException | None = None

    def read(self, cfg: lfs.LFSConfig, block: int, off: int, size: int) -> bytearray:
        if block != self._block:
            self._block = -1
            if self._try(Op.READ, block * SECTOR, SECTOR, None, None, self._ahead):
                return bytearray(size)  # there is no way to say it: littlefs finds that it is nothing of its own
            self._block = block
        return self._ahead[off : off + size]

    def prog(self, cfg: lfs.LFSConfig, block: int, off: int, data: bytes) -> int:
        self._block = -1
        return self._try(Op.WRITE, block * SECTOR + off, 0, data)

    def erase(self, cfg: lfs.LFSConfig, block: int) -> int:
        self._block = -1
        return self._try(Op.ERASE, block * SECTOR, SECTOR)

    def sync(self, cfg: lfs.LFSConfig) -> int:
        return 0

    def _try(self, op: Op, *values: object) -> int:
        try:
            self._call(op, self._handle, *values)
        except OSError:
            return _IO  # the flash refuses: littlefs tells in its own words
        except BaseException as trouble:  # the device is gone: no way through C code
            self.trouble = trouble
            return _IO
        return 0


def _guarded(method: Callable) -> Callable:
    """Errors of littlefs become OSError with their number; what ended the device goes on ending it."""

    @wraps(method)
    def guarded(self, *args):
        try:
            return method(self, *args)
        except LittleFSError as error:
            raise OSError(-error.code) from None
        finally:
            if self._blocks.trouble:
                raise self._blocks.trouble

    return guarded


class CorruptFiles(Exception):
    """There is something else than a file system in the partition."""


class DirectFiles:
    """Mounted at once; a blank partition gets a file system, anything else raises CorruptFiles.

    `find` gives None for a chip without such a partition.
    """

    def __init__(self, call: Callable, handle: int, size: int) -> None:
        self._blocks = Blocks(call, handle)
        self._cfg = lfs.LFSConfig(
            context=self._blocks, block_size=SECTOR, block_count=size // SECTOR, prog_size=32, read_size=32,
            cache_size=128, lookahead_size=32, disk_version=_DISK_VERSION,
        )  # fmt: skip
        self._count = size // SECTOR
        self._fs = lfs.LFSFilesystem()
        self.handles: list[lfs.LFSFile] = []  # littlefs knows the open ones by their place in memory
        self._mount()

    @_guarded
    def _mount(self) -> None:
        try:
            lfs.mount(self._fs, self._cfg)
        except LittleFSError:
            if self._blocks.trouble:
                raise
            if self._blocks.read(self._cfg, 0, 0, SECTOR).strip(b"\xff"):
                raise CorruptFiles from None
            lfs.format(self._fs, self._cfg)
            lfs.mount(self._fs, self._cfg)

    @classmethod
    def find(cls, call: Callable) -> "DirectFiles | None":
        handles = bytearray(96)
        if not call(Op.FIND, 1, DATA, 0xFF, b"vfs", None, handles):
            return None
        info = bytearray(27)
        call(Op.INFO, handles[0], 0, 0, None, None, info)
        return cls(call, handles[0], int.from_bytes(info[7:11], "little"))

    # os

    @staticmethod
    def getcwd() -> str:
        return "/"

    @_guarded
    def stat(self, path: str) -> tuple[int, ...]:
        found = lfs.stat(self._fs, path)
        return (_FOLDER if found.type == 2 else _FILE, 0, 0, 0, 0, 0, found.size, 0, 0, 0)

    @_guarded
    def listdir(self, path: str = "/") -> list[str]:
        folder = lfs.dir_open(self._fs, path)
        names = []
        while entry := lfs.dir_read(self._fs, folder):
            names.append(entry.name)
        lfs.dir_close(self._fs, folder)
        return [name for name in names if name not in (".", "..")]

    @_guarded
    def mkdir(self, path: str) -> None:
        lfs.mkdir(self._fs, path)

    @_guarded
    def remove(self, path: str) -> None:
        lfs.remove(self._fs, path)

    rmdir = remove

    @_guarded
    def rename(self, old: str, new: str) -> None:
        lfs.rename(self._fs, old, new)

    @_guarded
    def statvfs(self, path: str) -> tuple[int, ...]:
        free = self._count - lfs.fs_size(self._fs)
        return SECTOR, SECTOR, self._count, free, free, 0, 0, 0, 0, 255

    # open

    @_guarded
    def open(self, path: str, mode: str = "r") -> "File":
        return File(self, path, mode)

    def exists(self, path: str) -> bool:
        try:
            return bool(self.stat(path))
        except OSError:
            return False

    def read(self, path: str) -> bytes:
        """The whole file."""
        with self.open(path, "rb") as file:
            return file.read()


class File:
    """An open file, of bytes. Not closed by itself: what was not closed was never written."""

    def __init__(self, files: DirectFiles, path: str, mode: str) -> None:
        self._blocks = files._blocks
        self._fs = files._fs
        self._handles = files.handles
        self._handle: lfs.LFSFile | None = lfs.file_open(self._fs, path, mode.replace("b", ""))
        self._handles.append(self._handle)

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @_guarded
    def read(self, size: int = -1) -> bytes:
        rest = size if size >= 0 else lfs.file_size(self._fs, self._handle)
        return bytes(lfs.file_read(self._fs, self._handle, rest))

    @_guarded
    def readinto(self, buf) -> int:
        data = lfs.file_read(self._fs, self._handle, len(buf))
        buf[: len(data)] = data
        return len(data)

    @_guarded
    def readline(self, size: int = 4096) -> bytes:
        at = lfs.file_tell(self._fs, self._handle)
        data = bytes(lfs.file_read(self._fs, self._handle, size))
        line = data[: data.find(b"\n") + 1] or data
        lfs.file_seek(self._fs, self._handle, at + len(line), 0)
        return line

    @_guarded
    def write(self, data) -> int:
        return lfs.file_write(self._fs, self._handle, bytes(data))

    def close(self) -> None:
        """A device that is gone closes nothing."""
        if not self._blocks.trouble:
            self._close()

    @_guarded
    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            try:
                lfs.file_close(self._fs, handle)
            finally:
                self._handles.remove(handle)
