# SPDX-License-Identifier: MIT
"""Fills a fleet from the log of a broker: a row a device for firmware, another for software if it has any.

What a device tells of a job is all there is; the bytes of its chunks move the bar from 10 to 55 percent.
"""

import json

from simulator.clouds.broker import Broker, Names
from simulator.clouds.broker.scheme import FIRMWARE, SOFTWARE
from simulator.dashboard import control
from simulator.dashboard.fleet import FAILED, IDLE, UPDATED, UPDATING, DeviceRow, Fleet, Mark

CLOUD = "own broker"
_STATES = {
    "DOWNLOADING": (UPDATING, 10),
    "DOWNLOADED": (UPDATING, 55),
    "VERIFIED": (UPDATING, 60),
    "UPDATING": (UPDATING, 70),
    "UPDATED": (UPDATED, 100),
    "FAILED": (FAILED, None),
}
_DOWNLOAD = range(10, 55)
_JOBS = {"job": FIRMWARE, "software/job": SOFTWARE}
_PROGRESS = {"progress": FIRMWARE, "software/progress": SOFTWARE}


class Adapter:
    """Call it with each event of the broker, where the fleet lives. `names`: the topics of the product."""

    def __init__(self, fleet: Fleet, cloud: Broker, names: Names) -> None:
        self._fleet, self._names = fleet, names
        self._prefix = names.device("", "")[:-1]

    def __call__(self, event: dict) -> None:
        if event["event"] in ("connect", "close") and event.get("client"):
            self._link(event)
        elif event["event"] == "publish" and event["topic"].startswith(self._prefix):
            device, _, name = event["topic"].removeprefix(self._prefix).partition("/")
            if device == event["client"] and event["text"]:
                self._said(device, name, event)
        elif event["event"] == "fault":
            self._fault(event)

    def row(self, device: str, kind: str, now_ms: int) -> DeviceRow:
        """The device's row for this kind, made if there is none."""
        row_id = f"{kind} {device}"
        if row_id in self._fleet.rows:
            return self._fleet.rows[row_id]
        return self._fleet.add(DeviceRow(row_id, device, CLOUD, kind), now_ms)

    def firmware_row(self, device: str, now_ms: int) -> DeviceRow:
        return self.row(device, FIRMWARE, now_ms)

    def _rows_of(self, device: str) -> list[DeviceRow]:
        return [row for row in self._fleet.rows.values() if row.device == device]

    def _said(self, device: str, name: str, event: dict) -> None:
        now_ms = event["at_ms"]
        if name in _JOBS:
            self._job(self.row(device, _JOBS[name], now_ms), json.loads(event["text"]), now_ms)
        elif name in _PROGRESS:
            row = self.row(device, _PROGRESS[name], now_ms)
            percent = _DOWNLOAD.start + len(_DOWNLOAD) * int(event["text"]) // 100
            if row.state == "DOWNLOADING" and percent > row.progress:
                self._fleet.change(row, now_ms, progress=percent)
        elif name == "status":
            told = json.loads(event["text"])
            for kind in (FIRMWARE, SOFTWARE):
                if kind in told:
                    self._fleet.change(self.row(device, kind, now_ms), now_ms, current=" ".join(told[kind]))
            control.tell(self._fleet, self._rows_of(device), told, now_ms)

    def _job(self, row: DeviceRow, job: dict, now_ms: int) -> None:
        group, percent = _STATES.get(job["state"], (IDLE, None))
        error = job.get("error")
        facts: dict[str, object] = {"state": job["state"], "group": group, "last_report_ms": now_ms}
        facts |= {"current": f"{job['title']} {job['version']}", "error_text": error}
        facts["error"] = error.partition(":")[0] if error else None
        if percent is not None:
            facts["progress"] = percent
        if job["state"] == "DOWNLOADING":
            facts["attempts"] = row.attempts + 1
        self._fleet.change(row, now_ms, **facts)
        self._fleet.mark(row, Mark(now_ms, "state", job["state"], group, row.current, row.target, error))

    def _link(self, event: dict) -> None:
        is_online = event["event"] == "connect"
        text = "connected" if is_online else f"disconnected: {event['reason']}"
        for row in self._rows_of(event["client"]):
            self._fleet.change(row, event["at_ms"], is_online=is_online)
            self._fleet.mark(row, Mark(event["at_ms"], "link", text))

    def _fault(self, event: dict) -> None:
        """A fault names no device: it is on every timeline that it may have disturbed."""
        text = f"fault: {event['where']} {event['action']} {event['argument']}".rstrip()
        for row in self._fleet.rows.values():
            if row.group == UPDATING:
                self._fleet.mark(row, Mark(event["at_ms"], "fault", text))
