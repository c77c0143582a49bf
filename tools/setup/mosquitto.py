# SPDX-License-Identifier: MIT
"""mosquitto, the MQTT broker that judges our MQTT layer in tests/wire, as `.tools/bin/mosquitto`.

The one of this machine if there is one. Otherwise the package of this machine's own release with the libraries that
are missing here, unpacked but not installed: all others are there already, so this is less than a megabyte.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from simulator.errors import UserError
from tools.setup.apt import PrivateApt, native_architecture
from tools.setup.steps import say, with_libraries, write_starter

OLDEST = (2, 0)  # from here on it listens on loopback only unless told otherwise


def ensure(tools: Path, apt: PrivateApt | None = None) -> None:
    """Makes the starter if it is missing or no longer works; UserError with the reason if that is impossible.

    `apt` is by default that of this machine's release, with its state below `tools` until it is done.
    """
    starter = tools / "bin" / "mosquitto"
    if _version(starter):
        return
    if own := _of_this_machine():
        write_starter(starter, f'"{own}"')
        return
    apt = apt or PrivateApt.of_this_machine(tools / "apt-own")
    say("mosquitto from Debian's packages")
    try:
        apt.unpack(apt.missing("mosquitto"), native_architecture(), tools / "mosquitto")
    finally:
        apt.clean()
    write_starter(starter, with_libraries(tools / "mosquitto", "usr/sbin/mosquitto"))
    if not _version(starter):
        starter.unlink()
        raise UserError("left_out", "mosquitto of Debian's packages does not run on this machine")


def _of_this_machine() -> str | None:
    """Debian installs it where only root's PATH looks."""
    found = shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
    return found if found and _version(Path(found)) >= OLDEST else None


def _version(program: Path) -> tuple[int, ...]:
    """(major, minor), or () if it does not start. Its help ends with an exit status of its own."""
    try:
        done = subprocess.run([program, "-h"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"^mosquitto version (\d+)\.(\d+)", done.stdout, re.MULTILINE)
    return tuple(map(int, found.groups())) if found else ()
