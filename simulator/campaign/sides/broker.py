# SPDX-License-Identifier: MIT
"""The maker's own broker in the campaign: one device with a password, over plain MQTT, which is locked to a release."""

import json
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.board.lockstep import HOST, PORT
from simulator.board.net import EPOCH_MS
from simulator.campaign.sides.story_side import StorySide
from simulator.clouds.broker import Broker
from simulator.sides.broker import LOCKS, BrokerSide

if TYPE_CHECKING:
    from simulator.board.net import VirtualNet

_WINDOW, _CHUNK = 4, 4096  # of the board's settings, and of what the side publishes
_DEVICE = "board-1"
_ENDS = {"UPDATED": "updated", "FAILED": "failed"}
_JOBS = {"job": "FIRMWARE", "software/job": "SOFTWARE"}
_RUNNING = {"firmware": "FIRMWARE", "software": "SOFTWARE"}  # in the status


class BrokerStory(BrokerSide, StorySide):
    """See StorySide."""

    AHEAD: ClassVar = _WINDOW * _CHUNK
    IS_SILENT: ClassVar = False
    secret = "campaign-secret-password"

    def __init__(self, cloud: Broker) -> None:
        super().__init__(cloud)
        cloud.users = {_DEVICE: self.secret.encode()}
        self.peer = self.add(1)
        self.reached(HOST, {"mqtt_port": PORT})

    @classmethod
    def of(cls, seed: int) -> "BrokerStory":
        return cls(Broker(seed=seed, now_ms=EPOCH_MS))

    def serve(self, net: "VirtualNet") -> None:
        net.serve(HOST, PORT, self.cloud)

    def board(self) -> dict[str, int | str]:
        known = {name: v if isinstance(v, int) else v.decode() for name, v in self.settings(self.peer).items()}
        return {**known, "user": _DEVICE, "password": self.secret}

    def give(self, package: Any, now_ms: int) -> None:
        self.offer((self.peer,), package, now_ms)

    def take_back(self, kind: str, now_ms: int) -> bool:
        is_offered = self.configs[self.peer].pop(LOCKS[kind.lower()], None) is not None
        self.configure(self.peer, now_ms)
        return is_offered

    def take_over(self, number: int, now_ms: int) -> None:
        self.cloud.take_over(_DEVICE, now_ms)

    def entries(self, event: dict) -> list[dict]:
        kind = event["event"]
        if kind == "subscribe" and not any("/image/" in name for name in event["filters"]):
            return [{"event": "answer"}]
        if kind == "deliver" and "/image/" in event["topic"]:
            return [{"event": "bytes", "length": event["size"]}]
        if kind != "publish" or event["client"] != _DEVICE:
            return []
        return [{"event": "said", "text": str(event["text"])}, *self._told(event)]

    def _told(self, event: dict) -> list[dict]:
        name = event["topic"].removeprefix(self.names.device(_DEVICE, ""))
        try:
            told = json.loads(event["text"])
        except (TypeError, ValueError):
            return [{"event": "nonsense", "text": str(event)}]
        if name in _JOBS:
            return [_state(_JOBS[name], told), {"event": "version", "kind": _JOBS[name], "version": told["version"]}]
        if name == "status":
            known = ((kind, told[key][1]) for key, kind in _RUNNING.items() if key in told)
            return [{"event": "version", "kind": kind, "version": version} for kind, version in known]
        if name == "error":
            return [{"event": "nonsense", "text": str(event)}]
        return []

    @property
    def constants(self) -> tuple[object, ...]:
        return (*super().constants, *self._images())

    def _images(self) -> tuple[object, ...]:
        """Chunks: many, and the same in each copy."""
        return tuple(message for topic, message in self.cloud.retained.items() if "/image/" in topic)


def _state(kind: str, told: dict) -> dict:
    word = told["state"]
    is_back = str(told.get("error", "")).startswith("rolled_back")
    end = "rolled_back" if word == "FAILED" and is_back else _ENDS.get(word)
    return {"event": "state", "kind": kind, "word": word, "version": None, "end": end}
