# SPDX-License-Identifier: MIT
"""The Python packages: a virtual environment that works on Debian without python3-venv, filled from pinned lists."""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from simulator.errors import UserError
from tools.setup.apt import PrivateApt
from tools.setup.steps import run, say


def ensure(folder: Path, apt: PrivateApt) -> Path:
    """A virtual environment with pip in `folder`; returns its Python."""
    python = folder / "bin" / "python"
    if not _works(python, "-c", "pass"):
        say("virtual environment in .venv")
        run("no_venv", sys.executable, "-m", "venv", "--clear", "--without-pip", folder)
    if not _works(python, "-m", "pip", "--version"):
        _add_pip(python, apt)
    return python


def install(python: Path, requirements: Path) -> None:
    """Installs a pinned list into the environment of `python`, unless exactly this list was installed before."""
    mark = python.parent.parent / ("installed-" + requirements.name)
    if _same(mark, requirements):
        return
    say(f"Python packages of {requirements.parent.name}/{requirements.name}, a minute the first time")
    run("pip_failed", *_pip(python), "install", "-r", requirements)
    shutil.copyfile(requirements, mark)


def install_apart(python: Path, requirements: Path, folder: Path) -> None:
    """A second environment, for packages that do not go together with ours, filled by the pip of `python`.

    It gets exactly what the list has, whatever else the packages would like to have.
    """
    mark = folder / ("installed-" + requirements.name)
    if _same(mark, requirements):
        return
    say(f"Python packages of {requirements.parent.name}/{requirements.name} in {folder.parent.name}/{folder.name}")
    run("no_venv", sys.executable, "-m", "venv", "--clear", "--without-pip", folder)
    run("pip_failed", *_pip(python), "--python", folder / "bin" / "python", "install", "--no-deps", "-r", requirements)
    shutil.copyfile(requirements, mark)


def install_stubs(python: Path, requirements: Path, folder: Path) -> None:
    """Puts type stubs into a folder of their own, where CPython does not find them."""
    mark = folder / "installed.txt"
    if _same(mark, requirements):
        return
    say("type stubs in typings")
    shutil.rmtree(folder, ignore_errors=True)
    run("pip_failed", *_pip(python), "install", "--target", folder, "-r", requirements)
    shutil.copyfile(requirements, mark)


def _add_pip(python: Path, apt: PrivateApt) -> None:
    """Python brings pip along, except Debian's, which keeps it in packages: one of them is just the wheel."""
    if find_spec("ensurepip"):
        run("no_pip", python, "-m", "ensurepip")
        return
    say("pip from Debian's python3-pip-whl, as this Python comes without")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            (package,) = apt.download(["python3-pip-whl"], "all", folder)
        except UserError as error:
            raise UserError("no_pip", f"this Python has no pip (install python3-venv): {error.text}") from error
        run("no_pip", "dpkg", "-x", package, folder)
        (wheel,) = folder.glob("usr/share/python-wheels/pip-*.whl")
        run("no_pip", python, wheel / "pip", "install", "--no-index", "-q", wheel)


def _pip(python: Path) -> list[str | Path]:
    return [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]


def _works(*command: str | Path) -> bool:
    return os.access(command[0], os.X_OK) and not subprocess.run(command, capture_output=True).returncode


def _same(mark: Path, requirements: Path) -> bool:
    return mark.exists() and mark.read_bytes() == requirements.read_bytes()
