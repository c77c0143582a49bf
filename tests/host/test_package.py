# SPDX-License-Identifier: MIT
"""What mip and a MicroPython build are told to take is what there is."""

import json
import shutil
from pathlib import Path

import pytest

from simulator import interpreters
from simulator.errors import UserError
from simulator.interpreters import ROOT
from tests.agent.harness import GOOD, TITLE, World, firmware, small_app
from tools import make_mpy

FIRMWARE = ROOT / "firmware"


def test_package_json_lists_every_file_of_the_agent_and_no_other():
    listed = json.loads((FIRMWARE / "package.json").read_text())["urls"]
    files = sorted(path.relative_to(FIRMWARE).as_posix() for path in FIRMWARE.glob("ota/**/*.py"))
    assert listed == [[name, name] for name in files]


def test_package_json_has_the_version_of_the_agent():
    version = json.loads((FIRMWARE / "package.json").read_text())["version"]
    assert f'__version__ = "{version}"' in (FIRMWARE / "ota" / "__init__.py").read_text()


def test_manifest_freezes_the_agent_and_its_product():
    told = []
    names = {
        "include": lambda path: None,
        "package": lambda name, opt: told.append(name),
        "module": lambda name, opt: told.append(name),
    }
    exec((FIRMWARE / "manifest.py").read_text(), names)
    assert sorted(told) == sorted(
        path.name for path in FIRMWARE.iterdir() if path.name in ("ota", "boot.py", "main.py", "app.py")
    )


def test_compiled_agent_has_every_file_and_a_list_of_them(tmp_path: Path):
    total = make_mpy.make(tmp_path)
    listed = json.loads((tmp_path / "package.json").read_text())
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.mpy"))
    assert listed["urls"] == [[name, name] for name in files]
    plain = json.loads((FIRMWARE / "package.json").read_text())
    assert [name.replace(".mpy", ".py") for name in files] == [name for name, _ in plain["urls"]]
    assert listed["version"] == plain["version"]
    assert sum((tmp_path / name).stat().st_size for name in files) == total


@pytest.mark.parametrize("name", ["micropython32", "micropython"])
def test_board_with_the_compiled_agent_in_lib_is_updated(tmp_path: Path, name: str):
    try:
        interpreter = interpreters.find(name)
    except UserError as missing:
        pytest.skip(missing.text)
    make_mpy.make(tmp_path / "lib")
    for file in ("boot.py", "main.py", "app.py"):
        shutil.copy(FIRMWARE / file, tmp_path)
    world = World(interpreter, small_app(100_000, "1.0.0"), files=tmp_path)
    try:
        world.offer(data=firmware("1.1.0"))
        world.wait("UPDATED")
        assert world.states == [*GOOD]
        assert world.told("current_fw_title")[-1] == TITLE
    finally:
        world.twin.board.close()
