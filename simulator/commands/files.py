# SPDX-License-Identifier: MIT
"""Reading and writing whole files for commands: what can go wrong is one clear line."""

import os
from pathlib import Path

from simulator.errors import UserError

_MAX_SIZE = 256 * 1024 * 1024  # twice the largest flash; /dev/zero never ends


def read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SIZE + 1)
    except OSError as error:
        raise UserError("no_such_file", f"cannot read {path}: {error.strerror}") from None
    if len(data) > _MAX_SIZE:
        raise UserError("too_large", f"{path} has more than {_MAX_SIZE} bytes")
    return data


def write_file(path: Path, data: bytes) -> None:
    """Replaces the file as a whole or leaves it as it was.

    What is no plain file, such as a pipe, and a file in a folder where nothing else may be made are written to.
    """
    target = Path(os.path.realpath(path))
    try:
        is_plain = target.is_file() or not path.exists()
        is_alone = target.exists() and not os.access(target.parent, os.W_OK)
        if is_plain and not is_alone:
            _replace(target, data)
        else:
            path.write_bytes(data)
    except OSError as error:
        raise UserError("cannot_write", f"cannot write {path}: {error.strerror}") from None


def _replace(path: Path, data: bytes) -> None:
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(0, "it is read-only")
    part = path.with_name(f".{os.getpid()}.part")
    try:
        part.write_bytes(data)
        if path.exists():
            part.chmod(path.stat().st_mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
