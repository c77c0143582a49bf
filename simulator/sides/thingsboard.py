# SPDX-License-Identifier: MIT
"""ThingsBoard as a Side: devices with access tokens, over plain MQTT."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from simulator.clouds.thingsboard import Package, ThingsBoard
from simulator.clouds.thingsboard.packages import PREFIXES
from simulator.sides.side import FAILED, UPDATED, Entrance, Side, Told

_RESULTS = {"UPDATED": UPDATED, "FAILED": FAILED}
_ITS_OWN = ("QUEUED", "INITIATED")  # states that the server sets itself


class ThingsBoardSide(Side):
    """See Side."""

    NAME: ClassVar = "thingsboard"
    HEAP: ClassVar = "80k"

    def __init__(self, cloud: ThingsBoard) -> None:
        self.cloud: ThingsBoard = cloud
        self.entrances = (Entrance("mqtt_port", cloud),)

    @classmethod
    def fresh(cls, now_ms: int) -> "ThingsBoardSide":
        return cls(ThingsBoard(seed=1, now_ms=now_ms))

    def reached(self, host: str, ports: Mapping[str, int]) -> None:
        self._where = {"host": host.encode(), "port": ports["mqtt_port"]}

    def add(self, number: int) -> str:
        return self.cloud.add_device(f"board-{number}", f"token-{number}").name

    def settings(self, device: str) -> dict[str, int | bytes]:
        return {**self._where, "token": (self.cloud.devices[device].token or "").encode()}

    def package(self, title: str, version: str, data: bytes, type: str = "FIRMWARE") -> Package:
        return self.cloud.add_package(title, version, data, type=type)

    def offer(self, devices: Sequence[str], package: Package, now_ms: int) -> None:
        for device in devices:
            self.cloud.assign(self.cloud.devices[device], package, now_ms)

    def spoil(self) -> None:
        self.cloud.add_fault("chunk=5x*:corrupt")

    def told(self, event: dict) -> list[Told]:
        kind, device = event["event"], event.get("device")
        if kind == "initiated":
            return [Told(device, "offer", f"{event['title']} {event['version']}", type=event["type"])]
        if kind == "chunk":
            return [Told(device, "bytes", size=event["length"], type=event["type"])]
        if kind == "telemetry":
            reported = [_report(device, event["values"], *names) for names in PREFIXES.items()]
            return [report for report in reported if report]
        return []


def _report(device: str, values: dict, package_type: str, prefix: str) -> Told | None:
    if f"{prefix}_state" not in values:
        return None
    state, error = str(values[f"{prefix}_state"]), str(values.get(f"{prefix}_error", ""))
    facts = {"is_report": state not in _ITS_OWN, "result": _RESULTS.get(state), "type": package_type}
    return Told(device, "state", state, error, **facts)
