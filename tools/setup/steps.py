# SPDX-License-Identifier: MIT
"""One step of set-up: a line that says so, and a program of somebody else's that is only heard when it fails."""

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
