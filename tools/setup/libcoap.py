# SPDX-License-Identifier: MIT
"""libcoap's server and client, which judge our CoAP in tests/wire, as `.tools/bin/coap-server` and `coap-client`.

Unpacked from the package of this machine's own release, as mosquitto is; the ones with DTLS by OpenSSL.
"""

import re
import subprocess
from pathlib import Path

from simulator.errors import UserError
from tools.setup.apt import PrivateApt, native_architecture
from tools.setup.steps import say, with_libraries, write_starter

PACKAGE = "libcoap3-bin"
PROGRAMS = ("coap-server", "coap-client")
OLDEST = (4, 3)
_VARIANT = "-openssl"


def ensure(tools: Path, apt: PrivateApt | None = None) -> None:
    """Makes both starters if one is missing or no longer works; UserError with the reason if that is impossible.

    `apt` is by default that of this machine's release, with its state below `tools` until it is done.
    """
    if all(_version(tools / "bin" / name) >= OLDEST for name in PROGRAMS):
        return
    apt = apt or PrivateApt.of_this_machine(tools / "apt-own")
    say("libcoap from Debian's packages")
    try:
        apt.unpack(apt.missing(PACKAGE), native_architecture(), tools / "libcoap")
    finally:
        apt.clean()
    for name in PROGRAMS:
        starter = tools / "bin" / name
        write_starter(starter, with_libraries(tools / "libcoap", f"usr/bin/{name}{_VARIANT}"))
        if _version(starter) < OLDEST:
            starter.unlink()
            raise UserError("left_out", f"{name} of Debian's packages does not run on this machine")


def _version(program: Path) -> tuple[int, ...]:
    """(major, minor), or () if it does not start. It says so among its usage, and exits with 1."""
    try:
        done = subprocess.run([program, "-?"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"^\S*coap-\S+ v(\d+)\.(\d+)", done.stdout + done.stderr, re.MULTILINE)
    return tuple(map(int, found.groups())) if found else ()
