# SPDX-License-Identifier: MIT
"""What a device process finds on its path: the twins, and the frozen modules of the image it runs.

MicroPython gets compiled modules, except boot.py and main.py: those run in `__main__`, which MicroPython can do
with source only. CPython gets source. Stock firmware freezes umqtt.simple, so every image has it (ecosystem.md 1.2).
MicroPython executes that and the twins in place, from a ROMFS in the format that mpremote writes (device/_rom.py).
"""

import atexit
import functools
import itertools
import shutil
import tempfile
import weakref
from pathlib import Path

from mpremote.romfs import VfsRomWriter

from simulator.board import archive
from simulator.board.build import NO_LINE_NUMBERS, compile_module, compile_tree
from simulator.interpreters import ROOT, Interpreter

_DEVICE = Path(__file__).resolve().parent / "device"
_STOCK = ROOT / ".tools" / "umqtt"
_SCRIPTS = ("boot.py", "main.py")
_START = "_start.py"
_UNIX_START = "_unix_start.py"
_ROM = "_rom.py"  # the only twin that is beside the script


def start_script(interpreter: Interpreter) -> Path:
    """The script that a device process runs; the twins are beside it."""
    return unix_folder() / _UNIX_START if interpreter.is_micropython else _DEVICE / _START


class Unpacked:
    """A folder with what is frozen in an image, which is there for as long as somebody has this object.

    Its name is on the device's heap. There even a shorter one moves all that comes behind: where a heap is nearly full
    that decides what still fits, so the length of this one is not to be changed without measuring again.
    """

    def __init__(self) -> None:
        scratch = Path(tempfile.mkdtemp(prefix="board-"))
        weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        self.folder = scratch / "frozen"
        self.folder.mkdir()


def frozen_modules(interpreter: Interpreter, image: bytes) -> Unpacked:
    """What is frozen in `image`, for this interpreter. Boots of the same image share it: no device writes there."""
    return _unpacked(interpreter.is_micropython, image)


@functools.lru_cache(maxsize=8)  # half of a boot's time; a board has two images
def _unpacked(compiled: bool, image: bytes) -> Unpacked:
    files = archive.find(image) or {}
    if not compiled or _packages(files) & _packages(stock()):
        files = stock() | files  # the parts of a package have to be in one place
    unpacked = Unpacked()
    _write(compiled, files, unpacked.folder)
    return unpacked


def _packages(files: dict[str, bytes]) -> set[str]:
    return {name.partition("/")[0] for name in files}


@functools.cache
def unix_folder() -> Path:
    """What `device/_rom.py` looks for: the twins and the stock modules, compiled once for this process."""
    folder = Path(tempfile.mkdtemp(prefix="twins-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copy(_DEVICE / _UNIX_START, folder)
    folder.joinpath("_rom.mpy").write_bytes(_twin(_DEVICE / _ROM))
    twins = set(_DEVICE.glob("*.py")) - {_DEVICE / name for name in (_START, _UNIX_START, _ROM)}
    files = {path.stem + ".mpy": _twin(path) for path in twins}
    files |= {name: data for name, data in stock().items() if name.endswith(".mpy")}
    _write(True, files, folder / "rom")
    folder.joinpath("rom.romfs").write_bytes(_romfs(files))
    return folder


def _twin(path: Path) -> bytes:
    return compile_module(path.stem, path.read_bytes(), NO_LINE_NUMBERS)


def _romfs(files: dict[str, bytes]) -> bytes:
    """A file system with these files, each at most one folder deep."""
    writer = VfsRomWriter()
    for folder, names in itertools.groupby(sorted(files), lambda name: name.rpartition("/")[0]):
        if folder:
            writer.opendir(folder)
        for name in names:
            writer.mkfile(name.rpartition("/")[2], files[name])
        if folder:
            writer.closedir()
    return writer.finalise()


@functools.cache
def stock() -> dict[str, bytes]:
    """What every image brings, as source and compiled, by relative path.

    Empty without `make setup`: then firmware that imports umqtt says so by itself.
    """
    return compile_tree(_STOCK, NO_LINE_NUMBERS) if _STOCK.is_dir() else {}


def _write(compiled: bool, files: dict[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        is_compiled = name.endswith(".mpy")
        has_both = is_compiled or name.removesuffix(".py") + ".mpy" in files
        is_script = name.removesuffix(".mpy").removesuffix(".py") + ".py" in _SCRIPTS
        if has_both and is_compiled != (compiled and not is_script):
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
