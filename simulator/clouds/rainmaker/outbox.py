# SPDX-License-Identifier: MIT
"""What a connection has sent with QoS 1 and not seen acknowledged (AWS IoT Core quotas: message broker)."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.clouds import mqtt

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.session import Session

_LIMIT = 100  # publishes without a PUBACK; then the next ones wait
_GIVE_UP_MS = 3_600_000  # a publish without a PUBACK is dropped then


@dataclass(slots=True)
class _Message:
    """`due_ms` is when it is sent again, `until_ms` when it is given up."""

    topic: str
    payload: bytes
    is_retained: bool
    until_ms: int
    due_ms: int = 0


class Outbox:
    """Numbers what goes out, and sends it again if need be: under another packet id and without DUP, as AWS IoT may."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._cloud = session.cloud
        self._packet_id = 0
        self._in_flight: dict[int, _Message] = {}  # by packet id, the longest under way first
        self._waiting: deque[_Message] = deque()
        self._is_watching = False

    def send(self, topic: str, payload: bytes, qos: int, is_retained: bool = False) -> None:
        if qos == 0:
            self._session.send(mqtt.publish(self._session.level, topic, payload, 0, 0, is_retained))
            return
        message = _Message(topic, payload, is_retained, self._cloud.now_ms + _GIVE_UP_MS)
        if len(self._in_flight) >= _LIMIT:
            self._waiting.append(message)
        else:
            self._launch(message)

    def acked(self, packet_id: int) -> None:
        if self._in_flight.pop(packet_id, None) and self._waiting:
            self._launch(self._waiting.popleft())

    def _launch(self, message: _Message) -> None:
        packet_id = self._next_id()
        message.due_ms = self._cloud.now_ms + self._cloud.settings.redeliver_ms
        self._in_flight[packet_id] = message
        level = self._session.level
        self._session.send(mqtt.publish(level, message.topic, message.payload, 1, packet_id, message.is_retained))
        self._watch()

    def _next_id(self) -> int:
        while True:
            self._packet_id = self._packet_id % 0xFFFF + 1
            if self._packet_id not in self._in_flight:
                return self._packet_id

    def _watch(self) -> None:
        """One timer, for the message that is due first."""
        if self._in_flight and self._cloud.settings.redeliver_ms and not self._is_watching:
            self._is_watching = True
            first = next(iter(self._in_flight.values()))
            self._session.later(first.due_ms - self._cloud.now_ms, self._send_again)

    def _send_again(self) -> None:
        self._is_watching = False
        now_ms = self._cloud.now_ms
        for packet_id, message in list(self._in_flight.items()):
            if message.due_ms <= now_ms:
                del self._in_flight[packet_id]
                if now_ms < message.until_ms:
                    self._cloud.log("redelivery", node=self._session.name, topic=message.topic)
                    self._launch(message)
        self._watch()
