# SPDX-License-Identifier: MIT
"""`python -m simulator sizes` prints what it promises, and says no when a limit is broken."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from simulator import interpreters, memory
from simulator.commands.sizes import command
from simulator.interpreters import Interpreter
from simulator.ways import WAYS

WITHIN = dict.fromkeys(WAYS, (80, 66.0))


def sizes(*args: str) -> Result:
    return CliRunner().invoke(command, args, catch_exceptions=False)


def has_every_figure(facts: dict[str, Any], both: list[Interpreter]) -> None:
    assert facts["image_size"] == memory.QUICK_SIZE and facts["within_limits"] and facts["left_out"] == []
    assert {"name", "mpy", "mpy_o3", "is_late"} == set(facts["modules"][0])
    for interpreter in both:
        heap = facts["heaps"][interpreter.name]
        assert heap["bytes_per_block"] == 0 and heap["base"] < heap["smallest_k"] * 1024
    small = facts["heaps"]["micropython32"]
    assert small["smallest_k"] <= memory.LIMIT_K and small["board_k"] <= memory.BOARD_LIMIT_K
    assert set(small["ways_k"]) == set(WAYS)
    assert all(least_k <= memory.WAYS_LIMIT_K for least_k, _ in small["ways_k"].values())
    assert abs(small["smallest_k"] - small["in_flash"] / 1024 - small["board_k"]) < 0.11


@pytest.mark.timeout(300)
def test_sizes_has_every_figure_in_json_and_prints_modules_blocks_and_the_smallest_heap(
    both: list[Interpreter], monkeypatch: pytest.MonkeyPatch
):
    facts = json.loads(sizes("--quick", "--json").stdout)
    has_every_figure(facts, both)
    monkeypatch.setattr("simulator.commands.sizes.measure", lambda size: facts)  # once is long enough
    result = sizes("--quick")
    assert result.exit_code == 0
    rows = {line.split("  ")[0].strip(): line.split()[-1] for line in result.stdout.splitlines() if line}
    assert int(rows["ota.agent"].replace(",", "")) > 1000
    assert rows["allocated per block (bytes)"] == "0"
    assert f"Smallest heap for an update of {memory.QUICK_SIZE:,} bytes" in result.stdout
    assert all(rows[way].endswith("k") for way in WAYS)
    first, second = (int(rows[of].replace(",", "")) for of in ("the first session", "a second one beside it"))
    assert 20_000 < second < first < 80_000
    assert result.stdout.splitlines()[-1].startswith("limits (") and result.stdout.splitlines()[-1].endswith(": kept")


@pytest.mark.parametrize(
    "broken",
    [
        {"bytes_per_block": 16.0},
        {"smallest_k": 70},
        {"board_k": 56.1},
        {"smallest_k": None, "board_k": None},
        {"ways_k": WITHIN | {"RainMaker, HTTPS": (81, 66.0)}},
        {"ways_k": WITHIN | {"RainMaker, HTTPS": (None, None)}},
    ],
)
def test_sizes_exits_1_when_a_limit_is_broken(both: list[Interpreter], monkeypatch: pytest.MonkeyPatch, broken: dict):
    loaded = {"base": 1, "modules": {memory.STOCK: 1}, "names": 1, "total": 1}
    good = {"bytes_per_block": 0.0, "smallest_k": 69, "in_flash": 13312, "board_k": 56.0}
    good["ways_k"] = WITHIN
    monkeypatch.setattr(memory, "measure_heap", lambda *_: memory.Heap(**(loaded | good)))
    assert sizes("--json").exit_code == 0
    monkeypatch.setattr(memory, "measure_heap", lambda *_: memory.Heap(**(loaded | good | broken)))
    assert sizes("--json").exit_code == 1
    assert "BROKEN" in sizes().stdout


def test_sizes_without_micropython_says_what_is_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(interpreters, "available", lambda: [interpreters.find("cpython")])
    result = sizes()
    assert result.exit_code == 0 and "ota.agent" in result.stdout
    assert "micropython32 is left out" in result.stderr and "micropython is left out" in result.stderr
