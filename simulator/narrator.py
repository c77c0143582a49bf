# SPDX-License-Identifier: MIT
"""Tells a person on stderr what board and cloud are doing: one line a step, a bar for each pass over the slot."""

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from simulator.board.story import parse_line
from simulator.sides.side import FAILED, UPDATED, Told

_COLOURS = {UPDATED: "bold green", FAILED: "bold red"}
_CAUSES = {1: "power on", 2: "reset or crash", 3: "watchdog", 4: "deep sleep", 5: "soft reset"}
_PLAIN_STEP = 10  # percent between two lines when stderr is no terminal


class Narrator:
    """Feed it the events of a `Bench`, and to `told` what those of the cloud mean."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._plain: dict[str, int] = {}
        self._size = 0

    def headline(self, text: str) -> None:
        self._end_bars()
        self._console.print(f"\n[bold]{text}[/bold]")

    def expect(self, size: int) -> None:
        """An image of `size` bytes is on its way."""
        self._size = size

    def __call__(self, event: dict) -> None:
        kind = event["event"]
        if kind == "flash" and event["label"].startswith("ota_"):
            self._pass(event)
        elif kind == "boot":
            self._boot(event)
        elif kind == "reset":
            self._say(f"  reset: {event['why']}", "yellow")
        elif kind == "repl":
            self._say("  the program has ended: the board waits at the REPL, nothing but the watchdog helps", "yellow")
        elif kind == "console":
            self._line(event["line"])

    def told(self, told: Told) -> None:
        if told.what == "offer":
            self._say(f"  cloud offers {told.text}", "cyan")
        elif told.what == "state" and told.is_report:
            detail = f": {told.detail}" if told.detail else ""
            self._say(f"  cloud reads {told.text}{detail}", _COLOURS.get(told.result or "", "cyan"))

    def close(self) -> None:
        self._end_bars()

    def _say(self, text: str, style: str = "") -> None:
        """A line: below bars that are full, above one that still moves."""
        if self._progress is not None and self._progress.finished:
            self._end_bars()
        self._console.print(text, style=style, markup=False, soft_wrap=True)

    def _boot(self, event: dict) -> None:
        for line in event["log"]:
            self._say(f"  bootloader: {line}", "dim")
        where = f"boots {event['slot']}" if event["slot"] else f"does not boot: {event['why']}"
        self._say(f"  board {where} ({_CAUSES.get(event['cause'], 'unknown')})")

    def _line(self, line: str) -> None:
        said = parse_line(line)
        if said is None:
            self._say(f"    {line}", "dim")
        elif said[0] == "running":
            self._say(f"  firmware {said[1].get('version')} runs in {said[1].get('slot')}", "bold")
        elif said[0] == "software":
            self._say(f"  software {said[1].get('version')} runs, tree {said[1].get('tree')}", "bold")

    def _pass(self, event: dict) -> None:
        name = event["operation"]
        done = min(event["offset"] + event["size"], self._size)
        if self._live:
            self._bar(name, event["label"], done)
        else:
            self._percent(name, event["label"], done)
        if done >= self._size:
            self._plain.pop(name, None)

    def _bar(self, name: str, label: str, done: int) -> None:
        if self._progress is None:
            columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(binary_units=True))
            self._progress = Progress(*columns, console=self._console)
            self._progress.start()
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(f"{name} {label}", total=self._size)
        self._progress.update(self._tasks[name], completed=done)

    def _percent(self, name: str, label: str, done: int) -> None:
        percent = done * 100 // self._size // _PLAIN_STEP * _PLAIN_STEP if self._size else 0
        if percent > self._plain.get(name, 0):
            self._plain[name] = percent
            self._console.print(f"  {name} {label} {percent} %")

    def _end_bars(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        self._tasks = {}
