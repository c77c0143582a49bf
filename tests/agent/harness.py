# SPDX-License-Identifier: MIT
"""A board with the unmodified firmware, its mock ThingsBoard, and what either of them saw.

    world.offer("1.1.0")
    world.wait("UPDATED")
    assert world.states == [*GOOD]

The part that knows no cloud is in board_world.py.
"""

import json
from collections.abc import Callable
from pathlib import Path

from simulator import software
from simulator.board import image_writer
from simulator.board.inprocess import InProcess
from simulator.board.net import EPOCH_MS
from simulator.breakage import TITLE
from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.packages import Package
from simulator.interpreters import Interpreter
from tests.agent.board_world import HEAP, SECTOR, BoardWorld, firmware

__all__ = [
    "APP", "GOOD", "HEAP", "SECTOR", "TERMINAL", "TITLE", "TOKEN", "World", "application", "firmware", "small_app",
]  # fmt: skip

TOKEN = "T1"
GOOD = ("DOWNLOADING", "DOWNLOADED", "VERIFIED", "UPDATING", "UPDATED")
TERMINAL = ("UPDATED", "FAILED")
APP = "thermometer-app"


def application(version: str, body: str = "return True") -> dict[str, bytes]:
    """The files of a software package: an application that tells its version; `body` is that of its health check."""
    source = f"""
from ota.errors import TransferError
from sensor import NAME

class Product:
    def __init__(self, cloud):
        self._cloud = cloud
        self._said = False

    def tick(self):
        if self._cloud.linked and not self._said:
            try:
                self._cloud.publish({{"app": "{version} " + NAME}}, qos=0)
                self._said = True
            except TransferError:
                pass

    def works(self):
        {body}
"""
    sensor = f"NAME = 'sensor of {version}'\n" + "# a table of values\n" * 600
    return {"app.py": source.encode(), "lib/sensor.py": sensor.encode(), "data/table.csv": b"1,2,3\n" * 1500}


def small_app(size: int, version: str = "1.1.0") -> bytes:
    """An app that is a valid image without anything in it: for updates that need not start."""
    return image_writer.build(b"", TITLE, version, size=size)


class World(BoardWorld):
    """`cloud` is the core, `device` the board's record there."""

    def __init__(
        self,
        interpreter: Interpreter | InProcess,
        app: bytes | None = None,
        settings: dict[str, int | str] | None = None,
        heap: str | None = HEAP,
        layout: str = "4MiB",
        files: Path | None = None,
        **server: object,
    ) -> None:
        self.cloud = ThingsBoard(seed=1, now_ms=EPOCH_MS, **server)
        self.device = self.cloud.add_device("board-1", TOKEN)
        super().__init__(interpreter, self.cloud, {"token": TOKEN, **(settings or {})}, app, heap, layout, files)

    # what people do

    def offer(self, version: str = "1.1.0", data: bytes | None = None, title: str = TITLE, **fields) -> Package:
        """Uploads a package (our firmware as `version` unless there is `data` or a url) and assigns it."""
        if data is None and "url" not in fields:
            data = firmware(version)
        package = self.cloud.add_package(title, version, data, **fields)
        self.assign(package)
        return package

    def offer_software(self, version: str, files: dict[str, bytes] | None = None, data: bytes | None = None) -> Package:
        """Uploads a software package (an application as `version` unless there are `files` or bytes) and assigns it."""
        made = data or software.pack(files or application(version), APP, version)
        return self.offer(version, made, APP, type="SOFTWARE")

    def assign(self, package: Package) -> None:
        self.cloud.assign(self.device, package, self.twin.now_ms)

    def unassign(self, type: str = "FIRMWARE") -> None:
        self.cloud.unassign(self.device, type, self.twin.now_ms)

    def push(self, **values) -> None:
        """Somebody saves shared attributes of the device."""
        self.cloud.save_attributes(self.device, values, self.twin.now_ms)

    def delete(self, *names: str) -> None:
        self.cloud.delete_attributes(self.device, list(names), self.twin.now_ms)

    def call(self, method: str, number: int = 1, **params: object) -> None:
        """A call from the dashboard to the product."""
        body = json.dumps({"method": method, "params": params}).encode()
        self.device.session.publish(f"v1/devices/me/rpc/request/{number}", body)

    def fault(self, *rules: str) -> None:
        for rule in rules:
            self.cloud.add_fault(rule)

    def clear_faults(self) -> None:
        """The server is well again."""
        self.cloud._faults.rules.clear()

    # time

    def wait(self, what: str | Callable[[], bool], timeout_s: float = 600, key: str = "fw_state") -> None:
        """Runs on until the cloud has seen this state once more, or until `what()`; fails after `timeout_s`."""
        seen = self.told(key).count(what)
        self.wait_until((lambda: self.told(key).count(what) > seen) if isinstance(what, str) else what, timeout_s, what)

    # what was seen

    @property
    def events(self) -> list[dict]:
        return self.cloud.events

    def told(self, key: str) -> list:
        """What the device has told under this telemetry key, in order."""
        return [event["values"][key] for event in self.seen("telemetry") if key in event["values"]]

    @property
    def states(self) -> list[str]:
        return self.told("fw_state")

    @property
    def errors(self) -> list[str]:
        return self.told("fw_error")

    @property
    def software_states(self) -> list[str]:
        return self.told("sw_state")

    @property
    def ends(self) -> list[str]:
        """The terminal states, in order."""
        return [state for state in self.states if state in TERMINAL]

    @property
    def downloaded(self) -> int:
        """Bytes of chunks that the cloud sent."""
        return sum(event["length"] for event in self.seen("chunk"))
