# SPDX-License-Identifier: MIT
"""What a device process finds on its path: the twins, and the frozen modules of the image it runs.

MicroPython gets compiled modules, except boot.py and main.py: those run in `__main__`, which MicroPython can do
with source only. CPython gets source. Stock firmware freezes umqtt.simple, so every image has it (ecosystem.md 1.2).
"""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from simulator.board import archive
from simulator.board.build import compile_module, compile_tree
from simulator.interpreters import ROOT, Interpreter

_DEVICE = Path(__file__).resolve().parent / "device"
_STOCK = ROOT / ".tools" / "umqtt"
_NO_LINE_NUMBERS = 3  # mpy-cross -O: twins and stock modules are in the device's heap, where a board has nothing
_ON_DEMAND = ("_machine.mpy", "_network.mpy", "_tls.mpy", "ntptime.mpy")
_SCRIPTS = ("boot.py", "main.py", "_start.py")


def start_script(interpreter: Interpreter) -> Path:
    """The script that a device process runs; the twins are beside it."""
    return (_twins() if interpreter.is_micropython else _DEVICE) / "_start.py"


def frozen_modules(interpreter: Interpreter, image: bytes, folder: Path) -> None:
    """Fills the empty `folder` with what is frozen in `image`, and the twins that are only loaded on demand."""
    if interpreter.is_micropython:
        for name in _ON_DEMAND:
            shutil.copy(_twins() / name, folder)
    _write(interpreter.is_micropython, stock() | (archive.find(image) or {}), folder)


@functools.cache
def _twins() -> Path:
    """The twins for MicroPython, compiled once for this process."""
    folder = Path(tempfile.mkdtemp(prefix="twins-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for path in _DEVICE.glob("*.py"):
        if path.name in _SCRIPTS:
            shutil.copy(path, folder)
        else:
            code = compile_module(path.stem, path.read_bytes(), _NO_LINE_NUMBERS)
            folder.joinpath(path.stem + ".mpy").write_bytes(code)
    return folder


@functools.cache
def stock() -> dict[str, bytes]:
    """What every image brings, as source and compiled, by relative path.

    Empty without `make setup`: then firmware that imports umqtt says so by itself.
    """
    return compile_tree(_STOCK, _NO_LINE_NUMBERS) if _STOCK.is_dir() else {}


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
