# SPDX-License-Identifier: MIT
"""Small programs on a virtual board. `check.py`, frozen beside each program, is what device-side tests use."""

import tempfile
from pathlib import Path

from simulator.board.build import build_firmware
from simulator.board.lockstep import Lockstep
from simulator.interpreters import Interpreter

PROGRAMS = Path(__file__).parent / "programs"


def image(files: dict[str, str]) -> bytes:
    """An app image with these frozen modules."""
    with tempfile.TemporaryDirectory() as folder:
        for name, source in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return build_firmware(folder, "test", "1.0.0")


def board(interpreter: Interpreter, main: str = "", **options) -> Lockstep:
    """A board whose image has `main` as main.py; `files` are further frozen modules."""
    files = {"main.py": main} if main else {}
    return Lockstep(interpreter, image(files | options.pop("frozen", {})), **options)


def console(interpreter: Interpreter, main: str, **options) -> list[str]:
    """What the program prints until it ends."""
    with board(interpreter, main, **options) as twin:
        assert twin.run(at_repl, timeout_s=600), f"{twin.why}: {twin.story.lines}"
        return twin.story.lines


def at_repl(event: dict) -> bool:
    return event["event"] == "repl"


def printed(text: str):
    """A condition: the board prints a line that starts like this."""
    return lambda event: event["event"] == "console" and event["line"].startswith(text)


def events(twin: Lockstep, kind: str, *keys: str) -> list:
    """The values of these keys of all events of a kind: plain ones for one key, else tuples."""
    rows = [tuple(event[key] for key in keys) for event in twin.story.events if event["event"] == kind]
    return [row[0] for row in rows] if len(keys) == 1 else rows
