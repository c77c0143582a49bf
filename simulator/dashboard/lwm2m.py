# SPDX-License-Identifier: MIT
"""Fills a fleet from the log of a LwM2M server: a row a device for firmware, another for software if it has any.

A row has the State that the device has told and the task it is in.

The bytes of the image move the bar from 10 to 60 percent.
"""

from simulator.clouds.lwm2m import Lwm2mServer, objects, tasks
from simulator.dashboard import control
from simulator.dashboard.fleet import FAILED, IDLE, UPDATED, UPDATING, WAITING, DeviceRow, Fleet, Mark

CLOUD = "LwM2M"
_GROUPS = {tasks.PENDING: WAITING, tasks.RUNNING: UPDATING, tasks.GOOD: UPDATED, tasks.ERROR: FAILED}
_PERCENTS = {objects.DOWNLOADED: 60, objects.UPDATING: 70}
_SW_PERCENTS = {objects.SW_DOWNLOADED: 60, objects.SW_DELIVERED: 70}
_DOWNLOAD = range(10, 60)
_FIRMWARE, _SOFTWARE = "FIRMWARE", "SOFTWARE"


class Adapter:
    """Call it with each event of the server, where the fleet lives. It begins with the devices that exist already."""

    def __init__(self, fleet: Fleet, cloud: Lwm2mServer) -> None:
        self._fleet, self._cloud = fleet, cloud
        self._tasks: dict[str, str] = {}  # by row: the task it shows
        self._types: dict[str, str] = {}  # by device: what it was sent last
        self._handlers = {
            "registered": lambda event: self._link(event, True, "registered"),
            "gone": lambda event: self._link(event, False, event["why"]),
            "values": self._values,
            "task": self._task,
            "fault": self._fault,
            **dict.fromkeys(("block", "file", "http"), self._received),
        }
        for device in cloud.devices:
            self.firmware_row(device, cloud.now_ms)

    def __call__(self, event: dict) -> None:
        handler = self._handlers.get(event["event"])
        if handler:
            handler(event)

    def firmware_row(self, device: str, now_ms: int) -> DeviceRow:
        """The device's row, made if there is none."""
        return self._row(device, _FIRMWARE, now_ms)

    def _row(self, device: str, package_type: str, now_ms: int) -> DeviceRow:
        row_id = device if package_type == _FIRMWARE else f"{device} software"
        if row_id in self._fleet.rows:
            return self._fleet.rows[row_id]
        return self._fleet.add(DeviceRow(row_id, device, CLOUD, package_type.lower()), now_ms)

    def _link(self, event: dict, is_online: bool, text: str) -> None:
        row = self.firmware_row(event["device"], event["at_ms"])
        self._fleet.change(row, event["at_ms"], is_online=is_online)
        self._fleet.mark(row, Mark(event["at_ms"], "link", text))

    def _values(self, event: dict) -> None:
        """What the device says of itself; which version it runs is known as well, if anybody has asked."""
        is_software = event["path"] in (objects.SW_STATE, objects.SW_RESULT)
        if is_software and not event["state"] and f"{event['device']} software" not in self._fleet.rows:
            return  # it could have some, and has none
        row = self._row(event["device"], _SOFTWARE if is_software else _FIRMWARE, event["at_ms"])
        now_ms = event["at_ms"]
        facts: dict[str, object] = {"last_report_ms": now_ms}
        is_deferred = not is_software and (event["state"], event["result"]) == (objects.DOWNLOADED, objects.DEFERRED)
        if is_deferred or row.pending:
            reason = objects.result_text(event["result"]) if is_deferred else ""
            control.tell(self._fleet, [row], {"pending": is_deferred, "reason": reason}, now_ms)
        version = self._cloud.devices[event["device"]].value(objects.SW_VERSION if is_software else objects.VERSION)
        if version is not None and not (is_software and row.group == UPDATING):
            facts["current"] = str(version)
        if event["path"] not in (objects.STATE, objects.SW_STATE):
            self._fleet.change(row, now_ms, **facts)
            return
        state = (objects.software_state_text if is_software else objects.state_text)(event["state"])
        if row.group == UPDATING:
            percents = _SW_PERCENTS if is_software else _PERCENTS
            facts |= {"state": state, "progress": max(row.progress, percents.get(event["state"], 0))}
        self._fleet.change(row, now_ms, **facts)
        self._fleet.mark(row, Mark(now_ms, "state", state, row.group, row.current, row.target))

    def _task(self, event: dict) -> None:
        """A task that waits behind another does not show."""
        row, now_ms = self._row(event["device"], event["type"], event["at_ms"]), event["at_ms"]
        if self._tasks.get(row.id) != event["task"]:
            if row.group == UPDATING:
                return
            self._tasks[row.id] = event["task"]
            fresh = {"progress": 0, "attempts": 0, "error": None, "error_text": None}
            self._fleet.change(row, now_ms, target=event["package"], **fresh)
        group = _GROUPS.get(event["status"], IDLE)
        facts: dict[str, object] = {"group": group, "state": event["status"]}
        if event["step"] == "delivering":
            self._types[event["device"]] = event["type"]
            self._fleet.begin(row, event["size"])
            facts |= {"attempts": row.attempts + 1, "progress": _DOWNLOAD.start}
        if group == UPDATED:
            facts |= {"progress": 100, "current": str(event["running"] or row.current)}
        if group == FAILED:
            facts |= {"error": _error(event), "error_text": event["summary"]}
        self._fleet.change(row, now_ms, **facts)
        said = f"{event['step']}: {event['summary']}" if event["summary"] else event["step"]
        self._fleet.mark(row, Mark(now_ms, "state", said, group, row.current, row.target, row.error_text))

    def _received(self, event: dict) -> None:
        if not event["device"] or not event["size"]:
            return
        row = self._row(event["device"], self._types.get(event["device"], _FIRMWARE), event["at_ms"])
        part = self._fleet.received(row, event["at_ms"], event["size"])
        percent = _DOWNLOAD.start + round(len(_DOWNLOAD) * (part or 0))
        if row.group == UPDATING and percent > row.progress:
            self._fleet.change(row, event["at_ms"], progress=percent)

    def _fault(self, event: dict) -> None:
        text = f"fault: {event['where']} {event['action']} {event['argument']}".rstrip()
        self._fleet.disturb(event["at_ms"], text)


def _error(event: dict) -> str:
    """A short word for what went wrong; result 8, of software 58, is a rollback."""
    if event["result"] in (objects.UPDATE_FAILED, objects.SW_NOT_INSTALLED):
        return "rolled_back"
    return f"result_{event['result']}" if event["result"] is not None else "task"
