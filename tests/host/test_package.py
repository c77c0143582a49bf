# SPDX-License-Identifier: MIT
"""What mip and a MicroPython build are told to take is what there is."""

import json

from simulator.interpreters import ROOT

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
