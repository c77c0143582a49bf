# SPDX-License-Identifier: MIT
"""`make setup`: everything the project needs, inside its own folder, without root. Standard library only.

    .venv/     Python packages, pinned in requirements/
    .tools/    MicroPython for this machine, umqtt.simple; for the tests a stock MicroPython image, mosquitto, libcoap,
               a LwM2M server on Node.js, and the official clients of the clouds
    typings/   type stubs of the board's modules (only with --lint)

Each part looks first whether it is already there, so a second run takes no time and a broken one goes on where it
stopped. What a machine cannot have is left out and named; with `CI` in the environment that is an error.
"""

import os
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 (whoever starts it may have an older one)
    sys.exit("error[python_too_old]: Python 3.11 or newer is needed: try `make PYTHON=python3.12 setup`")

from simulator.errors import UserError
from tools.setup import libcoap, lwm2m_node, micropython, mosquitto, sources, venv
from tools.setup.apt import PrivateApt
from tools.setup.steps import say

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ROOT / ".tools"


def leave_out(what: str, reason: str, instead: str) -> None:
    """Names a part this machine cannot have and how things go on; nothing may be missing in CI."""
    if os.environ.get("CI"):
        raise UserError("left_out", f"{what}: {reason}")
    say(f"left out {what}: {reason}; {instead}, `make setup` tries again")


def set_up(lint: bool) -> None:
    """All parts in order. Raises UserError when one fails that nothing works without."""
    apt = PrivateApt(TOOLS / "apt")
    python = venv.ensure(ROOT / ".venv", apt)
    venv.install(python, ROOT / "requirements" / "run.txt")
    sources.ensure_umqtt(python, TOOLS / "umqtt")
    sources.ensure_stock_image(python, TOOLS / "stock")
    left_out = micropython.ensure(TOOLS, apt)
    for reason in dict.fromkeys(left_out.values()):
        leave_out(", ".join(name for name in left_out if left_out[name] == reason), reason, "CPython runs everything")
    try:
        mosquitto.ensure(TOOLS)
    except UserError as error:
        leave_out("mosquitto", error.text, "its tests are skipped")
    try:
        libcoap.ensure(TOOLS)
    except UserError as error:
        leave_out("libcoap", error.text, "its tests are skipped")
    try:
        lwm2m_node.ensure(python, ROOT / "requirements" / "node.txt", TOOLS)
    except UserError as error:
        leave_out("FIWARE's LwM2M server", error.text, "its tests are skipped")
    try:
        for name in ("tb-client", "tb-rest", "rm-cli", "rm-cli-old"):
            venv.install_apart(python, ROOT / "requirements" / f"{name}.txt", TOOLS / name)
    except UserError as error:
        leave_out("the clouds' official clients", error.text, "their tests are skipped")
    if lint:
        venv.install(python, ROOT / "requirements" / "lint.txt")
        venv.install_stubs(python, ROOT / "requirements" / "typings.txt", ROOT / "typings")
    apt.clean()
    (TOOLS / "stamp").touch()


def main() -> int:
    try:
        set_up(lint="--lint" in sys.argv[1:])
    except UserError as error:
        print(f"error[{error.code}]: {error.text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
