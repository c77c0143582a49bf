# SPDX-License-Identifier: MIT
"""A scripted device with object 9 beside the others, which does what it is told, also wrongly."""

from aiocoap import Message
from aiocoap.numbers.codes import Code

from simulator.clouds.lwm2m import coap, formats
from tests.clouds.lw_device import BOOT_MS, STEP_MS, Device
from tests.clouds.lw_peer import LINKS, Peer, World

INITIAL, STARTED, DOWNLOADED, DELIVERED, INSTALLED = range(5)


class SoftwareDevice(Device):
    """`outcome`: (State, Result) of object 9 after the reset. `is_active_at_once`: it needs no Activate."""

    def __init__(self, world: World, tells: str = "update notify") -> None:
        self.is_active_at_once = False
        self.orders: list[tuple[str, bytes]] = []
        super().__init__(world, tells, links=LINKS + ",</9/0>")
        self.outcome = (INSTALLED, 2)
        self.values |= {"/9/0/0": "", "/9/0/1": "", "/9/0/7": INITIAL, "/9/0/9": 0, "/9/0/12": False}

    def be(self, state: int, result: int) -> None:
        self.values |= {"/9/0/7": state, "/9/0/9": result}
        self.tell()

    def _serve(self, message: Message) -> Message:
        path = coap.path_of(message)
        if not path.startswith("/9/0/") or message.code is Code.GET:
            return super()._serve(message)
        if message.code is Code.POST:
            return self._order(path, message.payload)
        if path == "/9/0/2":
            return self._take(message)
        uri = formats.decode(message.opt.content_format, message.payload, path)[path]
        self.later(STEP_MS, self._load, uri)
        return coap.build(Code.CHANGED)

    def _order(self, path: str, arguments: bytes) -> Message:
        self.orders.append((path, arguments))
        state = self.values["/9/0/7"]
        if path == "/9/0/6" and state != INITIAL:
            self.later(STEP_MS, self.be, INITIAL, 0)
        elif path == "/9/0/4" and state == DELIVERED:
            self.later(STEP_MS, self._restart)
        elif path == "/9/0/10" and state == INSTALLED:
            self.values["/9/0/12"] = True
        else:
            return coap.build(Code.METHOD_NOT_ALLOWED)
        return coap.build(Code.CHANGED)

    def _take(self, message: Message) -> Message:
        block = message.opt.block1
        if block.block_number == 0:
            self.image.clear()
            self.later(0, self.be, STARTED, 1)
        self.image += message.payload
        if block.more:
            return coap.build(Code.CONTINUE, block1=block)
        self.later(STEP_MS, self._arrived)
        return coap.build(Code.CHANGED, block1=block)

    def _load(self, uri: str) -> None:
        self.be(STARTED, 1)
        self.image.clear()
        fetcher = Peer(self.world, self.world.door)
        more = True
        while more:
            answer = fetcher.ask(Code.GET, "/" + uri.split("/", 3)[3], block2=(len(self.image) // 1024, False, 6))
            self.image += answer.payload
            more = answer.opt.block2.more
        self.later(STEP_MS, self._arrived)

    def _arrived(self) -> None:
        self.be(*(self.fails or (DELIVERED, 3)))

    def _restart(self) -> None:
        self.peer.receive = lambda data: None
        self.later(BOOT_MS, self._start)

    def _start(self) -> None:
        self.values |= {"/9/0/7": self.outcome[0], "/9/0/9": self.outcome[1], "/9/0/12": self.is_active_at_once}
        if self.outcome == (INSTALLED, 2):
            self.values["/9/0/1"] = self.next_version
        self.boot()
