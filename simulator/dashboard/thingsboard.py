# SPDX-License-Identifier: MIT
"""Fills a fleet from the log of the mock ThingsBoard: a row a device for firmware, another for software if it has any.

Groups and percents of the states are those of the server's own dashboard (thingsboard.md 5.3), except that the bytes
of the download move the bar from 10 to 55 percent, and a failure leaves it where it was.
"""

from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.packages import PREFIXES
from simulator.dashboard import control
from simulator.dashboard.fleet import FAILED, IDLE, UPDATED, UPDATING, WAITING, DeviceRow, Fleet, Mark

CLOUD = "ThingsBoard"
_STATES = {
    "QUEUED": (WAITING, 0),
    "INITIATED": (UPDATING, 5),
    "DOWNLOADING": (UPDATING, 10),
    "DOWNLOADED": (UPDATING, 55),
    "VERIFIED": (UPDATING, 60),
    "UPDATING": (UPDATING, 70),
    "UPDATED": (UPDATED, 100),
    "FAILED": (FAILED, None),
}
_DOWNLOAD = range(10, 55)
_DOWNLOADS = {"firmware": "FIRMWARE", "software": "SOFTWARE"}
_UNFINISHED = (WAITING, UPDATING)
_CONTROL = "ota_"  # attributes of the device that begin so


class Adapter:
    """Call it with each event of the cloud, where the fleet lives. It begins with the devices that exist already."""

    def __init__(self, fleet: Fleet, cloud: ThingsBoard) -> None:
        self._fleet = fleet
        self._handlers = {
            "device_added": lambda event: self.firmware_row(event["device"], event["at_ms"]),
            "device_renamed": self._renamed,
            "device_deleted": self._deleted,
            "queued": self._queued,
            "initiated": lambda event: self._state(self._of(event), event["at_ms"], "INITIATED"),
            "unassigned": self._unassigned,
            "telemetry": self._telemetry,
            "attributes": self._attributes,
            "chunk": self._chunk,
            "http": self._http,
            "connect": lambda event: self._link(event, True, "connected"),
            "close": lambda event: self._link(event, False, f"disconnected: {event['reason']}"),
            "fault": self._fault,
        }
        for device in cloud.devices.values():
            self.firmware_row(device.name, cloud.now_ms)

    def __call__(self, event: dict) -> None:
        handler = self._handlers.get(event["event"])
        if handler:
            handler(event)

    def row(self, device: str, package_type: str, now_ms: int) -> DeviceRow:
        """The device's row for this type of package, made if there is none."""
        row_id = f"{PREFIXES[package_type]} {device}"
        if row_id in self._fleet.rows:
            return self._fleet.rows[row_id]
        return self._fleet.add(DeviceRow(row_id, device, CLOUD, package_type.lower()), now_ms)

    def firmware_row(self, device: str, now_ms: int) -> DeviceRow:
        return self.row(device, "FIRMWARE", now_ms)

    def _of(self, event: dict) -> DeviceRow:
        return self.row(event["device"], event["type"], event["at_ms"])

    def _rows_of(self, device: str | None) -> list[DeviceRow]:
        return [row for row in self._fleet.rows.values() if row.device == device]

    def _renamed(self, event: dict) -> None:
        for row in self._rows_of(event["device"]):
            row_id = f"{row.id.partition(' ')[0]} {event['name']}"
            self._fleet.rename(row, row_id, event["name"])

    def _deleted(self, event: dict) -> None:
        for row in self._rows_of(event["device"]):
            self._fleet.remove(row.id, event["at_ms"])

    # Assignment

    def _queued(self, event: dict) -> None:
        row, target = self._of(event), f"{event['title']} {event['version']}"
        fresh = {"target": target, "progress": 0, "attempts": 0, "error": None, "error_text": None}
        self._fleet.begin(row, event["size"])
        self._fleet.change(row, event["at_ms"], **fresh)
        self._state(row, event["at_ms"], "QUEUED")

    def _unassigned(self, event: dict) -> None:
        """What was under way is over; what was finished stays what it was."""
        row = self._of(event)
        facts = {"state": "IDLE", "group": IDLE, "progress": 0} if row.group in _UNFINISHED else {}
        self._fleet.change(row, event["at_ms"], target=None, **facts)
        self._fleet.mark(row, Mark(event["at_ms"], "offer", "unassigned"))

    # What the device does

    def _telemetry(self, event: dict) -> None:
        for package_type, prefix in PREFIXES.items():
            values = {key: value for key, value in event["values"].items() if f"{prefix}_" in key}
            if values:
                self._report(self.row(event["device"], package_type, event["at_ms"]), prefix, values, event["at_ms"])

    def _report(self, row: DeviceRow, prefix: str, values: dict, now_ms: int) -> None:
        facts: dict[str, object] = {"last_report_ms": now_ms}
        title, version = (values.get(f"current_{prefix}_{name}") for name in ("title", "version"))
        if title is not None and version is not None:
            facts["current"] = f"{title} {version}"
        if f"{prefix}_error" in values:
            text = str(values[f"{prefix}_error"])
            facts |= {"error": text.partition(":")[0], "error_text": text}
        self._fleet.change(row, now_ms, **facts)
        if f"{prefix}_state" in values:
            self._state(row, now_ms, str(values[f"{prefix}_state"]))
        percent = values.get(f"{prefix}_progress")
        if isinstance(percent, int | float):
            self._downloaded(row, now_ms, percent / 100)

    def _attributes(self, event: dict) -> None:
        said = event["values"].items()
        values = {name.removeprefix(_CONTROL): value for name, value in said if name.startswith(_CONTROL)}
        control.tell(self._fleet, self._rows_of(event["device"]), values, event["at_ms"])

    def _state(self, row: DeviceRow, now_ms: int, state: str) -> None:
        group, percent = _STATES.get(state, (IDLE, None))
        facts: dict[str, object] = {"state": state, "group": group}
        if percent is not None:
            facts["progress"] = percent
        if state == "DOWNLOADING":
            facts |= {"attempts": row.attempts + 1, "error": None, "error_text": None}
        self._fleet.change(row, now_ms, **facts)
        self._fleet.mark(row, Mark(now_ms, "state", state, group, row.current, row.target, row.error_text))

    def _http(self, event: dict) -> None:
        """A download over HTTP is a request like others; the log has no type, but the end point's name."""
        if event["what"] in _DOWNLOADS and event["status"] == 200 and event["device"]:
            self._chunk({**event, "type": _DOWNLOADS[event["what"]]})

    def _chunk(self, event: dict) -> None:
        row = self._of(event)
        part = self._fleet.received(row, event["at_ms"], event["length"])
        if part is not None:
            self._downloaded(row, event["at_ms"], part)

    def _downloaded(self, row: DeviceRow, now_ms: int, part: float) -> None:
        """The bar moves forward only, and only while the device downloads: a report may be late."""
        percent = _DOWNLOAD.start + round(len(_DOWNLOAD) * max(0.0, min(1.0, part)))
        if row.state == "DOWNLOADING" and percent > row.progress:
            self._fleet.change(row, now_ms, progress=percent)

    def _link(self, event: dict, is_online: bool, text: str) -> None:
        for row in self._rows_of(event["device"]):
            self._fleet.change(row, event["at_ms"], is_online=is_online)
            self._fleet.mark(row, Mark(event["at_ms"], "link", text))

    def _fault(self, event: dict) -> None:
        text = f"fault: {event['where']} {event['action']} {event['argument']}".rstrip()
        self._fleet.disturb(event["at_ms"], text)
