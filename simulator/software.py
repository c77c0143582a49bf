# SPDX-License-Identifier: MIT
"""Software packages: from a folder to the archive that a board takes, and back to what is in one.

The format is the board's (firmware/ota/package.py), and so is the judgement: what the board would refuse, with the same
code, is refused here.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from simulator.board.build import compile_module
from simulator.errors import UserError
from simulator.firmware_code import of_firmware

_BLOCK = 4096
_TEXT = 255  # longest title and version, characters


@dataclass(frozen=True)
class Contents:
    """What a package says of itself. `files`: (path, bytes) in the archive's order."""

    title: str
    version: str
    files: tuple[tuple[str, int], ...]


def make(folder: Path, title: str, version: str, *, compiled: bool = False) -> bytes:
    """The package of all files below a folder; `compiled`: .py becomes .mpy. The same folder makes the same bytes."""
    if not os.path.isdir(folder):  # Path.is_dir raises for a name that is too long
        raise UserError("no_such_folder", f"{folder} is not a folder")
    return pack(_collect(folder, compiled=compiled), title, version)


def pack(files: dict[str, bytes], title: str, version: str) -> bytes:
    """The package of some files, by path. Raises UserError with the board's code for a path that it would refuse."""
    for name, text in (("title", title), ("version", version)):
        if not 0 < len(text) <= _TEXT or min(text) < " ":
            raise UserError(f"bad_{name}", f"a package's {name} is 1 to {_TEXT} characters, none of them for control")
    package = of_firmware("package")
    order = sorted(files, key=str.lower)
    lines = [f"{hashlib.sha256(files[path]).hexdigest()} {len(files[path])} {path}\n" for path in order]
    manifest = package.opening(title, version) + "".join(lines).encode(errors="replace")
    if len(manifest) > package.LARGEST:
        raise UserError("too_many_files", f"the manifest would have more than {package.LARGEST:,} bytes")
    members = [(package.MANIFEST, manifest), *((path, files[path]) for path in order)]
    try:
        for path in order:
            package.check_path(path)
    except Exception as error:
        raise _user_error(error) from None
    made = bytearray()
    for path, data in members:
        made += package.header(path, len(data)) + data + bytes(-len(data) % package.RECORD)
    made += bytes(package.END)
    inspect(bytes(made))
    return bytes(made)


def inspect(data: bytes) -> Contents:
    """What is in a package, staged as a board does it. Raises UserError with the code that the board would report."""
    package = of_firmware("package")
    lines = data[package.RECORD :].split(b"\n", 3)
    title, version = (line.decode(errors="replace").partition(" ")[2] for line in [*lines, b"", b"", b""][1:3])
    with tempfile.TemporaryDirectory(prefix="software-") as folder:
        trees = of_firmware("trees").Trees(_Board(folder))
        tree = of_firmware("tree").Tree(trees, bytearray(_BLOCK))
        try:
            _stage(tree, data, SimpleNamespace(title=title, version=version, size=len(data), is_sealed=False))
            manifest = package.Manifest(f"{trees.folder(1)}/{package.MANIFEST}.part")
            files = tuple((path, size) for _, size, path in manifest.entries())
        except OSError as error:
            raise UserError("files_failed", f"cannot stage the package: {error}") from None
        except Exception as error:
            raise _user_error(error) from None
        finally:
            tree.close()
    return Contents(title, version, files)


class _Board:
    """As much of one as a tree needs."""

    def __init__(self, folder: str) -> None:
        self.files = folder
        self.nvs = self

    def get_i32(self, key: str) -> int:
        raise OSError(key)


def _stage(tree: Any, data: bytes, job: SimpleNamespace) -> None:
    head = data[:_BLOCK]
    tree.block[: len(head)] = head
    tree.check(job)
    for _ in tree.erase(len(data)):
        pass
    for at in range(0, len(data), _BLOCK):
        part = data[at : at + _BLOCK]
        tree.block[: len(part)] = part
        tree.commit(len(part))


def _collect(folder: Path, *, compiled: bool) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if "__pycache__" in path.parts or path.is_dir():
            continue
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError("no_such_file", f"cannot read {path}: {error.strerror}") from None
        if compiled and path.suffix == ".py":
            name, data = name.removesuffix(".py") + ".mpy", compile_module(name, data)
        if name in files:
            raise UserError("bad_order", f"{name} is there twice, as source and compiled")
        files[name] = data
    return files


def _user_error(error: Exception) -> Exception:
    """An error of the agent as one of ours; any other stays what it is."""
    code = getattr(error, "code", None)
    return UserError(code, getattr(error, "detail", "") or code) if code else error
