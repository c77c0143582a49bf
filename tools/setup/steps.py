# SPDX-License-Identifier: MIT
"""What the steps of set-up share: a line that says so, programs of somebody else's, and starters for those we keep."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from simulator.errors import UserError


def say(text: str) -> None:
    print("setup: " + text, file=sys.stderr, flush=True)


def run(code: str, *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Its standard output. A program that fails or is missing raises UserError(code) with its last line of complaint.

    A download that hangs ends after ten minutes.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(code, f"{name}: {error}") from error
    if done.returncode:
        complaint = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise UserError(code, f"{name} failed with {done.returncode}: {complaint}")
    return done.stdout


def write_starter(starter: Path, command: str) -> None:
    """A shell script that becomes `command` with its own arguments; in it `${0%/*}` is the starter's folder."""
    starter.parent.mkdir(parents=True, exist_ok=True)
    starter.unlink(missing_ok=True)
    starter.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    starter.chmod(0o755)


def with_libraries(folder: Path, program: str) -> str:
    """The command that starts a program that was unpacked in `folder` with the libraries beside it.

    It is found from where the starter is, so the project can move.
    """
    root = f"${{0%/*}}/../{folder.name}"
    folders = sorted({library.parent.relative_to(folder) for library in folder.rglob("*.so.*")})
    libraries = ":".join(f"{root}/{path}" for path in folders)
    return f'env "LD_LIBRARY_PATH={libraries}" "{root}/{program}"'
