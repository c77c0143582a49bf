# SPDX-License-Identifier: MIT
"""The maker's own broker as a Side: devices with names over plain MQTT, each locked to what it is offered."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from simulator.clouds.broker import Broker, Names, chunks, release
from simulator.clouds.broker.scheme import FIRMWARE, SOFTWARE, encode
from simulator.sides.side import FAILED, UPDATED, Entrance, Side, Told

PRODUCT = "thermometer"
LOCKS = {FIRMWARE: "locked", SOFTWARE: "software_locked"}
_RESULTS = {"UPDATED": UPDATED, "FAILED": FAILED}


class BrokerSide(Side):
    """See Side. A package is (kind, release)."""

    NAME: ClassVar = "broker"
    HEAP: ClassVar = "88k"

    def __init__(self, cloud: Broker, names: Names | None = None) -> None:
        self.cloud: Broker = cloud
        self.names = names or Names(PRODUCT)
        self.entrances = (Entrance("mqtt_port", cloud),)
        self.configs: dict[str, dict[str, Any]] = {}

    @classmethod
    def fresh(cls, now_ms: int) -> "BrokerSide":
        return cls(Broker(seed=1, now_ms=now_ms))

    def reached(self, host: str, ports: Mapping[str, int]) -> None:
        self._where = {"host": host.encode(), "port": ports["mqtt_port"]}

    def add(self, number: int) -> str:
        device = f"board-{number}"
        self.configs[device] = {}
        return device

    def settings(self, device: str) -> dict[str, int | bytes]:
        who = {"product": self.names.product.encode(), "device_id": device.encode()}
        return {"cloud": b"broker", **self._where, **who}

    def package(self, title: str, version: str, data: bytes, type: str = "FIRMWARE") -> tuple[str, dict[str, Any]]:
        for topic, payload in chunks(self.names, data):
            self.cloud.publish(topic, payload, self.cloud.now_ms, retain=True)
        return type.lower(), release(title, version, data)

    def offer(self, devices: Sequence[str], package: tuple[str, dict[str, Any]], now_ms: int) -> None:
        kind, record = package
        for device in devices:
            self.configs[device][LOCKS[kind]] = record
            self.configure(device, now_ms)

    def configure(self, device: str, now_ms: int) -> None:
        """Publishes what is special about the device."""
        self.cloud.publish(self.names.device(device, "config"), encode(self.configs[device]), now_ms, retain=True)

    def spoil(self) -> None:
        self.cloud.add_fault("chunk=5x*:corrupt")

    def told(self, event: dict) -> list[Told]:
        if event["event"] == "deliver" and "/image/" in event["topic"]:
            return [Told(event["client"], "bytes", size=event["size"])]
        if event["event"] != "publish" or not event["text"]:
            return []
        device, _, name = event["topic"].removeprefix(self.names.device("", "")[:-1]).partition("/")
        if name == "config":
            locked = [(kind, json.loads(event["text"]).get(lock)) for kind, lock in LOCKS.items()]
            offers = [(kind, one) for kind, one in locked if one]
            return [Told(device, "offer", f"{o['title']} {o['version']}", type=kind.upper()) for kind, o in offers]
        if name in ("job", "software/job"):
            kind = FIRMWARE if name == "job" else SOFTWARE
            job = json.loads(event["text"])
            state, error = str(job.get("state")), str(job.get("error", ""))
            facts = {"is_report": True, "result": _RESULTS.get(state), "type": kind.upper()}
            return [Told(device, "state", state, error, **facts)]
        return []
