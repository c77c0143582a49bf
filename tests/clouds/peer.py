# SPDX-License-Identifier: MIT
"""A device for tests of a sans-IO MQTT cloud: speaks 3.1.1 or 5 on bytes of its own making, on a clock of its own.

And one that speaks HTTP.
"""

import json
from typing import ClassVar, NamedTuple
from urllib.parse import quote, urlencode

from simulator.clouds.core import Close, Send


def varint(value: int) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes((*data, value))


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return len(data).to_bytes(2) + data


def packet(first: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((first,)) + varint(len(body)) + body


def connect(level: int = 4, username: str | None = "T", password: str | None = None, client="c", clean=True) -> bytes:
    flags = 0x80 * (username is not None) | 0x40 * (password is not None) | 2 * clean
    tail = b"".join(text(field) for field in (username, password) if field is not None)
    header = text("MQIsdp" if level == 3 else "MQTT") + bytes((level, flags, 0, 60))
    return packet(0x10, header, b"\0" * (level == 5), text(client), tail)


class World:
    """A cloud, `doors` that lead to it beside its own, and its virtual time. `peers` are who has connected."""

    def __init__(self, cloud, now_ms: int = 1_700_000_000_000, doors=()) -> None:
        self.cloud = cloud
        self.doors = (cloud, *doors)
        self.now_ms = now_ms
        self.peers: dict[int, Peer | HttpPeer] = {}
        cloud.tick(now_ms)

    def peer(self, level: int, **login) -> "Peer":
        """Connects a device; `login` is what connect() takes."""
        return Peer(self, level).connect(**login)

    def deliver(self) -> None:
        for action in [action for door in self.doors for action in door.take()]:
            peer = self.peers[action.conn]
            if isinstance(action, Send):
                assert not peer.closed, "the cloud sends after it closed"
                peer.received += action.data
            else:
                assert isinstance(action, Close)
                peer.closed = True

    def wait(self, ms: int) -> None:
        """Time passes, timer by timer."""
        end = self.now_ms + ms
        while (deadline := self.cloud.deadline()) is not None and deadline <= end:
            self.now_ms = max(self.now_ms, deadline)
            self.cloud.tick(self.now_ms)
            self.deliver()
        self.now_ms = end
        self.cloud.tick(end)
        self.deliver()

    def do(self, call, *arguments) -> None:
        """An administrator's call, with the time as its last argument."""
        call(*arguments, self.now_ms)
        self.deliver()


class Peer:
    """One connection. `take()` gives what the cloud sent, parsed, oldest first."""

    def __init__(self, world: World, level: int, *certificate: bytes) -> None:
        self.world = world
        self.level = level
        self.conn = len(world.peers) + 1
        self.received = bytearray()
        self.closed = False
        self.packet_id = 0
        world.peers[self.conn] = self
        world.cloud.open(self.conn, world.now_ms, *certificate)

    def send(self, data: bytes) -> "Peer":
        self.world.cloud.feed(self.conn, data, self.world.now_ms)
        self.world.deliver()
        return self

    def connect(self, **login) -> "Peer":
        return self.send(connect(self.level, **login))

    def next_id(self) -> bytes:
        self.packet_id += 1
        return self.packet_id.to_bytes(2)

    @property
    def properties(self) -> bytes:
        return b"\0" if self.level == 5 else b""

    def subscribe(self, *filters: str, qos: int = 1) -> list[int]:
        """The codes of the SUBACK; drops what was unread before, and what came with it."""
        self.take()
        self.send_subscribe(*filters, qos=qos)
        return list(self.take("suback")[0]["codes"])

    def send_subscribe(self, *filters: str, qos: int = 1) -> None:
        names = b"".join(text(name) + bytes((qos,)) for name in filters)
        self.send(packet(0x82, self.next_id(), self.properties, names))

    def unsubscribe(self, *filters: str) -> list[int]:
        self.take()
        self.send(packet(0xA2, self.next_id(), self.properties, b"".join(text(name) for name in filters)))
        return list(self.take("unsuback")[0]["codes"])

    def publish(self, topic: str, payload: str | bytes = b"", qos: int = 1) -> "Peer":
        data = payload.encode() if isinstance(payload, str) else payload
        identity = self.next_id() if qos else b""
        return self.send(packet(0x30 | qos << 1, text(topic), identity, self.properties, data))

    def chunk(self, request_id: str, index: int, size: int | str = 4096, prefix: str = "fw", qos: int = 1) -> "Peer":
        """Asks for a chunk and waits as long as any lookup takes."""
        self.publish(f"v2/{prefix}/request/{request_id}/chunk/{index}", str(size), qos)
        self.world.wait(5)
        return self

    def take(self, kind: str | None = None) -> list[dict]:
        """Everything unread, of one kind if asked; the rest is dropped."""
        found = []
        while self.received:
            found.append(self._parse())
        return [entry for entry in found if kind in (None, entry["kind"])]

    def messages(self, topic: str | None = None) -> list[bytes]:
        """Payloads of the publishes unread, on one topic if asked."""
        return [m["payload"] for m in self.take("publish") if topic in (None, m["topic"])]

    def _parse(self) -> dict:
        first, size, at = self.received[0], 0, 1
        while True:
            byte = self.received[at]
            size |= (byte & 127) << 7 * (at - 1)
            at += 1
            if byte < 128:
                break
        body = bytes(self.received[at : at + size])
        assert len(body) == size, "the cloud sent half a packet"
        del self.received[: at + size]
        return self._PARSERS[first >> 4](self, first & 15, body)

    def _connack(self, flags: int, body: bytes) -> dict:
        assert body[2:] == self.properties
        return {"kind": "connack", "session_present": body[0], "code": body[1]}

    def _publish(self, flags: int, body: bytes) -> dict:
        end = 2 + int.from_bytes(body[:2])
        qos = flags >> 1 & 3
        topic, rest = body[2:end].decode(), body[end:]
        packet_id = int.from_bytes(rest[:2]) if qos else None
        rest = rest[2 * bool(qos) :]
        assert rest[: len(self.properties)] == self.properties
        return {
            "kind": "publish",
            "topic": topic,
            "payload": rest[len(self.properties) :],
            "qos": qos,
            "packet_id": packet_id,
            "retained": flags & 1,
            "dup": flags >> 3,
        }

    def _puback(self, flags: int, body: bytes) -> dict:
        assert self.level == 5 or len(body) == 2
        return {"kind": "puback", "packet_id": int.from_bytes(body[:2]), "reason": body[2] if len(body) > 2 else 0}

    def _suback(self, flags: int, body: bytes) -> dict:
        return {"kind": "suback", "codes": body[2 + len(self.properties) :]}

    def _unsuback(self, flags: int, body: bytes) -> dict:
        return {"kind": "unsuback", "codes": body[2 + len(self.properties) :]}

    def _pingresp(self, flags: int, body: bytes) -> dict:
        assert body == b""
        return {"kind": "pingresp"}

    def _disconnect(self, flags: int, body: bytes) -> dict:
        assert self.level == 5
        return {"kind": "disconnect", "reason": body[0]}

    _PARSERS: ClassVar = {
        2: _connack,
        3: _publish,
        4: _puback,
        9: _suback,
        11: _unsuback,
        13: _pingresp,
        14: _disconnect,
    }


class Answer(NamedTuple):
    """`headers` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        return json.loads(self.body)


class HttpPeer:
    """One connection to an HTTP door. `answers()` gives what came since, parsed, oldest first."""

    def __init__(self, world: World, door, token: str = "T", certificate: bytes | None = None) -> None:
        self.world = world
        self.door = door
        self.token = token
        self.conn = len(world.peers) + 1
        self.received = bytearray()
        self.closed = False
        world.peers[self.conn] = self
        door.open(self.conn, world.now_ms, certificate)

    def send(self, data: bytes) -> "HttpPeer":
        self.door.feed(self.conn, data, self.world.now_ms)
        self.world.deliver()
        return self

    def ask(self, method: str, what: str, body: bytes | str = b"", **query: object) -> "HttpPeer":
        """Sends a request to an end point of the device, or to a path from the root on."""
        path = what if what.startswith("/") else f"/api/v1/{quote(self.token, safe='')}/{what}"
        data = body.encode() if isinstance(body, str) else body
        target = path + ("?" + urlencode(query) if query else "")
        head = f"{method} {target} HTTP/1.1\r\nHost: cloud\r\nContent-Length: {len(data)}\r\n\r\n"
        return self.send(head.encode() + data)

    def get(self, what: str, **query: object) -> Answer:
        return self.ask("GET", what, **query).answer()

    def post(self, what: str, body: bytes | str = b"") -> Answer:
        return self.ask("POST", what, body).answer()

    def answer(self) -> Answer:
        """The one answer that is there."""
        (only,) = self.answers()
        return only

    def answers(self) -> list[Answer]:
        found = []
        while self.received:
            head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            size = int(headers.get("content-length", 0))
            assert len(rest) >= size or self.closed, "the cloud sent half an answer"
            found.append(Answer(int(first.split()[1]), headers, rest[:size]))
            del self.received[: len(head) + 4 + size]
        return found
