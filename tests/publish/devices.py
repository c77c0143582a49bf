# SPDX-License-Identifier: MIT
"""A device as others see it on the broker, by paho-mqtt: says what it runs, takes releases, answers as it is told."""

import json
from typing import Any, Self

import paho.mqtt.client as paho

from simulator.clouds.broker import Names
from tests.wire.broker import LIMIT_S, USERS
from tools.publish.fleet import job_id


class Device:
    """A context manager. `answers`: the states that it tells of each release; the last of several releases counts."""

    def __init__(self, port: int, names: Names, name: str, *answers: str, error: str = "") -> None:
        self.name, self._names, self._answers, self._error = name, names, answers, error
        self.releases: list[dict[str, Any] | None] = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, name)
        self._client.username_pw_set(name, USERS[name])
        self._client.will_set(names.device(name, "online"), b"false", 1, True)
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def __enter__(self) -> Self:
        self.say("online", True)
        self.say("status", {"firmware": ["thermometer", "1.0.0"]})
        self._client.subscribe(self._names.release(), 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, name: str, told: Any) -> None:
        self.write(self._names.device(self.name, name), json.dumps(told).encode())

    def write(self, topic: str, payload: bytes, retain: bool = True) -> None:
        """Whatever the ACL says to that."""
        self._client.publish(topic, payload, 1, retain).wait_for_publish(LIMIT_S)

    def _hear(self, client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        record = json.loads(message.payload) if message.payload else None
        self.releases.append(record)
        if record is None:
            return
        for state in self._answers:
            version = record["version"] if state == "UPDATED" else "1.0.0"
            told = {"id": job_id(record), "state": state, "title": record["title"], "version": version}
            told |= {"error": self._error} if state == "FAILED" else {}
            client.publish(self._names.job(self.name), json.dumps(told), 1, True)
