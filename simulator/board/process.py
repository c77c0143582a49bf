# SPDX-License-Identifier: MIT
"""A device process: started, watched, interrupted, killed. What it does with its requests is not known here."""

import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from simulator.board.link import Link
from simulator.interpreters import Interpreter

_CONSOLE_READ = 65536
_PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class DeviceProcess:
    """Runs `script` with the pipes' numbers and `args` as arguments. `on_line` gets each line of its console."""

    def __init__(
        self,
        interpreter: Interpreter,
        script: Path,
        args: list[str],
        *,
        heap: str | None,
        folder: Path,
        on_line: Callable[[str], None],
    ) -> None:
        self.last_lines: list[str] = []  # of the console
        self._on_line = on_line
        self._line = b""
        self._signals = not interpreter.is_micropython
        request, self._request_end = os.pipe()
        self._reply_end, reply = os.pipe()
        self._irq_end, self._irq = os.pipe()
        self._console, console_end = os.pipe()
        child_ends = (self._request_end, self._reply_end, self._irq_end)
        self._process = subprocess.Popen(
            interpreter.argv(script, self._reply_end, self._request_end, self._irq_end, *args, heap=heap),
            stdin=subprocess.DEVNULL,
            stdout=console_end,
            stderr=subprocess.STDOUT,
            pass_fds=child_ends,
            cwd=folder,
            process_group=0,  # Ctrl-C is for the host: the firmware must not see it as a KeyboardInterrupt
            env={"TZ": "UTC", "PATH": os.environ.get("PATH", ""), **_PYTHON},
        )
        for fd in (*child_ends, console_end):
            os.close(fd)
        self.link = Link(request, reply)
        self._fds = (request, reply, self._irq, self._console)
        self._poll = select.poll()
        self._poll.register(request, select.POLLIN)
        self._poll.register(self._console, select.POLLIN)
        self._request = request

    def wait(self, ms: float) -> bool:
        """Passes console lines on; True when a request is there to be received. EOFError when the process is gone.

        Everything printed before a request has been passed on when this returns True.
        """
        ask = 0
        for fd, event in self._poll.poll(max(0, ms)):
            if fd == self._request:
                ask = event
            elif event & select.POLLIN:
                self._read_console()
        if ask & select.POLLHUP and not ask & select.POLLIN:
            while self._read_console():
                pass
            raise EOFError
        return bool(ask & select.POLLIN)

    def _read_console(self) -> bool:
        data = os.read(self._console, _CONSOLE_READ)
        *lines, self._line = (self._line + data).split(b"\n")
        if not data and self._line:
            lines, self._line = [self._line], b""
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r")
            self.last_lines = [*self.last_lines[-2:], text]
            self._on_line(text)
        return bool(data)

    def interrupt(self) -> None:
        """Makes the device look at its timers, whatever Python code it runs."""
        if self._signals:
            os.kill(self._process.pid, signal.SIGUSR1)
        else:
            os.write(self._irq, b"!")

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_s(self) -> float | None:
        """Processor time used so far, in seconds; None where the system does not tell."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> int:
        """Kills the process, if it has not ended by itself; passes its last lines on; returns its exit status."""
        self._process.kill()
        status = self._process.wait()
        while self._read_console():
            pass
        for fd in self._fds:
            os.close(fd)
        return status
