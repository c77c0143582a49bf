# SPDX-License-Identifier: MIT
"""A scripted LwM2M client on aiocoap's codec, and the world that carries its datagrams, on a clock of its own."""

from collections.abc import Callable
from typing import Any

from aiocoap import Message
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from simulator.clouds.core import Send
from simulator.clouds.lwm2m import FileDoor, Lwm2mServer, coap

NAME = "esp32-01"
LINKS = "</1/0>,</3/0>,</5>;ver=1.1,</5/0>"
NOW_MS = 1_700_000_000_000


class World:
    """A server, its door for files, and time. `lost`: datagrams that `drop` has taken, by either side."""

    def __init__(self, **server: Any) -> None:
        self.cloud = Lwm2mServer(seed=7, now_ms=NOW_MS, **server)
        self.door = FileDoor(self.cloud)
        self.now_ms = NOW_MS
        self.peers: dict[int, Peer] = {}
        self.drop: Callable[[bytes], bool] = lambda data: False

    def deliver(self) -> None:
        """What the server sends arrives at once, and what that makes a peer say too."""
        while actions := [*self.cloud.take(), *self.door.take()]:
            for action in actions:
                peer = self.peers[action.conn]
                if not isinstance(action, Send):
                    peer.is_open = False
                elif not self.drop(action.data):
                    peer.receive(action.data)

    def wait(self, ms: int) -> None:
        """Time passes, timer by timer."""
        end = self.now_ms + ms
        self.deliver()
        while (deadline := self.cloud.deadline()) is not None and deadline <= end:
            self.now_ms = max(self.now_ms, deadline)
            self.cloud.tick(self.now_ms)
            self.deliver()
        self.now_ms = end
        self.cloud.tick(end)
        self.deliver()

    def events(self, kind: str, **fields: Any) -> list[dict]:
        """Those of a kind with these fields, oldest first."""
        found = [event for event in self.cloud.events if event["event"] == kind]
        return [event for event in found if all(event[name] == value for name, value in fields.items())]


class Peer:
    """One address and port. `inbox`: what came and was not taken yet, oldest first."""

    def __init__(self, world: World, door: Lwm2mServer | FileDoor | None = None, **proved: Any) -> None:
        """`proved`: an identity or a certificate."""
        self.world = world
        self.core = door or world.cloud
        self.conn = len(world.peers) + 1
        world.peers[self.conn] = self
        self.inbox: list[Message] = []
        self.received: list[bytes] = []  # all datagrams
        self.mid = 0x4000
        self._proved = proved
        self.is_open = False

    def send(self, message: Message | bytes) -> None:
        data = message if isinstance(message, bytes) else message.encode()
        if not self.is_open:
            self.core.open(self.conn, self.world.now_ms, **self._proved)
            self.is_open = True
        self.core.feed(self.conn, data, self.world.now_ms)
        self.world.deliver()

    def receive(self, data: bytes) -> None:
        self.received.append(data)
        message = coap.parse(data)
        assert message is not None, f"the server sends {data!r}"
        self.inbox.append(message)

    def take(self) -> list[Message]:
        found, self.inbox = self.inbox, []
        return found

    def new_mid(self) -> int:
        self.mid += 1
        return self.mid

    def message(self, code: Code, path: str, payload: bytes = b"", kind: Type = Type.CON, **options: Any) -> Message:
        made = coap.build(code, payload, uri_path=coap.segments(path), **options)
        mid = self.new_mid()
        return coap.numbered(made, kind, mid, mid.to_bytes(2))

    def ask(self, code: Code, path: str, payload: bytes = b"", **options: Any) -> Message:
        """The answer to a request, which has to be in its acknowledgement."""
        request = self.message(code, path, payload, **options)
        self.take()
        self.send(request)
        answers = [one for one in self.take() if one.token == request.token and one.mid == request.mid]
        assert len(answers) == 1, answers
        return answers[0]

    def answer(self, request: Message, code: Code, payload: bytes = b"", **options: Any) -> None:
        """In the acknowledgement."""
        made = coap.build(code, payload, **options)
        self.send(coap.numbered(made, Type.ACK, request.mid, request.token))

    def acknowledge(self, request: Message, kind: Type = Type.ACK) -> None:
        self.send(coap.numbered(coap.build(Code.EMPTY), kind, request.mid))

    # The registration interface

    def register(self, name: str = NAME, links: str = LINKS, lifetime: int = 300, **options: Any) -> Message:
        query = [f"ep={name}", f"lt={lifetime}", "lwm2m=1.1", "b=U"]
        answer = self.ask(Code.POST, "/rd", links.encode(), **{"uri_query": query, "content_format": 40, **options})
        if answer.code is Code.CREATED:
            self.location = "/".join(("", *answer.opt.location_path))
        return answer

    def update(self, *query: str, links: str = "") -> Message:
        return self.ask(Code.POST, self.location, links.encode(), uri_query=query)

    def say(self, payload: bytes, number: int = 112) -> Message:
        """Send."""
        return self.ask(Code.POST, "/dp", payload, content_format=number)

    def notify(self, token: bytes, sequence: int, payload: bytes, number: int = 0, kind: Type = Type.CON) -> Message:
        """Returns the notification."""
        made = coap.build(Code.CONTENT, payload, observe=sequence, content_format=number)
        coap.numbered(made, kind, self.new_mid(), token)
        self.send(made)
        return made
