# SPDX-License-Identifier: MIT
"""The server's answers as bytes. `level` is 3, 4 or 5, as in the CONNECT that the session began with."""

from collections.abc import Sequence

from simulator.clouds.mqtt.packets import V5


def connack(level: int, session_present: bool, code: int, properties: bytes = b"") -> bytes:
    """`properties` (MQTT 5, 3.2.2.3) travel in version 5 only; up to 127 bytes of them."""
    block = bytes((len(properties),)) + properties if level == V5 else b""
    return _packet(0x20, bytes((session_present, code)), block)


def publish(
    level: int, topic: str, payload: bytes | memoryview, qos: int, packet_id: int, is_retained: bool = False
) -> bytes:
    """A PUBLISH, never DUP. The payload is copied once, into the result."""
    name = topic.encode()
    identity = packet_id.to_bytes(2) if qos else b""
    return _packet(0x30 | qos << 1 | is_retained, len(name).to_bytes(2), name, identity, _no_properties(level), payload)


def puback(level: int, packet_id: int, reason: int = 0) -> bytes:
    """The reason travels in version 5 only, and only if it is not 0 (success)."""
    return _packet(0x40, packet_id.to_bytes(2), bytes((reason, 0)) if level == V5 and reason else b"")


def suback(level: int, packet_id: int, codes: Sequence[int]) -> bytes:
    return _packet(0x90, packet_id.to_bytes(2), _no_properties(level), bytes(codes))


def unsuback(level: int, packet_id: int, codes: Sequence[int]) -> bytes:
    """The codes travel in version 5 only."""
    return _packet(0xB0, packet_id.to_bytes(2), _no_properties(level), bytes(codes) if level == V5 else b"")


def pingresp() -> bytes:
    return _packet(0xD0)


def disconnect(reason: int) -> bytes:
    """A server may say goodbye in version 5 only."""
    return _packet(0xE0, bytes((reason, 0)))


def _no_properties(level: int) -> bytes:
    return b"\0" if level == V5 else b""


def _packet(first: int, *parts: bytes | memoryview) -> bytes:
    size = sum(map(len, parts))
    header = bytearray((first,))
    while size > 127:
        header.append(size & 127 | 128)
        size >>= 7
    header.append(size)
    return b"".join((header, *parts))
