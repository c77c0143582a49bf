# SPDX-License-Identifier: MIT
"""A real mosquitto with the configuration of docs/broker, and `python -m tools.publish` against it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.__main__ import main
from simulator.clouds.broker import Names
from simulator.interpreters import BIN, ROOT
from tests.wire.broker import Broker
from tools.publish.commands import cli

NAMES = Names("thermometer")
ACL = ROOT / "docs" / "broker" / "acl"


class Mosquitto(Broker):
    """With the ACL of the docs."""

    rules = f"acl_file {ACL}\n"
    options: tuple[object, ...] = ()  # of the maker's commands, besides who it is

    def start(self, settings: str = "") -> None:
        super().start(settings + self.rules)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    program = BIN / "mosquitto"
    if not program.exists():
        pytest.skip("mosquitto is not set up: run `make setup`, which says why it may be left out")
    with Mosquitto(program, tmp_path) as running:
        yield running


Publish = Callable[..., tuple[int, Any]]


@pytest.fixture
def publish(broker: Mosquitto, capfd: pytest.CaptureFixture) -> Publish:
    """Runs a command as the maker: (exit status, what it printed, as JSON where it is JSON)."""

    def run(*arguments: object, user: str = "maker") -> tuple[int, Any]:
        where = ("--port", broker.port, "--user", user, "--password", "secret", "--product", NAMES.product)
        where += broker.options
        status = main([str(one) for one in (*where, *arguments)], cli, "python -m tools.publish")
        out, err = capfd.readouterr()
        if status == 2:
            return status, err
        return status, json.loads(out) if out.startswith("{") and out.count("\n") == 1 else out

    return run
