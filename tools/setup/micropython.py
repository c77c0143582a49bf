# SPDX-License-Identifier: MIT
"""MicroPython's unix port for this machine, as `.tools/bin/micropython32` and `.tools/bin/micropython`.

They are Debian 13's packages with their own C library, unpacked but not installed, and started through their own
loader: so they run on older systems, too (design.md 6). A new enough `micropython` on PATH is used as it is.
"""

import shutil
import subprocess
from pathlib import Path

from simulator.errors import UserError
from tools.setup.apt import PrivateApt, native_architecture
from tools.setup.steps import say, write_starter

PACKAGES = ["micropython", "libc6", "libffi8", "libmbedcrypto16", "libmbedtls21", "libmbedx509-7"]
OLDEST = (1, 24)
_VERSION = "import sys; print(sys.implementation[1][0], sys.implementation[1][1])"


def ensure(tools: Path, apt: PrivateApt) -> dict[str, str]:
    """Makes both if they are missing; returns the reason for each one this machine cannot have."""
    left_out = {}
    for name in ("micropython32", "micropython"):
        starter = tools / "bin" / name
        if _version(starter):
            continue
        try:
            _make(name, starter, tools / "micropython", apt)
        except UserError as error:
            left_out[name] = error.text
    return left_out


def _make(name: str, starter: Path, unpacked: Path, apt: PrivateApt) -> None:
    on_path = shutil.which("micropython")
    if name == "micropython" and on_path and _version(Path(on_path)) >= OLDEST:
        write_starter(starter, f'"{on_path}"')
        return
    architecture = _architecture(name)
    say(f"{name} for {architecture} from Debian's packages")
    apt.unpack(PACKAGES, architecture, unpacked / architecture)
    write_starter(starter, _through_loader(unpacked / architecture))
    if not _version(starter):
        starter.unlink()
        raise UserError("left_out", f"programs for {architecture} do not run on this machine")


def _architecture(name: str) -> str:
    native = native_architecture()
    if name == "micropython":
        return native
    if native != "amd64":
        raise UserError("left_out", f"32-bit programs for i386 do not run on {native}")
    return "i386"


def _through_loader(folder: Path) -> str:
    """The command that starts an unpacked MicroPython; found from where the starter is, so the project can move."""
    (libc,) = folder.glob("usr/lib/*/libc.so.6")
    (loader,) = libc.parent.glob("ld-linux*.so*")
    root = f"${{0%/*}}/../{folder.parent.name}/{folder.name}"
    libraries = f"{root}/{libc.parent.relative_to(folder)}"
    return f'"{libraries}/{loader.name}" --library-path "{libraries}" "{root}/usr/bin/micropython"'


def _version(program: Path) -> tuple[int, ...]:
    """(major, minor), or () if it does not start."""
    try:
        done = subprocess.run([program, "-c", _VERSION], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return () if done.returncode else tuple(map(int, done.stdout.split()))
