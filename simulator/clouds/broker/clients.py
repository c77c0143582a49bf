# SPDX-License-Identifier: MIT
"""What a broker keeps of a client: its subscriptions, and the messages that it has not acknowledged."""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from simulator.clouds import mqtt

if TYPE_CHECKING:
    from simulator.clouds.broker.session import Session

_DUP = 8


@dataclass(frozen=True, slots=True)
class Message:
    """`is_retained` of one that goes out: it was there before the subscription."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool = False

    def to(self, qos: int, is_retained: bool) -> "Message":
        """As a subscriber with this QoS gets it."""
        return replace(self, qos=min(self.qos, qos), is_retained=is_retained)


@dataclass
class Client:
    """`session`: None while it is away. `is_kept`: subscriptions and messages wait for it meanwhile."""

    id: str
    is_kept: bool
    user: str | None = None
    session: "Session | None" = None
    filters: dict[str, int] = field(default_factory=dict)
    in_flight: dict[int, Message] = field(default_factory=dict)  # by packet id
    waiting: deque[Message] = field(default_factory=deque)
    limits: tuple[int, int] = (20, 1000)  # of messages under way, and of those that wait
    _packet_id: int = 0

    def give(self, message: Message) -> None:
        """Sends it, or keeps it for later; QoS 0 is not kept for who is away."""
        if self.session is None:
            if message.qos and len(self.waiting) < self.limits[1]:
                self.waiting.append(message)
        elif message.qos == 0:
            self.session.deliver(message, 0)
        elif len(self.in_flight) < self.limits[0]:
            self._launch(message)
        elif len(self.waiting) < self.limits[1]:
            self.waiting.append(message)

    def acked(self, packet_id: int) -> None:
        if self.in_flight.pop(packet_id, None) and self.waiting:
            self._launch(self.waiting.popleft())

    def resume(self) -> None:
        """After a reconnect: what was not acknowledged comes again, marked, and then what has come meanwhile."""
        for packet_id, message in self.in_flight.items():
            self.session.deliver(message, packet_id, _DUP)
        while self.waiting and len(self.in_flight) < self.limits[0]:
            self._launch(self.waiting.popleft())

    def _launch(self, message: Message) -> None:
        while True:
            self._packet_id = self._packet_id % 0xFFFF + 1
            if self._packet_id not in self.in_flight:
                break
        self.in_flight[self._packet_id] = message
        self.session.deliver(message, self._packet_id)


def encode(level: int, message: Message, packet_id: int, flags: int) -> bytes:
    """A PUBLISH; `flags` are added to its first byte."""
    data = mqtt.publish(level, message.topic, message.payload, message.qos, packet_id, message.is_retained)
    return bytes((data[0] | flags,)) + data[1:]
