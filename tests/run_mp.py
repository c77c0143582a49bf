# SPDX-License-Identifier: MIT
"""Runs the plain test functions of tests/unit on MicroPython, 32 and 64 bit: `make test-mp`.

One process per file and interpreter; one line each, then `N passed, N failed, N skipped`. Exit status 1 if anything
failed or nothing ran. An interpreter this machine lacks skips its files by name; in CI that is a failure.
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from simulator import interpreters  # noqa: E402  (this file is a program, its folder is on the path, not the root)
from simulator.errors import UserError  # noqa: E402

RUNNER = ROOT / "tests" / "mp_main.py"
FOLDERS = (ROOT / "firmware", ROOT / ".tools" / "umqtt")  # a board has umqtt.simple frozen in
LIMIT_S = 120


class Outcome(NamedTuple):
    """Counts of test functions; a skip counts files, as their functions are unknown. `text` is what to print."""

    passed: int
    failed: int
    skipped: int
    text: str


def run_file(test: Path, name: str) -> Outcome:
    """One test file on the interpreter called `name`. A crash, a hang or a file without tests is one failure."""
    label = f"{name:14} {test.name:32}"
    try:
        command = interpreters.find(name).argv(RUNNER, test.stem, test.parent, *FOLDERS)
    except UserError as missing:
        return Outcome(0, 0, 1, f"{label} skipped: {missing.text}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return Outcome(0, 1, 0, f"{label} FAILED: no end within {LIMIT_S} s")
    output = done.stdout + done.stderr
    closing = re.search(r"^ran (\d+) (\d+)$", output, re.MULTILINE)
    passed, failed = map(int, closing.groups()) if closing else (0, 0)
    if done.returncode or passed + failed == 0:
        failed += 1
    verdict = f"FAILED {failed}, passed {passed}\n{output.rstrip()}" if failed else f"passed {passed}"
    return Outcome(passed, failed, 0, f"{label} {verdict}")


def main(folder: Path = ROOT / "tests" / "unit") -> int:
    """Runs every file of `folder` on both MicroPythons, two at a time; returns the exit status."""
    pairs = [(test, name) for name, test in product(("micropython32", "micropython"), sorted(folder.glob("test_*.py")))]
    passed = failed = skipped = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for outcome in pool.map(lambda pair: run_file(*pair), pairs):
            print(outcome.text, flush=True)
            passed, failed, skipped = passed + outcome.passed, failed + outcome.failed, skipped + outcome.skipped
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    if os.environ.get("CI") and skipped:
        return 1
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
