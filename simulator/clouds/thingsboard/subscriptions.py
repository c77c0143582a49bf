# SPDX-License-Identifier: MIT
"""What a session has subscribed to: exact filters only, QoS 1 at most, and one way for attribute pushes (1.2, 2.1)."""

from simulator.clouds import mqtt
from simulator.clouds.thingsboard import topics

_MAX_QOS = 1
_UNKNOWN = 0x11  # UNSUBACK of version 5: there was no such subscription


class Subscriptions:
    """`push_topic` is where attribute updates go, `rpc_topic` where calls go: the variant subscribed last, or None.

    `filters` are those that exist for this session.
    """

    def __init__(self, filters: frozenset[str] = topics.FILTERS) -> None:
        self.push_topic: str | None = None
        self.rpc_topic: str | None = None
        self._filters = filters
        self._granted: dict[str, int] = {}

    def add(self, name: str, qos: int, level: int) -> int:
        """The code for the SUBACK: the QoS granted, or the refusal of this protocol version."""
        if name not in self._filters:
            return 0x8F if level == mqtt.V5 else 0x80
        self._granted[name] = min(qos, _MAX_QOS)
        return self._granted[name]

    def listen(self, name: str) -> None:
        """From now on what the server has to say by itself goes out on this granted filter, if it is for that."""
        if name in topics.ATTRIBUTES:
            self.push_topic = name
        elif name in topics.RPC:
            self.rpc_topic = name

    def remove(self, name: str) -> int:
        """The code for the UNSUBACK. Any attribute filter that goes takes the pushes with it, of every variant."""
        if self._granted.pop(name, None) is None:
            return _UNKNOWN
        if name in topics.ATTRIBUTES:
            self.push_topic = None
        elif name in topics.RPC:
            self.rpc_topic = None
        return 0

    def qos(self, topic: str) -> int:
        """Of the first filter that matches; 1 if none does, for the server publishes all the same."""
        return next((qos for name, qos in self._granted.items() if topics.matches(name, topic)), 1)
