# SPDX-License-Identifier: MIT
"""What mpy-cross has made, kept for the next process: a command compiles 170 modules before its board starts.

A file below build/ for each module, named by everything that decides about its content, so it is never wrong and
never changes; `make clean` removes them. Processes may write the same one at once: each gives a whole file its name.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from simulator.interpreters import ROOT

FOLDER = ROOT / "build" / "mpy-cache"


def get(how: Iterable[str], source: bytes, compiled: Callable[[], bytes]) -> bytes:
    """What `compiled` makes of `source`, or has made of it before; `how`: all else that it depends on."""
    key = hashlib.sha256()
    for part in (*map(str.encode, how), source):
        key.update(b"%d:%b" % (len(part), part))
    path = FOLDER / f"{key.hexdigest()}.mpy"
    with contextlib.suppress(OSError):
        if code := path.read_bytes():  # a file may be empty after a power cut
            return code
    code = compiled()
    with contextlib.suppress(OSError):  # no room, or nobody may write here: then it is made each time
        _keep(path, code)
    return code


def _keep(path: Path, code: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(code)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
