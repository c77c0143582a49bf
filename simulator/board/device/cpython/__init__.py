# SPDX-License-Identifier: MIT
"""CPython made to look like MicroPython on an ESP32, as far as firmware can tell. MicroPython never loads this.

The folders beside and below lose their place on the path at once: `time` or `socket` are the twins only for what
the firmware imports, while the standard library keeps the real ones it has already loaded.
"""

import importlib
import importlib.util
import os
import signal
import sys
import traceback
from pathlib import Path

_SECTOR = 4096
HERE = Path(__file__).resolve().parent
TWINS = ("time", "esp32", "machine", "_machine", "network", "_network", "ntptime", "socket", "select")
BUILT_IN = ("utime", "usocket", "uselect", "micropython")  # what MicroPython's own modules offer, made of CPython's
SAME = ("binascii", "collections", "errno", "hashlib", "io", "json", "os", "random", "re", "struct", "sys")

exists = os.path.exists


def _load(name: str, folder: Path) -> None:
    """Imports one file under `name`, whatever built-in module has that name."""
    spec = importlib.util.spec_from_file_location(name, folder / (name + ".py"))
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


def install() -> None:
    """Before `_chip` is imported: MicroPython's names for CPython's modules."""
    sys.path.remove(str(HERE.parent))
    sys.print_exception = lambda error, file=None: traceback.print_exception(error, file=file or sys.stdout)
    for name in SAME:
        sys.modules["u" + name] = importlib.import_module(name)
    for name in BUILT_IN:
        _load(name, HERE)
    _load("_chip", HERE.parent)


class Pipe:
    """What MicroPython's files do: a read fills the buffer, a write takes it all, also when a signal comes."""

    def __init__(self, fd: str) -> None:
        self._fd = int(fd)

    def readinto(self, buf, size: int) -> None:
        left = memoryview(buf).cast("B")[:size]
        while left:
            n = os.readv(self._fd, [left])
            if not n:
                os._exit(1)  # the host is gone
            left = left[n:]

    def read(self, size: int) -> bytes:
        buf = bytearray(size)
        self.readinto(buf, size)
        return bytes(buf)

    def write(self, buf, size: int) -> None:
        left = memoryview(buf).cast("B")[:size]
        while left:
            left = left[os.write(self._fd, left) :]


def pipes(replies: str, requests: str, interrupts: str) -> tuple[Pipe, Pipe, None]:
    """Interrupts come as a signal."""
    return Pipe(replies), Pipe(requests), None


def prepare(frozen: str, *trouble: str) -> str | None:
    """The twins, the interrupt line and the path; the working folder is the unpacked `vfs`. None if that is corrupt."""
    import _chip

    signal.signal(signal.SIGUSR1, lambda *_: _chip.run_timers())
    if _chip.virtual:
        for name in ("_links", "_datagrams", "_tls", "_dtls", "tls"):
            _load(name, HERE.parent)
    else:
        _load("tls", HERE)
    for name in TWINS:
        _load(name, HERE.parent)
    for name in ("time", "socket", "select"):
        sys.modules["u" + name] = sys.modules[name]
    os.statvfs = _statvfs
    sys.path[:0] = ["", frozen, os.path.join(os.getcwd(), "lib")]
    return None if trouble else frozen


def _statvfs(path: str) -> tuple[int, ...]:
    """What littlefs would say, nearly: the working folder stands for the partition."""
    from esp32 import Partition

    vfs = Partition.find(Partition.TYPE_DATA, label="vfs") or Partition.find(Partition.TYPE_DATA, label="ffat")
    blocks = vfs[0].info()[3] // _SECTOR if vfs else 0
    used = sum(-(-path.stat().st_size // _SECTOR) if path.is_file() else 2 for path in Path.cwd().rglob("*"))
    free = max(0, blocks - used - 2)
    return _SECTOR, _SECTOR, blocks, free, free, 0, 0, 0, 0, 255


def execute(path: str, namespace: dict) -> None:
    """MicroPython's execfile."""
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), path, "exec"), namespace)
