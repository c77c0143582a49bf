# SPDX-License-Identifier: MIT
"""A board with the unmodified firmware, a broker, and a maker who publishes on it, on virtual time.

    world.release("1.1.0")
    world.wait("UPDATED")
    assert world.states == [*GOOD]

What knows no cloud is in board_world.py.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.board.inprocess import InProcess
from simulator.board.net import EPOCH_MS
from simulator.breakage import TITLE
from simulator.clouds.broker import Broker, Names, chunks, release
from simulator.clouds.broker.scheme import FIRMWARE, encode
from simulator.interpreters import Interpreter
from tests.agent.board_world import HEAP, BoardWorld, firmware
from tests.agent.web import Web

PRODUCT = "thermometer"
DEVICE = "board-1"
FILES = "images.example"
GOOD = ("DOWNLOADING", "DOWNLOADED", "VERIFIED", "UPDATING", "UPDATED")


class BrokerWorld(BoardWorld):
    """`cloud` is the core, `names` the topics, `web` a server of images."""

    def __init__(
        self,
        interpreter: Interpreter | InProcess,
        app: bytes | None = None,
        settings: dict[str, int | str] | None = None,
        heap: str | None = HEAP,
        layout: str = "4MiB",
        files: Path | None = None,
        **server: Any,
    ) -> None:
        self.cloud = Broker(seed=1, now_ms=EPOCH_MS, **server)
        self.names = Names(PRODUCT)
        self.web = Web(b"")
        values = {"cloud": "broker", "product": PRODUCT, "device_id": DEVICE, **(settings or {})}
        super().__init__(interpreter, self.cloud, values, app, heap, layout, files)

    def connect(self) -> None:
        super().connect()
        self.twin.net.serve(FILES, 80, self.web)

    # what the maker does

    def publish(self, topic: str, message: dict | bytes | None, retain: bool = True) -> None:
        """None takes away what is retained."""
        payload = message if isinstance(message, bytes) else encode(message)
        self.cloud.publish(topic, payload, self.twin.now_ms, retain)

    def upload(self, version: str, data: bytes | None = None, title: str = TITLE, **more: Any) -> dict[str, Any]:
        """Puts an image (our firmware as `version` unless there is `data`) on the broker; what a release says of it."""
        data = firmware(version) if data is None else data
        if "url" in more:
            self.web.data = data
        else:
            for topic, chunk in chunks(self.names, data, more.get("chunk_size", 4096)):
                self.publish(topic, chunk)
        return release(title, version, data, **more)

    def release(self, version: str = "1.1.0", place: str = "", kind: str = FIRMWARE, **more: Any) -> dict[str, Any]:
        """Uploads and releases, by default to everybody and for now."""
        record = self.upload(version, **{"immediate": True, **more})
        self.publish(self.names.release(kind, place), record)
        return record

    def take_back(self, place: str = "", kind: str = FIRMWARE) -> None:
        self.publish(self.names.release(kind, place), None)

    def configure(self, **config: Any) -> None:
        """What is special about the device; nothing: its configuration is taken away."""
        self.publish(self.names.device(DEVICE, "config"), config or None)

    def set(self, name: str, payload: bytes, retain: bool = True) -> None:
        self.publish(self.names.device(DEVICE, f"set/{name}"), payload, retain)

    # time

    def wait(self, what: str | Callable[[], bool], timeout_s: float = 600) -> None:
        """Runs on until the device has told this state once more, or until `what()`; fails after `timeout_s`."""
        seen = self.states.count(what)
        self.wait_until((lambda: self.states.count(what) > seen) if isinstance(what, str) else what, timeout_s, what)

    def wait_online(self) -> None:
        """Runs on until the device has read all that is retained."""
        before = len(self.seen("publish", topic=self.names.device(DEVICE, "status")))
        self.wait(lambda: len(self.seen("publish", topic=self.names.device(DEVICE, "status"))) > before)
        self.pass_time(3)

    # what was seen

    @property
    def events(self) -> list[dict]:
        return self.cloud.events

    def said(self, name: str) -> list[Any]:
        """What the device has published on its topic `name`, in order."""
        return [json.loads(event["text"]) for event in self.seen("publish", topic=self.names.device(DEVICE, name))]

    def kept(self, name: str) -> Any:
        """What the broker has of the device on this topic, None for nothing."""
        message = self.cloud.retained.get(self.names.device(DEVICE, name))
        return json.loads(message.payload) if message else None

    @property
    def states(self) -> list[str]:
        return [job["state"] for job in self.said("job")]

    @property
    def errors(self) -> list[str]:
        return [job["error"] for job in self.said("job") if "error" in job]

    @property
    def refusals(self) -> list[str]:
        return [error["code"] for error in self.said("error")]

    def fetched(self, data: bytes) -> list[int]:
        """The chunks of an image that went out, in order."""
        prefix = self.names.chunk(hashlib.sha256(data).hexdigest(), "")
        topics = [event["topic"] for event in self.seen("deliver")]
        return [int(topic.removeprefix(prefix)) for topic in topics if topic.startswith(prefix)]
