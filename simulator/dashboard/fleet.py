# SPDX-License-Identifier: MIT
"""The model behind the page: what is known of each device, what happened to it, and how the fleet did over time.

No clouds, no sockets, no threads: an adapter calls in, listeners hear that something has changed and look again.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

IDLE, WAITING, UPDATING, UPDATED, FAILED = GROUPS = ("idle", "waiting", "updating", "updated", "failed")
_SAMPLES = 600  # of the counts over time; then every second one goes
_POINTS = 400  # of a device's bytes over time; likewise
_MARKS = 500  # of a device; the oldest go first


@dataclass
class DeviceRow:
    """One line of the table: a device and one kind of software on it. None is "nobody knows", a dash on the page.

    `state` is the cloud's own word, `group` the tab it belongs to. `progress` in percent, `attempts` counts the starts
    of a download for this target, times are unix ms. `error` is the stable code, `error_text` all that was said.
    `enabled`, `forced`, `pending` and `reason` are what the device says of who may update it when, `control` in a line.
    """

    id: str
    device: str
    cloud: str
    kind: str = "firmware"
    current: str | None = None
    target: str | None = None
    state: str = "IDLE"
    group: str = IDLE
    progress: int = 0
    slot: str | None = None
    boots: int | None = None
    attempts: int = 0
    last_report_ms: int | None = None
    error: str | None = None
    error_text: str | None = None
    is_online: bool | None = None
    enabled: bool | None = None
    forced: bool | None = None
    pending: bool | None = None
    reason: str | None = None
    control: str | None = None
    version: int = 0  # of the fleet when the row last changed


@dataclass(frozen=True)
class Mark:
    """Something that happened to a device. `kind`: state, offer, control, link, boot, reset or fault."""

    at_ms: int
    kind: str
    text: str
    group: str | None = None  # of a state
    current: str | None = None
    target: str | None = None
    error: str | None = None


@dataclass
class Timeline:
    """What happened to one row, oldest first. `points`: (unix ms, bytes of this target received so far) of `size`."""

    marks: list[Mark] = field(default_factory=list)
    points: list[tuple[int, int]] = field(default_factory=list)
    size: int | None = None


class Fleet:
    """`listeners` are called without arguments after each change; `version` counts the changes."""

    def __init__(self) -> None:
        self.version = 0
        self.rows: dict[str, DeviceRow] = {}
        self.timelines: dict[str, Timeline] = {}
        self.samples: list[tuple[int, dict[str, int]]] = []  # (unix ms, rows in each group from then on)
        self.sampled = 0  # how often that has changed
        self.listeners: set[Callable[[], None]] = set()

    def add(self, row: DeviceRow, now_ms: int) -> DeviceRow:
        """A row that was not there before."""
        self.rows[row.id] = row
        self.timelines[row.id] = Timeline()
        self._sample(now_ms)
        self._changed(row)
        return row

    def remove(self, row_id: str, now_ms: int) -> None:
        del self.rows[row_id], self.timelines[row_id]
        self._sample(now_ms)
        self._changed(None)

    def rename(self, row: DeviceRow, row_id: str, device: str) -> None:
        """The same row and timeline under another id and name."""
        self.timelines[row_id] = self.timelines.pop(row.id)
        self.rows[row_id] = self.rows.pop(row.id)
        row.id, row.device = row_id, device
        self._changed(row)

    def change(self, row: DeviceRow, now_ms: int, **facts: object) -> None:
        """Sets fields of the row."""
        before = row.group
        for name, value in facts.items():
            setattr(row, name, value)
        if row.group != before:
            self._sample(now_ms)
        self._changed(row)

    def mark(self, row: DeviceRow, mark: Mark) -> None:
        """Puts something on the row's timeline."""
        marks = self.timelines[row.id].marks
        marks.append(mark)
        del marks[:-_MARKS]
        self._changed(row)

    def disturb(self, now_ms: int, text: str) -> None:
        """A fault of the cloud's or the line's names no device: it is on every timeline that it may have disturbed."""
        for row in self.rows.values():
            if row.group == UPDATING:
                self.mark(row, Mark(now_ms, "fault", text))

    def begin(self, row: DeviceRow, size: int | None) -> None:
        """A new target of `size` bytes: nothing of it has been received."""
        timeline = self.timelines[row.id]
        timeline.points, timeline.size = [], size

    def received(self, row: DeviceRow, now_ms: int, size: int) -> float | None:
        """`size` more bytes of the target. Returns which part of it that makes, at most 1; None if nobody knows."""
        timeline = self.timelines[row.id]
        so_far = timeline.points[-1][1] if timeline.points else 0
        timeline.points.append((now_ms, so_far + size))
        if len(timeline.points) > _POINTS:
            del timeline.points[1:-1:2]
        self._changed(row)
        return min(1.0, (so_far + size) / timeline.size) if timeline.size else None

    def changed_since(self, version: int) -> list[DeviceRow]:
        return [row for row in self.rows.values() if row.version > version]

    def counts(self) -> dict[str, int]:
        """Rows in each group, and how many of those that failed were rolled back."""
        found = Counter(row.group for row in self.rows.values())
        rolled_back = sum(row.group == FAILED and row.error == "rolled_back" for row in self.rows.values())
        return {**{group: found[group] for group in GROUPS}, "rolled_back": rolled_back}

    def detail(self, row_id: str) -> dict[str, object] | None:
        """The row with its timeline, as plain data; None if there is no such row."""
        if row_id not in self.rows:
            return None
        return {"row": asdict(self.rows[row_id]), **asdict(self.timelines[row_id])}

    def _sample(self, now_ms: int) -> None:
        self.sampled += 1
        counts = self.counts()
        if self.samples and self.samples[-1][0] == now_ms:
            self.samples[-1] = (now_ms, counts)
        else:
            self.samples.append((now_ms, counts))
        if len(self.samples) > _SAMPLES:
            del self.samples[1:-1:2]

    def _changed(self, row: DeviceRow | None) -> None:
        self.version += 1
        if row is not None:
            row.version = self.version
        for listener in self.listeners:
            listener()
