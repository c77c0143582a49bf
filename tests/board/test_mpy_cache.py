# SPDX-License-Identifier: MIT
"""Compiled modules are kept for the next process, and never mistaken for others."""

import threading
from pathlib import Path

import pytest

from simulator.board import build, mpy_cache


class Compiler:
    """Makes what nobody else makes; `runs` counts."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self) -> bytes:
        self.runs += 1
        return b"code %d" % self.runs


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(mpy_cache, "FOLDER", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def compiler() -> Compiler:
    return Compiler()


def test_what_was_compiled_is_not_compiled_again(compiler: Compiler) -> None:
    assert [mpy_cache.get(["-O0"], b"x = 1", compiler) for _ in range(3)] == [b"code 1"] * 3


def test_another_source_and_other_flags_are_other_modules(compiler: Compiler) -> None:
    hows = ((["-O0"], b"x = 1"), (["-O0"], b"x = 2"), (["-O3"], b"x = 1"), (["-O", "0"], b"x = 1"))
    assert len({mpy_cache.get(how, source, compiler) for how, source in hows}) == len(hows)


def test_a_file_that_a_power_cut_left_empty_is_made_anew(compiler: Compiler, folder: Path) -> None:
    mpy_cache.get(["-O0"], b"x = 1", compiler)
    (kept,) = folder.iterdir()
    kept.write_bytes(b"")
    assert mpy_cache.get(["-O0"], b"x = 1", compiler) == b"code 2"
    assert [file.read_bytes() for file in folder.iterdir()] == [b"code 2"]


def test_without_a_place_to_keep_it_is_made_each_time(compiler: Compiler, folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    assert [mpy_cache.get(["-O0"], b"x = 1", compiler) for _ in range(2)] == [b"code 1", b"code 2"]


def test_those_who_compile_the_same_at_once_disturb_nobody(folder: Path) -> None:
    code, gate, got = b"c" * 100_000, threading.Barrier(8), []

    def compiled() -> bytes:
        gate.wait(10)
        return code

    threads = [threading.Thread(target=lambda: got.append(mpy_cache.get([], b"", compiled))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert got == [code] * 8
    assert [file.read_bytes() for file in folder.iterdir()] == [code]


def test_a_line_that_was_changed_is_compiled_and_nothing_else(tmp_path: Path, folder: Path) -> None:
    for number in range(3):
        (tmp_path / f"m{number}.py").write_text(f"X = {number} + 0xcafe\n")
    before = build.compile_tree(tmp_path)
    (tmp_path / "m1.py").write_text("X = 4711\n")
    build.compile_module.cache_clear()  # as in another process
    after = build.compile_tree(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"m1.py", "m1.mpy"}
    assert len(list(folder.iterdir())) == 4
