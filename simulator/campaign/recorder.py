# SPDX-License-Identifier: MIT
"""Everything that happens in a run, in order, in one list of dicts: what the board, its flash and its cloud did.

Beside the events of `power.py` and of the cloud (with "cloud": True) there are:
  op        operation (erase | program), address, size, area (label or "protected"), by (bootloader | app), number
  read      label, offset, size: the app read a partition
  set_boot  label; `holds`: the version whose whole image is in that slot, or None
  mark_valid
  offer     version, kind: the story goes on
  cycle     the story is over, the power is switched off and on once more
  said, state, version, nonsense, answer, bytes, nothing: what an event of the cloud means, whichever cloud it is
            (sides/story_side.py); they come right after it
A "boot" also has `holds`, of the slot it starts, `on_trial`, `control` as the journal has it, and `sequence` and
`software_sequence` of the journals found. "said", "state" and "version" have `running`, `holds`, `selected`, `record`:
the slot that runs, what it holds, the slot selected by otadata and the state in its record at this moment; and `clock`,
the board's, in unix seconds.

On a board with files there are as well:
  choose    state, tree, holds: what NVS is to say of the trees, and the version in this one, TORN if it is not whole;
            `places`: the sectors of its largest file (trees.py)
  app       version, part, choice, trees: the application has begun (application.py); `trees` are those with a manifest
Those three and "off" have `app` (its version, None before it has begun), `choice` and `trees` too. A line of the
console has `read`, the sectors of the file system that were read since it was last written to.
"""

import binascii
import functools
import json
import struct
from collections.abc import Callable

from simulator.board import otadata
from simulator.board.errors import EspError
from simulator.board.flash import SECTOR, Flash, Tear
from simulator.board.lockstep import Lockstep
from simulator.board.nvs import Nvs
from simulator.campaign import application, stories
from simulator.campaign.sides import StorySide
from simulator.campaign.trees import Choice, places, whole_trees

_HEAD = struct.Struct("<BII")  # of a record of the agent's journal: version, sequence, CRC
EPOCH_2000 = 946_684_800  # unix seconds at the chip's second 0
_WITH_FACTS = ("said", "state", "version")
_MOST = 60_000  # entries; a clean run has some hundreds


class Endless(Exception):
    """More happened than in any run that ends."""


class Recorder:
    """`entries` is the list, `observers` are asked at each flash operation, the first that tears wins."""

    def __init__(self, story: stories.Story) -> None:
        self.entries: list[dict] = []
        self.observers: list = []
        self.number = 0
        images = {step.version: stories.package(step) for step in story.of("FIRMWARE")}
        self._images = {stories.OLD: stories.image(stories.OLD), **images}
        self._rows = stories.partitions()
        self._has_files = story.has_files
        self._app: str | None = None
        self._read_files: set[int] = set()  # sectors, since the last operation on the file system

    def attach(self, twin: Lockstep, side: StorySide) -> None:
        self._twin = twin
        self._chip = twin.chip
        self._side = side
        twin.flash.on_op = self._operation
        side.cloud.on_event = self._cloud
        for name in ("read", "set_boot", "mark_valid"):
            setattr(twin.chip, name, getattr(self, "_" + name))  # the board asks its chip by these names

    def add(self, event: dict) -> None:
        """An event of the board."""
        if event["event"] == "boot":
            selected, state = self.selected()
            on_trial = selected == event["slot"] and state == otadata.PENDING_VERIFY
            sequence, facts = self.journal()
            event |= {"holds": self.holds(event["slot"]), "on_trial": on_trial, "sequence": sequence}
            event["control"] = facts.get("control") or {}
        if self._has_files:
            self._add_files(event)
        self.note(event)

    def _add_files(self, event: dict) -> None:
        """What an event of a board with files has besides."""
        kind = event["event"]
        if kind == "boot":
            self._app = None
            event["software_sequence"] = self.journal("SOFTWARE")[0]
            set_i32 = self._chip.nvs.set_i32
            self._chip.nvs.set_i32 = lambda namespace, key, value: self._set_i32(set_i32, namespace, key, value)
        elif kind == "off":
            event |= self._software()
        elif kind == "console":
            event["read"] = tuple(self._read_files)
            begun = application.told(event["line"])
            if begun:
                self._app = begun[0]
                self.note({"event": "app", "version": begun[0], "part": begun[1], **self._software()})

    def _software(self) -> dict:
        return {"app": self._app, "choice": self.choice(), "trees": self.trees()}

    def choice(self) -> Choice:
        """What NVS says of the trees."""
        return Choice.of(self._facts()["tree"])

    def trees(self) -> dict[str, str]:
        """The version of each tree that has a manifest, by its label."""
        return whole_trees(self._files()) if self._has_files else {}

    def _files(self) -> bytes:
        row = self._rows["vfs"]
        return self._cells(row.offset, row.size)

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

    def journal(self, kind: str = "FIRMWARE") -> tuple[int, dict]:
        """(sequence number, facts) of an agent's journal as flash holds it; (0, {}) when there is none."""
        return self._facts()[kind]

    def _facts(self) -> dict:
        row = self._rows["nvs"]
        return _facts(self._cells(row.offset, row.size))

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
        area = _area(address // SECTOR)
        if area == "vfs":
            self._read_files.clear()
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
        label = self._label(handle)
        if label == "vfs":  # a file system reads some bytes here and there, thousands of times
            self._read_files.update(range(offset // SECTOR, -(-(offset + size) // SECTOR)))
        else:
            self.note({"event": "read", "label": label, "offset": offset, "size": size})
        return data

    def _set_boot(self, handle: int) -> None:
        label = self._label(handle)
        self.note({"event": "set_boot", "label": label, "holds": self.holds(label)})
        type(self._chip).set_boot(self._chip, handle)

    def _mark_valid(self) -> None:
        self.note({"event": "mark_valid"})
        type(self._chip).mark_valid(self._chip)

    def _set_i32(self, set_i32: Callable, namespace: int, key: str, value: int) -> None:
        if key == "tree":
            choice = Choice.of(value)
            holds = self.trees().get(choice.tree)
            self.note({"event": "choose", **choice._asdict(), "holds": holds, "places": places(self._files(), holds)})
        set_i32(namespace, key, value)

    def _label(self, handle: int) -> str:
        return self._chip.info(handle)[4]

    def _cloud(self, event: dict) -> None:
        self.note({**event, "cloud": True})
        facts: dict | None = None
        for entry in self._side.entries(event):
            if entry["event"] in _WITH_FACTS:
                facts = facts or self._truth()
                entry |= facts
            self.note(entry)

    def _truth(self) -> dict:
        """What runs and what is selected now, whatever anybody says."""
        running = self._chip.running.label if self._chip.running else None
        selected, record = self.selected()
        clock = EPOCH_2000 + self._chip.time()
        facts = {"running": running, "holds": self.holds(running), "selected": selected, "record": record}
        facts["clock"] = clock
        return facts | (self._software() if self._has_files else {})


@functools.cache
def _area(sector: int) -> str | None:
    """The label of the partition that has it."""
    address = sector * SECTOR
    return next((row.label for row in stories.partitions().values() if row.offset <= address < row.end), None)


@functools.lru_cache(maxsize=256)  # runs of one campaign leave the same few partitions
def _facts(cells: bytes) -> dict:
    """The journals, by kind, and the number of the "tree", None without one."""
    nvs = Nvs(Flash(len(cells), cells=bytearray(cells)), 0, len(cells))
    return {
        "FIRMWARE": _journal(nvs, "journal"),
        "SOFTWARE": _journal(nvs, "software"),
        "tree": _asked(lambda: nvs.get_i32(nvs.open("ota"), "tree")),
    }


def _journal(nvs: Nvs, name: str) -> tuple[int, dict]:
    return max((_journal_record(nvs, f"{name}{turn}") for turn in (0, 1)), key=lambda record: record[0])


def _journal_record(nvs: Nvs, key: str) -> tuple[int, dict]:
    raw = _asked(lambda: nvs.get_blob(nvs.open("ota"), key))
    if raw is None:
        return 0, {}
    _, sequence, crc = _HEAD.unpack_from(raw)
    body = raw[_HEAD.size :]
    is_whole = crc == binascii.crc32(body, binascii.crc32(struct.pack("<I", sequence)))
    return (sequence, json.loads(body)) if is_whole else (0, {})


def _asked(question: Callable):
    """The answer of NVS, None if it has none."""
    try:
        return question()
    except EspError:
        return None
