# SPDX-License-Identifier: MIT
"""Reading and writing whole files for commands: what can go wrong is one clear line."""

from pathlib import Path

from simulator.errors import UserError


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError("no_such_file", f"cannot read {path}: {error.strerror}") from None


def write_file(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UserError("cannot_write", f"cannot write {path}: {error.strerror}") from None
