# SPDX-License-Identifier: MIT
"""What a board has told so far, read from the events of its power supply and the agent's console lines."""

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"ota ([a-z_]+)((?: [a-z_]+=.*)?)$")
_PAIR = re.compile(r" ([a-z_]+)=(.*?)(?= [a-z_]+=|$)")
_NO_STATES = ("progress", "running", "software", "warning", "offline")  # said again and again, or no step of an update


def parse_line(line: str) -> tuple[str, dict[str, str]] | None:
    """`ota STATE key=value ...` as (state, values); None for any other line. A value may have spaces in it."""
    found = _LINE.match(line)
    return (found[1], dict(_PAIR.findall(found[2]))) if found else None


@dataclass
class Story:
    """Feed it every event. `states`: the steps of updates in order; `version`: the last one that said it runs.

    `software`: the same of the application, where software packages are used.
    """

    events: list[dict] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    boots: int = 0
    slot: str | None = None
    version: str | None = None
    software: tuple[str | None, str | None] | None = None  # version and tree
    error: str | None = None
    written: int = 0  # bytes of flash

    def add(self, event: dict) -> None:
        self.events.append(event)
        if event["event"] == "boot":
            self.boots += 1
            self.slot = event["slot"]
        elif event["event"] == "flash" and event["operation"] == "write":
            self.written += event["size"]
        elif event["event"] == "console":
            self.lines.append(event["line"])
            said = parse_line(event["line"])
            if said:
                self._told(*said)

    def _told(self, state: str, values: dict[str, str]) -> None:
        if state == "running":
            self.version = values.get("version")
        elif state == "software":
            self.software = values.get("version"), values.get("tree")
        if state == "failed":
            self.error = values.get("error", state)
        if state not in _NO_STATES:
            self.states.append(state)


def says(event: dict, *states: str) -> bool:
    """Whether this event is the agent saying one of these states."""
    said = parse_line(event["line"]) if event["event"] == "console" else None
    return said is not None and said[0] in states
