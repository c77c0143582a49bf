# SPDX-License-Identifier: MIT
"""A broker, another client, and a device process that does what a test says, step by step."""

import ast
import os
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from simulator.interpreters import BIN, ROOT, Interpreter
from tests.wire.broker import LIMIT_S, Broker, Observer

HERE = Path(__file__).parent
UMQTT = {"1.3.4": ROOT / ".tools" / "umqtt", "current": HERE / "current_umqtt"}


class DeviceError(Exception):
    """What an OtaError on the device becomes here: `code`, `detail`."""

    def __init__(self, code: str, detail: str | int) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Device:
    """`device("expression")` is its value on the device; a statement gives None. A context manager."""

    def __init__(self, interpreter: Interpreter, umqtt: Path) -> None:
        twins = [] if interpreter.is_micropython else [ROOT / "simulator" / "board" / "device" / "cpython"]
        argv = interpreter.argv(HERE / "device.py", ROOT / "firmware", umqtt, *twins)
        unbuffered = os.environ | {"PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=unbuffered
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def __call__(self, line: str) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        stdin.write(repr(line) + "\n")
        stdin.flush()
        assert select.select([stdout], [], [], LIMIT_S)[0], f"no answer to {line}"
        answer = stdout.readline()
        if answer.startswith("!"):
            raise DeviceError(*ast.literal_eval(answer[1:]))
        assert answer and not answer.startswith("Traceback"), answer + stdout.read()
        return ast.literal_eval(answer)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    program = BIN / "mosquitto"
    if not program.exists():
        pytest.skip("mosquitto is not set up: run `make setup`, which says why it may be left out")
    with Broker(program, tmp_path) as running:
        yield running


@pytest.fixture
def observer(broker: Broker) -> Iterator[Observer]:
    with Observer(broker.port) as client:
        yield client


@pytest.fixture
def umqtt() -> str:
    """Which version of umqtt.simple lies below our layer; a test may ask for both."""
    return "1.3.4"


@pytest.fixture
def device(interpreter: Interpreter, umqtt: str) -> Iterator[Device]:
    with Device(interpreter, UMQTT[umqtt]) as process:
        yield process


@pytest.fixture
def client(device: Device, broker: Broker) -> Device:
    """The device, with a connection called `client` there."""
    device(f"client = connect({broker.port})")
    return device
