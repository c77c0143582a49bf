# SPDX-License-Identifier: MIT
"""A board with the unmodified firmware on virtual time, and what was seen of it; whatever its cloud is.

Checks look at what the cloud saw, what flash holds and what was logged; never inside the agent.
"""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

from simulator.board.build import build_firmware
from simulator.board.inprocess import InProcess
from simulator.board.lockstep import Lockstep
from simulator.board.net import Packet
from simulator.breakage import FIRMWARE, TITLE
from simulator.clouds import mqtt
from simulator.clouds.core import Core
from simulator.interpreters import Interpreter
from tests.agent import telling

PRODUCTS = Path(__file__).parent / "products"
HEAP = "100k"  # of the 32-bit MicroPython
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


class BoardWorld:
    """`twin` is the board, `core` its cloud. Times in seconds of the virtual clock."""

    def __init__(
        self,
        interpreter: Interpreter | InProcess,
        core: Core,
        settings: dict[str, int | str | bytes],
        app: bytes | None = None,
        heap: str | None = HEAP,
        layout: str = "4MiB",
        files: Path | None = None,
    ) -> None:
        self.core = core
        self.twin = Lockstep(
            interpreter,
            app or firmware("1.0.0"),
            None,
            settings,
            heap=heap if interpreter.name == "micropython32" else None,
            layout=layout,
            files=files,
        )
        self.wire: list[tuple[int, object]] = []  # (ms, MQTT packet) as the device sent them
        self._decoders: dict[int, mqtt.Decoder] = {}
        self.twin.net.faults.append(self._tap)
        self.connect()

    def connect(self) -> None:
        """Puts the cloud on the network."""
        self.twin.connect(self.core)

    # time

    def pass_time(self, seconds: float) -> None:
        self.twin.run_for(seconds)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = 600, what: object = "such moment") -> None:
        """Runs on until `condition()`; fails after `timeout_s`."""
        end = self.twin.clock.now_ms() + timeout_s * 1000
        pause_s = _SLICE_S
        while not condition():
            assert self.twin.clock.now_ms() < end, f"no {what} within {timeout_s} s; last run: {self.twin.why}"
            happened = self._happened
            self.twin.run_for(pause_s)
            pause_s = _SLICE_S if self._happened != happened else min(pause_s * 2, _LONGEST_SLICE_S)

    @property
    def _happened(self) -> int:
        return len(self.events) + len(self.twin.story.events)

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

    @property
    def events(self) -> list[dict]:
        """The cloud's."""
        raise NotImplementedError

    def seen(self, kind: str, **fields) -> list[dict]:
        """The cloud's events of this kind with these fields."""
        return [
            event
            for event in self.events
            if event["event"] == kind and all(event.get(name) == value for name, value in fields.items())
        ]

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

    def writes(self, label: str) -> list[int]:
        """What was written to a partition: an offset for each time, in order."""
        return [
            event["offset"]
            for event in self.twin.story.events
            if event["event"] == "flash" and (event["operation"], event["label"]) == ("write", label)
        ]

    def _tap(self, packet: Packet) -> list[Packet]:
        """Looks into what the device sends to its cloud, and lets everything pass."""
        point = packet.link.endpoint
        if not packet.to_device and isinstance(packet.content, bytes) and point and point.core is self.core:
            decoder = self._decoders.setdefault(packet.link.number, mqtt.Decoder())
            self.wire += [(round(packet.at), found) for found in decoder.feed(packet.content)]
        return [packet]

    def tell(self) -> str:
        """The whole story as a person reads it."""
        return telling.tell(self.twin.story.events, self.events)
