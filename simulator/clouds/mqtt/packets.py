# SPDX-License-Identifier: MIT
"""What a device can say in MQTT, one record per packet, and the one error of the codec."""

from dataclasses import dataclass, field

V31, V311, V5 = 3, 4, 5


class Malformed(Exception):
    """The bytes are not MQTT, or too much of it; the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class Will:
    """What is to be published when the connection ends without a word."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool


@dataclass(frozen=True, slots=True)
class Connect:
    """`level` is 3, 4 or 5; `username` and `password` are None when absent, which is not the same as empty."""

    level: int
    client_id: str
    clean: bool
    keepalive_s: int
    username: str | None
    password: bytes | None
    will: Will | None = None


@dataclass(frozen=True, slots=True)
class Publish:
    """`packet_id` is 0 for QoS 0."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int
    is_retained: bool = False


@dataclass(frozen=True, slots=True)
class Subscribe:
    packet_id: int
    filters: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    packet_id: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plain:
    """A packet whose kind says it all: "puback", "pubrec", "pubrel", "pubcomp", "pingreq", "disconnect", "auth".

    `packet_id` is that of the first four; it makes no difference between two of a kind.
    """

    kind: str
    packet_id: int = field(default=0, compare=False)


Packet = Connect | Publish | Subscribe | Unsubscribe | Plain
