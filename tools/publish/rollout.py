# SPDX-License-Identifier: MIT
"""Watches a fleet take a release, live, and stops it by rule: the release is taken back."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from simulator.clouds.broker.scheme import Names
from tools.publish.fleet import FAILED, UPDATED, Count, Device, Fleet, Rule, count, end_of
from tools.publish.line import Line

_TURN_S = 0.25  # between two looks at the clock
_SETTLE_S = 1.5  # until who is there is known
_ROWS = 40
_STYLES = {UPDATED: "green", FAILED: "red"}


@dataclass(frozen=True)
class Target:
    """What is rolled out: `topic` of the release, `job` as devices call it."""

    topic: str
    kind: str
    job: str
    title: str
    version: str
    size: int


@dataclass(frozen=True)
class Result:
    """`why`: "done", "stopped" or "timeout"."""

    why: str
    count: Count

    def as_dict(self) -> dict[str, Any]:
        counted = {"updated": self.count.updated, "failed": self.count.failed, "others": self.count.others}
        return {"schema": 1, "result": self.why, **counted}


def watch(
    line: Line,
    names: Names,
    target: Target,
    rule: Rule | None,
    expected: int,
    timeout_s: float,
    stop: Callable[[], object],
    console: Console,
) -> Result:
    """Until all have answered, at least `expected` of them, the rule is broken, or the time is over.

    Calls `stop` once when the rule is broken.
    """
    fleet = Fleet(names)
    line.listen(*fleet.filters)
    begun = time.monotonic()
    says = _Saying(console)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            is_quiet = _hear(line, fleet)
            audience = fleet.audience(target.topic, target.kind)
            counted = count(audience, target.kind, target.job, target.version)
            if console.is_terminal:
                live.update(_picture(audience, target, counted, expected), refresh=True)
            says.changes(audience, target)
            passed_s = time.monotonic() - begun
            is_known = passed_s > _SETTLE_S  # before that not all may have come that is retained
            if rule and is_known and rule.is_broken(counted):
                stop()
                return Result("stopped", counted)
            if is_known and is_quiet and counted.others == 0 and counted.answered >= max(expected, 1):
                return Result("done", counted)
            if passed_s > timeout_s:
                return Result("timeout", counted)


def _hear(line: Line, fleet: Fleet) -> bool:
    """Takes in what comes in a turn; True when there was a turn without anything."""
    end = time.monotonic() + _TURN_S
    is_quiet = True
    while message := line.next(end - time.monotonic()):
        fleet.hear(*message)
        is_quiet = False
        if time.monotonic() > end:
            break
    return is_quiet


class _Saying:
    """A line for each end, where there is no terminal to draw on."""

    def __init__(self, console: Console) -> None:
        self._told: dict[str, str] = {}
        self._is_plain = not console.is_terminal

    def changes(self, audience: list[Device], target: Target) -> None:
        if not self._is_plain:
            return
        for device in audience:
            end = end_of(device, target.kind, target.job, target.version)
            if end and self._told.get(device.name) != end:
                self._told[device.name] = end
                error = device.jobs[target.kind].get("error", "")
                print(f"{device.name} {end}{' ' + error if error else ''}", file=sys.stderr, flush=True)


def table(devices: list[Device], kind: str, job: str | None = None) -> Table:
    """A line a device. `job`: only what is told of that one is shown."""
    found = Table(box=None, pad_edge=False)
    for name in ("device", "line", "runs", "state", "detail"):
        found.add_column(name)
    for device in devices[:_ROWS]:
        told = device.jobs.get(kind, {})
        told = told if job in (None, told.get("id")) else {}
        state = told.get("state", "")
        percent = device.progress.get(kind)
        detail = told.get("error") or (f"{percent} %" if percent is not None and state == "DOWNLOADING" else "")
        detail = detail or str(device.status.get("reason") or device.error or "")
        line = {True: "on", False: "off", None: "-"}[device.is_online]
        found.add_row(
            Text(device.name), line, Text(device.running.get(kind, "-")), Text(state, _STYLES.get(state, "")),
            Text(detail),
        )  # fmt: skip
    if len(devices) > _ROWS:
        found.add_row(f"and {len(devices) - _ROWS} more", "", "", "", "")
    return found


def _picture(audience: list[Device], target: Target, counted: Count, expected: int) -> Group:
    total = max(len(audience), expected, 1)
    text = Text.assemble(
        f"{target.title} {target.version}: ", (f"{counted.updated} updated", "green"), ", ",
        (f"{counted.failed} failed", "red" if counted.failed else ""), f", {total - counted.answered} to answer",
    )  # fmt: skip
    return Group(table(audience, target.kind, target.job), text, ProgressBar(total, counted.answered))
