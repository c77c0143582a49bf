# SPDX-License-Identifier: MIT
"""Finding interpreters and starting scripts on them."""

import subprocess
from pathlib import Path

import pytest

from simulator import interpreters
from simulator.errors import UserError
from simulator.interpreters import Interpreter

ECHO = "import sys; print(sys.implementation.name if hasattr(sys.implementation, 'name') else '?', *sys.argv[1:])"
FILL = "data = []\nwhile len(data) < 400:\n    data.append(bytearray(1000))\nprint('fits')"


@pytest.fixture
def bin_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(interpreters, "BIN", tmp_path)
    return tmp_path


def fake(path: Path, output: str, status: int = 0) -> None:
    path.write_text(f"#!/bin/sh\necho {output}\nexit {status}\n")
    path.chmod(0o755)


def run(interpreter: Interpreter, script: Path, *args: str, heap: str | None = None) -> str:
    command = interpreter.argv(script, *args, heap=heap)
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def test_argv_runs_a_script_with_its_arguments(interpreter, tmp_path):
    script = tmp_path / "echo.py"
    script.write_text(ECHO)
    name = "micropython" if interpreter.is_micropython else "cpython"
    assert run(interpreter, script, "one", "two").split() == [name, "one", "two"]


def test_argv_heap_limits_micropython_and_nothing_else(interpreter, tmp_path):
    script = tmp_path / "fill.py"
    script.write_text(FILL)
    small = run(interpreter, script, heap="96k")
    assert ("MemoryError" in small) == interpreter.is_micropython
    assert run(interpreter, script, heap="2m").strip() == "fits"


@pytest.mark.parametrize("heap", ["", "0", "96 k", "96kb", "-1", "1.5m"])
def test_argv_refuses_a_heap_that_micropython_would_misread(heap):
    with pytest.raises(UserError) as refused:
        interpreters.find("cpython").argv("x.py", heap=heap)
    assert refused.value.code == "bad_heap"


def test_version_names_the_word_size(interpreter):
    words = {"micropython32": ", 32 bit", "micropython": ", 64 bit", "cpython": ""}
    assert interpreter.version.endswith(words[interpreter.name])
    assert interpreter.version.startswith("MicroPython 1." if interpreter.is_micropython else "CPython 3.")


def test_find_missing_says_how_to_get_it(bin_folder):
    with pytest.raises(UserError) as missing:
        interpreters.find("micropython32")
    assert missing.value.code == "no_interpreter"
    assert "make setup" in missing.value.text


def test_find_unknown_lists_the_names():
    with pytest.raises(UserError) as unknown:
        interpreters.find("pypy")
    assert unknown.value.code == "no_interpreter"
    assert all(name in unknown.value.text for name in interpreters.NAMES)


def test_find_broken_program_is_one_clear_line(bin_folder):
    fake(bin_folder / "micropython32", "cannot open shared object file", status=127)
    with pytest.raises(UserError) as broken:
        interpreters.find("micropython32")
    assert broken.value.code == "no_interpreter"
    assert "\n" not in broken.value.text


def test_best_prefers_32_bit_then_64_bit_then_cpython(bin_folder):
    assert interpreters.best().name == "cpython"
    fake(bin_folder / "micropython", "MicroPython 1.25.0 64")
    assert interpreters.best().name == "micropython"
    fake(bin_folder / "micropython32", "MicroPython 1.25.0 32")
    assert interpreters.best().name == "micropython32"
    assert [found.name for found in interpreters.available()] == list(interpreters.NAMES)
