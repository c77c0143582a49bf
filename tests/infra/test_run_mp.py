# SPDX-License-Identifier: MIT
"""The runner of the unit tests on MicroPython: it counts right and passes over nothing silently."""

from pathlib import Path

import pytest

from simulator import interpreters
from tests import run_mp

MIXED = """
def helper():
    raise RuntimeError

def test_good():
    assert 1 + 1 == 2

def test_bad():
    assert 1 + 1 == 3
"""


@pytest.fixture
def micropython() -> str:
    """The name of a MicroPython of this machine."""
    names = [found.name for found in interpreters.available() if found.is_micropython]
    if not names:
        pytest.skip("no MicroPython on this machine")
    return names[0]


@pytest.fixture(autouse=True)
def outside_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)


def write(folder: Path, text: str) -> Path:
    file = folder / "test_sample.py"
    file.write_text(text)
    return file


def test_run_file_counts_and_shows_the_failure(tmp_path, micropython):
    outcome = run_mp.run_file(write(tmp_path, MIXED), micropython)
    assert outcome[:3] == (1, 1, 0)
    assert "FAILED test_bad" in outcome.text
    assert "AssertionError" in outcome.text


@pytest.mark.parametrize(
    "text", ["import nothing_of_this_name", "def test_exit():\n    raise SystemExit(0)", "", "def helper(): pass"]
)
def test_run_file_that_dies_or_has_no_tests_is_a_failure(tmp_path, micropython, text):
    assert run_mp.run_file(write(tmp_path, text), micropython)[:3] == (0, 1, 0)


def test_run_file_that_hangs_is_a_failure(tmp_path, micropython, monkeypatch):
    monkeypatch.setattr(run_mp, "LIMIT_S", 0.1)
    outcome = run_mp.run_file(write(tmp_path, "while True: pass"), micropython)
    assert outcome[:3] == (0, 1, 0)
    assert "no end within" in outcome.text


def test_run_file_finds_the_firmware_and_its_own_folder(tmp_path, micropython):
    (tmp_path / "helpers.py").write_text("answer = 42")
    text = "import helpers\nfrom ota import errors\ndef test_path():\n    assert helpers.answer == 42 and errors"
    assert run_mp.run_file(write(tmp_path, text), micropython)[:3] == (1, 0, 0)


def test_main_closing_line_and_status(tmp_path, capsys):
    write(tmp_path, "def test_good(): pass")
    assert run_mp.main(tmp_path) == 0
    count = len([found for found in interpreters.available() if found.is_micropython])
    assert capsys.readouterr().out.splitlines()[-1] == f"{count} passed, 0 failed, {2 - count} skipped"


def test_main_fails_when_a_test_fails(tmp_path, capsys, micropython):
    write(tmp_path, MIXED)
    assert run_mp.main(tmp_path) == 1


def test_main_fails_when_there_is_nothing_to_run(tmp_path, capsys):
    assert run_mp.main(tmp_path) == 1
    assert capsys.readouterr().out == "0 passed, 0 failed, 0 skipped\n"


def test_main_without_micropython_names_each_skip_and_fails_in_ci(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(interpreters, "BIN", tmp_path)
    write(tmp_path, "def test_good(): pass")
    assert run_mp.main(tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "0 passed, 0 failed, 2 skipped"
    assert all("skipped: micropython" in line and "make setup" in line for line in lines[:2])
    monkeypatch.setenv("CI", "1")
    assert run_mp.main(tmp_path) == 1
