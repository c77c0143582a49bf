# SPDX-License-Identifier: MIT
"""The seven traps of DTLS on MicroPython (lwm2m.md 6): each has a test that bears its name; the seventh is here."""

import ast
import re
import subprocess
import sys

import pytest

from simulator.breakage import FIRMWARE
from simulator.interpreters import ROOT

PLACES = ["device/test_dtls.py", "device/test_dtls_lockstep.py", "unit/test_dtls.py", "agent/lwm2m/test_dtls.py"]
PLACES += ["budget/test_memory.py", "infra/test_dtls_traps.py"]


def test_every_trap_has_a_test_that_bears_its_name() -> None:
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", *(f"tests/{place}" for place in PLACES)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert sorted(set(re.findall(r"::test_trap_(\d+)_", done.stdout))) == list("1234567")


def imported(source: str) -> set[str]:
    """The modules that a program imports, anywhere in it, by statement or by name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
            found |= {value.value for value in node.args[:1] if isinstance(value, ast.Constant)}
    return found


def test_trap_7_no_file_of_the_firmware_imports_ssl() -> None:
    """It is a Python module over `tls`, which a build may leave out."""
    users = {}
    for file in FIRMWARE.rglob("*.py"):
        modules = imported(file.read_text())
        assert not modules & {"ssl", "ussl"}, file
        users[file.relative_to(FIRMWARE).as_posix()] = "tls" in modules
    assert sorted(name for name, uses in users.items() if uses) == ["ota/coap/dtls.py", "ota/credentials.py"]


@pytest.mark.parametrize(
    "line", ["import ssl", "import os, ssl", "from ssl import SSLContext", "def f():\n import ssl", '__import__("ssl")']
)
def test_trap_7_would_be_noticed(line: str) -> None:
    assert "ssl" in imported(line)
