# SPDX-License-Identifier: MIT
"""Bytes to packets, as they come and cut anywhere; never holds more than one packet of at most `limit` bytes."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from simulator.clouds.mqtt.body import Body
from simulator.clouds.mqtt.packets import (
    V5,
    V31,
    V311,
    Connect,
    Malformed,
    Packet,
    Plain,
    Publish,
    Subscribe,
    Unsubscribe,
    Will,
)

T = TypeVar("T")

LIMIT = 65_536  # of the remaining length; thingsboard.md 1.4
_LENGTH_BYTES = 4

_CONNECT, _PUBLISH, _PUBACK, _PUBREL, _SUBSCRIBE, _UNSUBSCRIBE = 1, 3, 4, 6, 8, 10
_PINGREQ, _DISCONNECT, _AUTH = 12, 14, 15
_FROM_SERVER = (0, 2, 9, 11, 13)
_FLAGS = {_PUBREL: 2, _SUBSCRIBE: 2, _UNSUBSCRIBE: 2}
_PROTOCOLS = {("MQIsdp", V31), ("MQTT", V311), ("MQTT", V5)}
_PLAIN = {4: "puback", 5: "pubrec", 6: "pubrel", 7: "pubcomp", 12: "pingreq", 14: "disconnect", 15: "auth"}


class Decoder:
    """One connection's bytes to packets; `level` is None until a CONNECT came by."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.level: int | None = None
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Yields each packet that is complete now; raises Malformed after the good ones before the bad one."""
        self._buffer += data
        while (span := self._span()) is not None:
            start, end = span
            first = self._buffer[0]
            with memoryview(self._buffer) as view:
                body = bytes(view[start:end])
            del self._buffer[:end]
            yield self._packet(first >> 4, first & 15, Body(body))

    def drop(self) -> None:
        """Half a packet, of which the rest will never come."""
        self._buffer.clear()

    def _span(self) -> tuple[int, int] | None:
        """Where the body of the first packet begins and ends, or None while bytes are missing."""
        if self._buffer:
            self._check_first(self._buffer[0])
        size = shift = 0
        for index in range(1, 1 + _LENGTH_BYTES):
            if index >= len(self._buffer):
                return None
            byte = self._buffer[index]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        else:
            raise Malformed("remaining length of more than four bytes")
        if size > self._limit:
            raise Malformed(f"packet of {size} bytes, limit is {self._limit}")
        end = index + 1 + size
        return (index + 1, end) if end <= len(self._buffer) else None

    def _check_first(self, first: int) -> None:
        """Type and flags, before anything else is waited for."""
        kind, flags = first >> 4, first & 15
        wrong = flags >> 1 & 3 == 3 if kind == _PUBLISH else flags != _FLAGS.get(kind, 0)
        if wrong or kind in _FROM_SERVER or (kind == _AUTH and self.level != V5):
            raise Malformed(f"packet type {kind} with flags {flags}")

    def _packet(self, kind: int, flags: int, body: Body) -> Packet:
        if kind == _PUBLISH:
            return self._publish(flags, body)
        if kind == _CONNECT:
            packet = _connect(body)
            self.level = packet.level
            return packet
        if kind == _SUBSCRIBE:
            return self._subscribe(body)
        if kind == _UNSUBSCRIBE:
            packet_id = self._subscription_id(body)
            return Unsubscribe(packet_id, _at_least_one(_until_end(body, body.text)))
        if _PUBACK <= kind < _SUBSCRIBE:
            return Plain(_PLAIN[kind], body.packet_id())
        if kind == _PINGREQ or (kind == _DISCONNECT and self.level != V5):
            body.done()
        return Plain(_PLAIN[kind])

    def _publish(self, flags: int, body: Body) -> Publish:
        qos = flags >> 1 & 3
        topic = body.text()
        if "#" in topic or "+" in topic:
            raise Malformed("wildcard in the topic of a PUBLISH")
        packet_id = body.packet_id() if qos else 0
        if self.level == V5:
            body.properties()
        return Publish(topic, body.rest(), qos, packet_id, bool(flags & 1))

    def _subscribe(self, body: Body) -> Subscribe:
        packet_id = self._subscription_id(body)
        reserved = 0xC0 if self.level == V5 else 0xFC

        def one() -> tuple[str, int]:
            name, options = body.text(), body.u8()
            if options & reserved or options & 3 == 3:
                raise Malformed("subscription options")
            return name, options & 3

        return Subscribe(packet_id, _at_least_one(_until_end(body, one)))

    def _subscription_id(self, body: Body) -> int:
        packet_id = body.packet_id()
        if self.level == V5:
            body.properties()
        return packet_id


def _connect(body: Body) -> Connect:
    name, level = body.text(), body.u8()
    if (name, level) not in _PROTOCOLS:
        raise Malformed(f"protocol {name!r} level {level}")
    flags, keepalive_s = body.u8(), body.u16()
    has_will, will_qos = flags & 4, flags >> 3 & 3
    if flags & 1 or will_qos == 3 or (not has_will and flags & 0x38):
        raise Malformed("CONNECT flags")
    if level == V5:
        body.properties()
    client_id = body.text()
    will = None
    if has_will:
        if level == V5:
            body.properties()
        will = Will(body.text(), body.binary(), will_qos, bool(flags & 0x20))
    username = body.text() if flags & 0x80 else None
    password = body.binary() if flags & 0x40 else None
    body.done()
    return Connect(level, client_id, bool(flags & 2), keepalive_s, username, password, will)


def _until_end(body: Body, read: Callable[[], T]) -> Iterator[T]:
    """Reads items until the packet ends."""
    while not body.at_end:
        yield read()


def _at_least_one(items: Iterator[T]) -> tuple[T, ...]:
    found = tuple(items)
    if not found:
        raise Malformed("no topic filter")
    return found
