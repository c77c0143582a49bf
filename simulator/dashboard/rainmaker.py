# SPDX-License-Identifier: MIT
"""Fills a fleet from the log of the mock RainMaker: a row a node, which shows the job that it last had to do with.

The states are those of a node's job in the service's own dashboard. The bytes of the download move the bar from 10 to
90 percent, and a failure leaves it where it was.
"""

import re

from simulator.clouds.rainmaker import RainMaker
from simulator.dashboard import control
from simulator.dashboard.fleet import FAILED, IDLE, UPDATED, UPDATING, WAITING, DeviceRow, Fleet, Mark

CLOUD = "RainMaker"
_STATES = {
    "triggered": (WAITING, 0),
    "started": (UPDATING, 5),
    "in-progress": (UPDATING, None),
    "delayed": (WAITING, None),
    "success": (UPDATED, 100),
    "failed": (FAILED, None),
    "rejected": (FAILED, None),
}
_ITS_OWN = ("triggered", "started")  # states that the cloud sets itself
_DOWNLOAD = range(10, 90)
_CONTROL = "Updates"  # our service
_PERCENT = re.compile(r"Downloaded (\d+)% Firmware Image")  # the one text that a program may read (rainmaker.md 2.3)


class Adapter:
    """Call it with each event of the cloud, where the fleet lives. It begins with the nodes that exist already."""

    def __init__(self, fleet: Fleet, cloud: RainMaker) -> None:
        self._fleet, self._cloud = fleet, cloud
        self._jobs: dict[str, str] = {}  # by row: the job it shows
        self._handlers = {
            "node_added": lambda event: self.firmware_row(event["node"], event["at_ms"]),
            "config": self._config,
            "node_job": self._node_job,
            "job_changed": self._job_changed,
            "otaurl": self._offered,
            "params": self._params,
            "http": self._http,
            "block": lambda event: self._received(event["node"], event["at_ms"], event["length"]),
            "connect": lambda event: self._link(event, True, "connected"),
            "close": lambda event: self._link(event, False, f"disconnected: {event['reason']}"),
            "fault": self._fault,
        }
        for node in cloud.nodes:
            self.firmware_row(node, cloud.now_ms)

    def __call__(self, event: dict) -> None:
        handler = self._handlers.get(event["event"])
        if handler:
            handler(event)

    def firmware_row(self, node: str, now_ms: int) -> DeviceRow:
        """The node's row, made if there is none."""
        if node in self._fleet.rows:
            return self._fleet.rows[node]
        return self._fleet.add(DeviceRow(node, node, CLOUD), now_ms)

    # Jobs

    def _node_job(self, event: dict) -> None:
        """A job that is new waits until the one under way is over, or the node turns to it."""
        row, state = self.firmware_row(event["node"], event["at_ms"]), event["state"]
        if self._jobs.get(row.id) != event["job"]:
            if state == "triggered" and row.group == UPDATING:
                return
            self._turn_to(row, event)
        if state not in _ITS_OWN:
            self._fleet.change(row, event["at_ms"], last_report_ms=event["at_ms"])
        self._state(row, event["at_ms"], state, event["info"])

    def _turn_to(self, row: DeviceRow, event: dict) -> None:
        image = self._cloud.jobs[event["job"]].image
        self._jobs[row.id] = event["job"]
        self._fleet.begin(row, image.size)
        fresh = {"progress": 0, "attempts": 0, "error": None, "error_text": None}
        self._fleet.change(row, event["at_ms"], target=image.name, **fresh)

    def _offered(self, event: dict) -> None:
        """An attempt, if the node was there to hear it."""
        if event["delivered"] and event["cause"] != "wait":
            row = self.firmware_row(event["node"], event["at_ms"])
            self._fleet.change(row, event["at_ms"], attempts=row.attempts + 1)

    def _job_changed(self, event: dict) -> None:
        """Cancelled: who has not begun has nothing to wait for any more."""
        if event["status"] != "cancelled":
            return
        for row in [row for row in self._fleet.rows.values() if self._jobs.get(row.id) == event["job"]]:
            if row.group == WAITING:
                self._fleet.change(row, event["at_ms"], state="IDLE", group=IDLE, target=None, progress=0)
            self._fleet.mark(row, Mark(event["at_ms"], "offer", "job expired" if event["expired"] else "job cancelled"))

    def _state(self, row: DeviceRow, now_ms: int, state: str, info: str) -> None:
        group, percent = _STATES.get(state, (IDLE, None))
        facts: dict[str, object] = {"state": state, "group": group}
        if percent is not None:
            facts["progress"] = percent
        if state == "started":
            facts |= {"error": None, "error_text": None}
        elif group == FAILED:
            facts |= {"error": info.partition(":")[0] or None, "error_text": info or None}
        self._fleet.change(row, now_ms, **facts)
        said = f"{state}: {info}" if info and state not in _ITS_OWN and group != FAILED else state
        self._fleet.mark(row, Mark(now_ms, "state", said, group, row.current, row.target, row.error_text))
        if found := _PERCENT.fullmatch(info):
            self._downloaded(row, now_ms, int(found[1]) / 100)

    # What the node does

    def _config(self, event: dict) -> None:
        row = self.firmware_row(event["node"], event["at_ms"])
        self._fleet.change(row, event["at_ms"], current=f"{event['model'] or '?'} {event['fw_version']}")

    def _params(self, event: dict) -> None:
        """Of our service; and OTA using params (rainmaker.md 8): no job, only what the node says of itself."""
        ours = event["params"].get(_CONTROL)
        if isinstance(ours, dict):
            rows = [self.firmware_row(event["node"], event["at_ms"])]
            control.tell(self._fleet, rows, {name.lower(): value for name, value in ours.items()}, event["at_ms"])
        said = event["params"].get("OTA")
        state = said.get("Status") if isinstance(said, dict) else None
        if state in _STATES:
            row = self.firmware_row(event["node"], event["at_ms"])
            self._fleet.change(row, event["at_ms"], last_report_ms=event["at_ms"])
            self._state(row, event["at_ms"], state, str(said.get("Info", "")))

    def _http(self, event: dict) -> None:
        if event["node"] and event["status"] in (200, 206):
            self._received(event["node"], event["at_ms"], event["length"])

    def _received(self, node: str, now_ms: int, size: int) -> None:
        row = self.firmware_row(node, now_ms)
        part = self._fleet.received(row, now_ms, size)
        if part is not None:
            self._downloaded(row, now_ms, part)

    def _downloaded(self, row: DeviceRow, now_ms: int, part: float) -> None:
        """The bar moves forward only, and only while the node is at it."""
        percent = _DOWNLOAD.start + round(len(_DOWNLOAD) * part)
        if row.group == UPDATING and percent > row.progress:
            self._fleet.change(row, now_ms, progress=percent)

    def _link(self, event: dict, is_online: bool, text: str) -> None:
        if event["node"] in self._fleet.rows:
            row = self._fleet.rows[event["node"]]
            self._fleet.change(row, event["at_ms"], is_online=is_online)
            self._fleet.mark(row, Mark(event["at_ms"], "link", text))

    def _fault(self, event: dict) -> None:
        text = f"fault: {event['where']} {event['action']} {event['argument']}".rstrip()
        self._fleet.disturb(event["at_ms"], text)
