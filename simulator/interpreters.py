# SPDX-License-Identifier: MIT
"""The interpreters that can run the firmware on this machine: MicroPython's unix port (32 and 64 bit) and CPython.

`make setup` puts the two MicroPythons below `.tools/bin/`; nothing else is looked at, so every run uses the same ones.
The 32-bit one has the object sizes and the small integers of an ESP32: heap figures come from it.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from simulator.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".tools" / "bin"
NAMES = ("micropython32", "micropython", "cpython")  # the best one first
_HEAP = re.compile(r"[1-9][0-9]*[kKmM]?")
_VERSION = "import sys; print('MicroPython %d.%d.%d' % sys.implementation[1][:3], 64 if sys.maxsize >> 31 else 32)"


@dataclass(frozen=True)
class Interpreter:
    """One way to run device code. `version` is for people, such as "MicroPython 1.25.0, 32 bit"."""

    name: str
    path: Path
    version: str

    @property
    def is_micropython(self) -> bool:
        return self.name != "cpython"

    def argv(self, script: Path | str, *args: str | Path, heap: str | None = None) -> list[str]:
        """The command that runs `script`; `heap` ("96k", "2m", bytes without a suffix) limits MicroPython's heap.

        CPython has no such limit and ignores `heap`. It leaves no .pyc files beside the firmware.
        """
        if heap is not None and not _HEAP.fullmatch(heap):
            raise UserError("bad_heap", f"heap size {heap!r} is not a number of bytes such as 96k")
        command = [str(self.path)]
        if not self.is_micropython:
            command += ["-B"]
        elif heap is not None:
            command += ["-X", "heapsize=" + heap]
        return [*command, str(script), *map(str, args)]


@cache
def _probe(path: Path) -> str:
    """What the MicroPython at `path` calls itself; UserError if it does not start."""
    try:
        done = subprocess.run([path, "-c", _VERSION], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError("no_interpreter", f"{path} does not start ({error}): run `make clean setup`") from error
    version, bits = done.stdout.rsplit(maxsplit=1)
    return f"{version}, {bits} bit"


def find(name: str) -> Interpreter:
    """The interpreter with this name (one of NAMES), ready to run; UserError `no_interpreter` with the remedy."""
    if name == "cpython":
        return Interpreter(name, Path(sys.executable), "CPython " + sys.version.split()[0])
    if name not in NAMES:
        raise UserError("no_interpreter", f"no interpreter is called {name!r}: choose one of {', '.join(NAMES)}")
    path = BIN / name
    if not path.exists():
        raise UserError("no_interpreter", f"{name} is not set up: run `make setup`, which says why it may be left out")
    return Interpreter(name, path, _probe(path))


def available() -> list[Interpreter]:
    """All interpreters of this machine, the best one first. One that is there but broken is a UserError."""
    return [find(name) for name in NAMES if name == "cpython" or (BIN / name).exists()]


def best() -> Interpreter:
    """What commands use when nobody chooses: the closest to an ESP32 that is available."""
    return available()[0]
