# SPDX-License-Identifier: MIT
"""Runs a mock cloud until it is told to end: events on stdout, commands from stdin."""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from simulator.clouds.mock import Mock
from simulator.clouds.server import Server
from simulator.commands.cloud_sites import Sites
from simulator.errors import UserError


@dataclass(frozen=True)
class Running:
    """A cloud to run, with nothing opened yet. `names`: of the server's ports.

    `opened(ports)`: they are known now. `begin`: everything listens. `obey(words)` does what a line of stdin says;
    UserError for one that says nothing. `about` is in the first line, beside the ports.
    """

    cloud: Mock
    server: Server
    names: list[str]
    sites: Sites
    obey: Callable[[list[str]], object]
    begin: Callable[[], object]
    opened: Callable[[Mapping[str, int]], object] = lambda ports: None
    about: dict[str, object] = field(default_factory=dict)

    def run(self) -> None:
        """Until a signal, `quit`, or nobody reads stdout any more."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await self.server.open()
        ports = dict(zip(self.names, self.server.ports, strict=True))
        self.opened(ports)
        ports |= await self.sites.open(ports)
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def show(line: dict) -> None:
            try:
                print(json.dumps(line), flush=True)
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                done.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, done.set)
        show({**ports, **self.about})
        if "dashboard_port" in ports:
            print(f"dashboard: http://127.0.0.1:{ports['dashboard_port']}/", file=sys.stderr, flush=True)

        def hear(event: dict) -> None:
            show(event)
            self.sites.hear(event)

        self.cloud.on_event = hear
        self.sites.start_boards()
        self.begin()
        tell = _teller(loop, self.obey, done)
        threading.Thread(target=_read_lines, args=(tell,), daemon=True).start()
        await done.wait()
        await self.sites.close()
        await self.server.close()


def _teller(loop: asyncio.AbstractEventLoop, obey: Callable[[list[str]], object], done: asyncio.Event) -> Callable:
    """What a thread may call with each line."""

    def act(line: str) -> None:
        try:
            words = _split(line)
            if words == ["quit"]:
                done.set()
            elif words:
                obey(words)
        except UserError as error:
            print(f"error[{error.code}]: {error.text}", file=sys.stderr, flush=True)

    return lambda line: loop.call_soon_threadsafe(act, line)


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UserError("bad_command", f"{line!r}: {error}") from error


def unknown(words: list[str]) -> UserError:
    """For a line that `obey` does not know."""
    return UserError("bad_command", f"{shlex.join(words)!r} is not a command; --help lists them")


def as_json(text: str) -> object:
    """Raises UserError("bad_command")."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError("bad_command", f"{text!r} is not JSON") from error


def _read_lines(tell: Callable[[str], object]) -> None:
    """Lines of stdin to `tell` until the end. Reads the descriptor: a thread inside sys.stdin would block the exit."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTIN})  # in the background of a terminal: an error, no stop
    rest = b""
    with contextlib.suppress(OSError, RuntimeError):  # no stdin; or the loop has ended meanwhile
        while piece := os.read(0, 4096):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                tell(line.decode(errors="replace"))
        tell(rest.decode(errors="replace"))
