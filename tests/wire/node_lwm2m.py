# SPDX-License-Identifier: MIT
"""FIWARE's LwM2M server (lwm2m-node-lib 1.4.0, on node-coap), which knows nothing of our code; its script is beside."""

import json
import select
import subprocess
from pathlib import Path
from threading import Thread
from typing import Any, Self

import pytest

from simulator.interpreters import BIN
from tests.wire.libcoap import free_port
from tests.wire.lw_board import LwBoard

_SCRIPT = Path(__file__).parent / "node_lwm2m_server.js"
_START_S = 30


class NodeServer:
    """`events`: what it has said by itself, in order. A context manager."""

    def __init__(self) -> None:
        program = BIN / "lwm2m-node"
        if not program.exists():
            pytest.skip("FIWARE's LwM2M server is not set up: run `make setup`, which says why it may be left out")
        self.port = free_port()
        self.events: list[dict[str, Any]] = []
        self._answers: dict[int, dict[str, Any]] = {}
        command = [program, _SCRIPT, str(self.port)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, text=True, **pipes)
        self._thread = Thread(target=self._listen)

    def __enter__(self) -> Self:
        assert self._process.stdout
        is_up = select.select([self._process.stdout], [], [], _START_S)[0] and self._process.stdout.readline()
        assert is_up, "the server does not start"
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()

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
