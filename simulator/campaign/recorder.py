# SPDX-License-Identifier: MIT
"""Everything that happens in a run, in order, in one list of dicts: what the board, its flash and its cloud did.

Beside the events of `power.py` and of the cloud (with "cloud": True) there are:
  op        operation (erase | program), address, size, area (label or "protected"), by (bootloader | app), number
  read      label, offset, size: the app read a partition
  set_boot  label; `holds`: the version whose whole image is in that slot, or None
  mark_valid
  offer     version: the story goes on
  cycle     the story is over, the power is switched off and on once more
A "boot" also has `holds`, of the slot it starts, `on_trial`, and `sequence` of the journal found. A cloud's
"telemetry" has `running`, `holds`, `selected`, `state`: the slot that runs, what it holds, the slot selected by otadata
and its state at this moment.
"""

import binascii
import functools
import json
import struct

from simulator.board import otadata
from simulator.board.errors import EspError
from simulator.board.flash import Flash, Tear
from simulator.board.lockstep import Lockstep
from simulator.board.nvs import Nvs
from simulator.campaign import stories
from simulator.clouds.thingsboard import ThingsBoard

_HEAD = struct.Struct("<BII")  # of a record of the agent's journal: version, sequence, CRC
_MOST = 60_000  # entries; a clean run has some hundreds


class Endless(Exception):
    """More happened than in any run that ends."""


class Recorder:
    """`entries` is the list, `observers` are asked at each flash operation, the first that tears wins."""

    def __init__(self, versions: list[str]) -> None:
        self.entries: list[dict] = []
        self.observers: list = []
        self.number = 0
        self._images = {version: stories.image(version) for version in versions}
        self._rows = stories.partitions()

    def attach(self, twin: Lockstep, cloud: ThingsBoard) -> None:
        self._twin = twin
        self._chip = twin.chip
        twin.flash.on_op = self._operation
        cloud.on_event = self._cloud
        for name in ("read", "set_boot", "mark_valid"):
            setattr(twin.chip, name, getattr(self, "_" + name))  # the board asks its chip by these names

    def add(self, event: dict) -> None:
        """An event of the board."""
        if event["event"] == "boot":
            selected, state = self.selected()
            on_trial = selected == event["slot"] and state == otadata.PENDING_VERIFY
            event |= {"holds": self.holds(event["slot"]), "on_trial": on_trial, "sequence": self.journal()[0]}
        self.note(event)

    def holds(self, label: str | None) -> str | None:
        """The version whose image is in a slot, to the last byte."""
        if label is None:
            return None
        for version, image in self._images.items():
            if self._cells(self._rows[label].offset, len(image)) == image:
                return version
        return None

    def selected(self) -> tuple[str | None, int | None]:
        """The slot that otadata selects now, and the state it is in."""
        offset = self._rows["otadata"].offset
        first, second = (
            otadata.Record.parse(self._cells(at, otadata.RECORD_SIZE)) for at in (offset, offset + otadata.SECTOR_SIZE)
        )
        records = first, second
        active = otadata.active(records)
        if active is None:
            return None, None
        return f"ota_{otadata.slot_of(records[active].seq, 2)}", records[active].state

    def journal(self) -> tuple[int, dict]:
        """(sequence number, facts) of the agent's journal as flash holds it; (0, {}) when there is none."""
        row = self._rows["nvs"]
        return _journal(self._cells(row.offset, row.size))

    def note(self, entry: dict) -> None:
        """Adds an entry. Raises Endless."""
        self.entries.append(entry)
        if len(self.entries) > _MOST:
            raise Endless

    def _cells(self, address: int, size: int) -> bytes:
        """Flash as it is, with the power off too."""
        return self._twin.flash.peek(address, size)

    def _operation(self, kind: str, address: int, size: int) -> Tear | None:
        self.number += 1
        by = "app" if self._chip.running else "bootloader"
        area = next((row.label for row in self._rows.values() if row.offset <= address < row.offset + row.size), None)
        self.note({
            "event": "op", "ms": round(self._twin.clock.now_ms()), "operation": kind, "address": address,
            "size": size, "area": area or "protected", "by": by, "number": self.number,
        })  # fmt: skip
        for observer in self.observers:
            tear = observer(kind, address, size)
            if tear is not None:
                return tear
        return None

    def _read(self, handle: int, offset: int, size: int) -> bytes:
        data = type(self._chip).read(self._chip, handle, offset, size)
        self.note({"event": "read", "label": self._label(handle), "offset": offset, "size": size})
        return data

    def _set_boot(self, handle: int) -> None:
        label = self._label(handle)
        self.note({"event": "set_boot", "label": label, "holds": self.holds(label)})
        type(self._chip).set_boot(self._chip, handle)

    def _mark_valid(self) -> None:
        self.note({"event": "mark_valid"})
        type(self._chip).mark_valid(self._chip)

    def _label(self, handle: int) -> str:
        return self._chip.info(handle)[4]

    def _cloud(self, event: dict) -> None:
        entry = {**event, "cloud": True}
        if event["event"] == "telemetry":
            running = self._chip.running.label if self._chip.running else None
            selected, state = self.selected()
            entry |= {"running": running, "holds": self.holds(running), "selected": selected, "state": state}
        self.note(entry)


@functools.lru_cache(maxsize=256)  # runs of one campaign leave the same few partitions
def _journal(cells: bytes) -> tuple[int, dict]:
    nvs = Nvs(Flash(len(cells), cells=bytearray(cells)), 0, len(cells))
    return max((_journal_record(nvs, key) for key in ("journal0", "journal1")), key=lambda record: record[0])


def _journal_record(nvs: Nvs, key: str) -> tuple[int, dict]:
    try:
        raw = nvs.get_blob(nvs.open("ota"), key)
    except EspError:
        return 0, {}
    _, sequence, crc = _HEAD.unpack_from(raw)
    body = raw[_HEAD.size :]
    is_whole = crc == binascii.crc32(body, binascii.crc32(struct.pack("<I", sequence)))
    return (sequence, json.loads(body)) if is_whole else (0, {})
