# SPDX-License-Identifier: MIT
"""Time series: what the device publishes and the server keeps (thingsboard.md 5.1)."""

from typing import TYPE_CHECKING

from simulator.clouds.thingsboard import bodies
from simulator.clouds.thingsboard.bodies import Value

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard
    from simulator.clouds.thingsboard.devices import Device
    from simulator.clouds.thingsboard.session import Request, Session


class Telemetry:
    """One value per key and millisecond: of two in the same millisecond the first is gone."""

    def __init__(self) -> None:
        self._series: dict[str, dict[int, Value]] = {}
        self._latest: dict[str, tuple[int, Value]] = {}

    def save(self, ts_ms: int, values: dict[str, Value]) -> None:
        """Adds to the history; the latest value is only replaced by one that is not older."""
        for key, value in values.items():
            self._series.setdefault(key, {})[ts_ms] = value
            if key not in self._latest or ts_ms >= self._latest[key][0]:
                self._latest[key] = (ts_ms, value)

    def history(self, key: str) -> list[tuple[int, Value]]:
        """`(unix ms, value)` by time."""
        return sorted(self._series.get(key, {}).items(), key=lambda point: point[0])

    def latest(self, key: str) -> Value | None:
        return self._latest[key][1] if key in self._latest else None

    def latest_point(self, key: str) -> tuple[int, Value] | None:
        """The latest value with its unix ms."""
        return self._latest.get(key)

    def keys(self) -> list[str]:
        """In the order they first came."""
        return list(self._series)


def post(session: "Session", request: "Request") -> None:
    receive(session.cloud, session.device, request.payload)
    if not session.disturbed(session.cloud.strike("telemetry")):
        request.ack()


def receive(cloud: "ThingsBoard", device: "Device", payload: bytes) -> None:
    """Saves what the device sent; nothing in it makes the server do anything else, `fw_state` included."""
    entries = bodies.telemetry(payload, cloud.now_ms)
    cloud.spend(device, sum(len(values) for _, values in entries))
    for ts_ms, values in entries:
        device.telemetry.save(ts_ms, values)
        cloud.log("telemetry", device=device.name, ts=ts_ms, values=values)
