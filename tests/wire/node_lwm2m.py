# SPDX-License-Identifier: MIT
"""FIWARE's LwM2M server (lwm2m-node-lib 1.4.0, on node-coap), which knows nothing of our code; its script is beside."""

import json
import select
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any, Self

import pytest

from simulator import foreign
from simulator.interpreters import BIN
from tests.wire.lw_board import LwBoard

_SCRIPT = Path(__file__).parent / "node_lwm2m_server.js"
_PAUSE_S = 0.1  # between two looks whether it has ended


class NodeServer:
    """`events`: what it has said by itself, in order. A context manager."""

    def __init__(self) -> None:
        self._program = BIN / "lwm2m-node"
        if not self._program.exists():
            pytest.skip("FIWARE's LwM2M server is not set up: run `make setup`, which says why it may be left out")
        self.port = 0
        self.events: list[dict[str, Any]] = []
        self._answers: dict[int, dict[str, Any]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._log = self._open.enter_context(tempfile.TemporaryFile("w+"))
        self.port, self._process = foreign.on_free_port(self._start)
        self._thread = Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        self._open.close()

    def _start(self, port: int) -> tuple[int, subprocess.Popen[str]]:
        command = [self._program, _SCRIPT, str(port)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return port, foreign.start(command, self._log, _has_begun, text=True, **pipes)

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            said = json.loads(line)
            if "id" in said:
                self._answers[said["id"]] = said
            else:
                self.events.append(said)

    def ask(self, board: LwBoard, what: str, path: str, value: str = "") -> str:
        """Reads, writes, executes or observes a resource; returns its value, or what has gone wrong."""
        assert self._process.stdin
        number = len(self._answers) + 1
        parts = [int(part) for part in path.strip("/").split("/")]
        self._process.stdin.write(json.dumps({"id": number, "do": what, "path": parts, "value": value}) + "\n")
        self._process.stdin.flush()
        board.wait(lambda: number in self._answers)
        answer = self._answers[number]
        return answer.get("error") or answer.get("value") or ""

    def heard(self, event: str) -> list[dict[str, Any]]:
        return [one for one in list(self.events) if one["event"] == event]


def _has_begun(process: subprocess.Popen[str]) -> bool:
    """Its first line says that it serves."""
    assert process.stdout
    return bool(select.select([process.stdout], [], [], _PAUSE_S)[0] and process.stdout.readline())
