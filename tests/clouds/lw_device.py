# SPDX-License-Identifier: MIT
"""A scripted device with objects 1, 3 and 5 for tests of update tasks: it does what it is told, also wrongly."""

from collections.abc import Callable
from typing import Any

from aiocoap import Message
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from simulator.clouds.lwm2m import coap, formats
from simulator.clouds.lwm2m.objects import Value
from tests.clouds.lw_peer import LINKS, NAME, Peer, World

STEP_MS = 200  # from one thing to the next
BOOT_MS = 3000
SILENCE = coap.build(Code.EMPTY)  # what `special` returns to answer nothing


class Device:
    """Values by path. `tells`: "update", "notify" and "send", which of them it does with every change.

    `says_good_bye`: it de-registers before its reset. `outcome`: (State, Result) after that; `fails`: those after a
    download, if that does not end well.
    `asked`: the requests it has got, as "GET /5/0/3".
    """

    def __init__(
        self, world: World, tells: str = "update notify send", version: str = "1.0.0", links: str = LINKS
    ) -> None:
        self.world = world
        self.tells = tells.split()
        self.links = links
        self.says_good_bye = False
        self.outcome = (0, 1)
        self.fails: tuple[int, int] | None = None
        self.execute_code = Code.CHANGED
        self.values: dict[str, Value] = {
            "/1/0/1": 86_400,
            "/1/0/23": False,
            "/3/0/3": version,
            "/3/0/19": "",
            "/5/0/1": "",
            "/5/0/3": 0,
            "/5/0/5": 0,
            "/5/0/8/0": 0,
            "/5/0/8/1": 2,
            "/5/0/9": 2,
        }
        self.next_version = "1.1.0"
        self.asked: list[str] = []
        self.requests: list[Message] = []
        self.special: Callable[[Message], Message | None] = lambda request: None
        self.image = bytearray()
        self.boots = 0
        self.skips: set[tuple[int, int]] = set()  # values that it does not tell
        self.boot()

    # Its life

    def boot(self) -> None:
        self.boots += 1
        self.peer = Peer(self.world)
        self.peer.receive = self._receive
        self.observers: dict[str, tuple[bytes, int | None]] = {}
        self._sequence = 0
        self.register()

    def register(self) -> None:
        query = [f"ep={NAME}", f"lt={self.values['/1/0/1']}", "lwm2m=1.1", "b=U"]
        made = self.peer.message(Code.POST, "/rd", self.links.encode(), uri_query=query)
        self._location_of = made.token
        self.peer.send(made)

    def later(self, ms: int, act: Callable[..., None], *arguments: Any) -> None:
        self.world.cloud.schedule(ms, lambda: act(*arguments))

    def set(self, state: int, result: int, *, is_quiet: bool = False) -> None:
        """Both at once, and told."""
        self.values |= {"/5/0/3": state, "/5/0/5": result}
        if not is_quiet and (state, result) not in self.skips:
            self.tell()

    def tell(self) -> None:
        if "notify" in self.tells:
            self.notify()
        if "send" in self.tells and not self.values["/1/0/23"]:
            self.send()
        if "update" in self.tells:
            self.update()

    def update(self) -> None:
        self.peer.send(self.peer.message(Code.POST, self.location))

    def send(self) -> None:
        paths = ("/5/0/3", "/5/0/5", "/5/0/8/0", "/5/0/8/1", "/5/0/9", "/3/0/3", "/3/0/19")
        payload = formats.encode(112, {path: self.values[path] for path in paths}, "/")
        self.peer.send(self.peer.message(Code.POST, "/dp", payload, content_format=112))

    def notify(self, *paths: str) -> None:
        self._sequence += 1
        for path, (token, accept) in list(self.observers.items()):
            if not paths or path in paths:
                number, payload = self._content(path, accept)
                made = coap.build(Code.CONTENT, payload, observe=self._sequence, content_format=number)
                self.peer.send(coap.numbered(made, Type.CON, self.peer.new_mid(), token))

    # What it is asked

    def _receive(self, data: bytes) -> None:
        message = coap.parse(data)
        assert message is not None
        if message.mtype is Type.RST:
            self.observers.clear()
        if message.code is Code.CREATED:
            self.location = "/" + "/".join(message.opt.location_path)
            self.later(0, self._registered)
        if not message.code.is_request():
            return
        self.asked.append(f"{message.code.name} {coap.path_of(message)}" + " obs" * (message.opt.observe == 0))
        self.requests.append(message)
        answer = self.special(message) or self._serve(message)
        if answer is SILENCE:
            return
        self.later(1, self.peer.send, coap.numbered(answer, Type.ACK, message.mid, message.token))

    def _registered(self) -> None:
        if self.boots > 1:
            self.tell()

    def _serve(self, message: Message) -> Message:
        path = coap.path_of(message)
        if message.code is Code.GET:
            return self._get(path, message)
        if message.code is Code.POST and len(message.opt.uri_path) == 3:
            return self._execute(path)
        if path == "/5/0/0" and message.opt.block1 is not None:
            return self._block(message)
        if path == "/5/0/0" and message.payload == b"\0":
            self._reset()
            return coap.build(Code.CHANGED)
        if message.opt.uri_query:
            return coap.build(Code.CHANGED)
        return self._write(formats.decode(message.opt.content_format, message.payload, path))

    def _get(self, path: str, message: Message) -> Message:
        accept = message.opt.accept
        if accept == formats.LINK:
            return coap.build(Code.CONTENT, f"<{path}>".encode(), content_format=formats.LINK)
        if not any((name + "/").startswith(path + "/") for name in self.values):
            return coap.build(Code.NOT_FOUND)
        if message.opt.observe == 0:
            self.observers[path] = (message.token, accept)
        elif message.opt.observe == 1:
            self.observers.pop(path, None)
        number, payload = self._content(path, accept)
        observe = self._sequence if message.opt.observe == 0 else None
        return coap.build(Code.CONTENT, payload, content_format=number, observe=observe)

    def _content(self, path: str, accept: int | None) -> tuple[int, bytes]:
        found = {name: value for name, value in self.values.items() if (name + "/").startswith(path + "/")}
        number = int(accept) if accept is not None else formats.TEXT if path in self.values else formats.SENML_CBOR
        return number, formats.encode(number, found, path)

    def _write(self, values: dict[str, Value]) -> Message:
        self.values |= values
        uri = values.get("/5/0/1")
        if uri == "":
            self._reset()
        elif uri is not None:
            if self.values["/5/0/3"] != 0:
                return coap.build(Code.BAD_REQUEST)
            self.values["/5/0/5"] = 0
            self.later(STEP_MS, self._pull, uri)
        return coap.build(Code.CHANGED)

    def _reset(self) -> None:
        self.values["/5/0/1"] = ""
        self.later(STEP_MS, self.set, 0, 0)

    def _execute(self, path: str) -> Message:
        state = self.values["/5/0/3"]
        if path == "/5/0/2" and state == 2 and self.execute_code is Code.CHANGED:
            self.later(STEP_MS, self._update_firmware)
            return coap.build(Code.CHANGED)
        if path == "/5/0/10" and state in (1, 2):
            self.later(STEP_MS, self.set, 0, 10)
            return coap.build(Code.CHANGED)
        return coap.build(Code.METHOD_NOT_ALLOWED if self.execute_code is Code.CHANGED else self.execute_code)

    # Getting the image, and running it

    def _pull(self, uri: str) -> None:
        self.set(1, 0)
        self.image.clear()
        self._fetcher = Peer(self.world, self.world.door)
        self._path = "/" + uri.split("/", 3)[3]
        self.later(STEP_MS, self._fetch)

    def _fetch(self) -> None:
        if self.values["/5/0/3"] != 1:
            return
        size = 1024
        answer = self._fetcher.ask(Code.GET, self._path, block2=(len(self.image) // size, False, 6))
        if answer.code is not Code.CONTENT:
            self.set(0, 7)
            return
        self.image += answer.payload
        if answer.opt.block2.more:
            self.later(STEP_MS, self._fetch)
        else:
            self._arrived()

    def _block(self, message: Message) -> Message:
        block = message.opt.block1
        if block.block_number == 0:
            self.image.clear()
        self.image += message.payload
        if block.more:
            if block.block_number == 0:
                self.later(0, self.set, 1, 0)
            return coap.build(Code.CONTINUE, block1=block)
        self.later(STEP_MS, self._arrived)
        return coap.build(Code.CHANGED, block1=block)

    def _arrived(self) -> None:
        self.set(*(self.fails or (2, 0)))

    def _update_firmware(self) -> None:
        self.set(3, 0)
        self.later(STEP_MS, self._off)

    def _off(self) -> None:
        if self.says_good_bye:
            self.peer.send(self.peer.message(Code.DELETE, self.location))
        self.peer.receive = lambda data: None
        self.later(BOOT_MS, self._on)

    def _on(self) -> None:
        self.values |= {"/5/0/3": self.outcome[0], "/5/0/5": self.outcome[1]}
        if self.outcome == (0, 1):
            self.values["/3/0/3"] = self.next_version
        self.boot()
