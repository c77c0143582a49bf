# SPDX-License-Identifier: MIT
"""A board with the unmodified firmware, its mock ThingsBoard, and what either of them saw.

    world.offer("1.1.0")
    world.wait("UPDATED")
    assert world.states == [*GOOD]

Checks look at what the cloud saw, what flash holds and what was logged; never inside the agent.
"""

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from simulator import software
from simulator.board import image_writer
from simulator.board.build import build_firmware
from simulator.board.lockstep import Lockstep
from simulator.board.net import EPOCH_MS, Packet
from simulator.breakage import FIRMWARE, TITLE
from simulator.clouds import mqtt
from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.packages import Package
from simulator.interpreters import Interpreter
from tests.agent import telling

PRODUCTS = Path(__file__).parent / "products"
TOKEN = "T1"
GOOD = ("DOWNLOADING", "DOWNLOADED", "VERIFIED", "UPDATING", "UPDATED")
TERMINAL = ("UPDATED", "FAILED")
APP = "thermometer-app"
HEAP = "96k"  # of the 32-bit MicroPython
SECTOR = 4096
_SLICE_S = 0.05
_LONGEST_SLICE_S = 1.6


@functools.cache
def firmware(version: str, main: str = "", product: str = "", chip: str = "esp32") -> bytes:
    """An app image: our firmware; `main` is another main.py, `product` a folder whose files win over ours."""
    folders = [FIRMWARE, PRODUCTS / product] if product else [FIRMWARE]
    if not main:
        return build_firmware(folders, TITLE, version, chip)
    return _with_main(folders, main, version, chip)


def _with_main(folders: list[Path], main: str, version: str, chip: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.py").write_text(main)
        return build_firmware([*folders, folder], TITLE, version, chip)


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


class World:
    """`twin` is the board, `cloud` the core, `device` its record there. Times in seconds of the virtual clock."""

    def __init__(
        self,
        interpreter: Interpreter,
        app: bytes | None = None,
        settings: dict[str, int | str] | None = None,
        heap: str | None = HEAP,
        layout: str = "4MiB",
        files: Path | None = None,
        **server: object,
    ) -> None:
        self.cloud = ThingsBoard(seed=1, now_ms=EPOCH_MS, **server)
        self.device = self.cloud.add_device("board-1", TOKEN)
        self.twin = Lockstep(
            interpreter,
            app or firmware("1.0.0"),
            self.cloud,
            {"token": TOKEN, **(settings or {})},
            heap=heap if interpreter.name == "micropython32" else None,
            layout=layout,
            files=files,
        )
        self.wire: list[tuple[int, object]] = []  # (ms, MQTT packet) as the device sent them
        self._decoders: dict[int, mqtt.Decoder] = {}
        self.twin.net.faults.append(self._tap)

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

    def pass_time(self, seconds: float) -> None:
        self.twin.run_for(seconds)

    def wait(self, what: str | Callable[[], bool], timeout_s: float = 600, key: str = "fw_state") -> None:
        """Runs on until the cloud has seen this state once more, or until `what()`; fails after `timeout_s`."""
        seen = self.told(key).count(what)
        condition = (lambda: self.told(key).count(what) > seen) if isinstance(what, str) else what
        end = self.twin.clock.now_ms() + timeout_s * 1000
        pause_s = _SLICE_S
        while not condition():
            assert self.twin.clock.now_ms() < end, f"no {what} within {timeout_s} s; last run: {self.twin.why}"
            happened = self._happened
            self.twin.run_for(pause_s)
            pause_s = _SLICE_S if self._happened != happened else min(pause_s * 2, _LONGEST_SLICE_S)

    @property
    def _happened(self) -> int:
        return len(self.cloud.events) + len(self.twin.story.events)

    def wait_log(self, text: str, timeout_s: float = 600) -> None:
        """Runs on until the board prints a line that starts with `text`; stops right there."""
        found = self.twin.run(
            lambda event: event["event"] == "console" and event["line"].startswith(text), timeout_s=timeout_s
        )
        assert found, f"no line {text!r}: {self.twin.why}"

    def wait_flash(self, operation: str, offset: int, timeout_s: float = 600) -> None:
        """Runs on until this operation on the spare slot is done; stops right there."""
        found = self.twin.run(
            lambda event: (
                event["event"] == "flash"
                and (event["operation"], event["offset"]) == (operation, offset)
                and event["label"].startswith("ota_")
            ),
            timeout_s=timeout_s,
        )
        assert found, f"no {operation} at {offset}: {self.twin.why}"

    def settle(self, seconds: float = 5) -> None:
        """Lets everything that is still to be said be said."""
        self.pass_time(seconds)

    # what was seen

    def seen(self, kind: str, **fields) -> list[dict]:
        """The cloud's events of this kind with these fields."""
        return [
            event
            for event in self.cloud.events
            if event["event"] == kind and all(event.get(name) == value for name, value in fields.items())
        ]

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

    @property
    def log(self) -> list[str]:
        return self.twin.story.lines

    def logged(self, text: str) -> int:
        """How many lines have this in them."""
        return sum(text in line for line in self.log)

    @property
    def runs(self) -> tuple[str | None, str | None]:
        """(version, slot) of what runs."""
        return self.twin.story.version, self.twin.story.slot

    def partition(self, label: str):
        return next(row for row in self.twin.chip.partitions if row.label == label)

    def slot_holds(self, label: str, data: bytes) -> bool:
        return self.twin.flash.read(self.partition(label).offset, len(data)) == data

    def erases(self, label: str) -> list[int]:
        """How often each sector of a partition was erased."""
        row = self.partition(label)
        return list(self.twin.flash.erases[row.offset // SECTOR : (row.offset + row.size) // SECTOR])

    def _tap(self, packet: Packet) -> list[Packet]:
        """Looks into what the device sends to its cloud, and lets everything pass."""
        point = packet.link.endpoint
        if not packet.to_device and isinstance(packet.content, bytes) and point and point.core is self.cloud:
            decoder = self._decoders.setdefault(packet.link.number, mqtt.Decoder())
            self.wire += [(round(packet.at), found) for found in decoder.feed(packet.content)]
        return [packet]

    def tell(self) -> str:
        """The whole story as a person reads it."""
        return telling.tell(self.twin.story.events, self.cloud.events)
