# SPDX-License-Identifier: MIT
"""Images that devices fetch: by CoAP with Block2 here, and by HTTP in web.py (lwm2m.md 3.2)."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiocoap import Message
from aiocoap.numbers.codes import Code

from simulator.clouds.core import Action
from simulator.clouds.lwm2m import coap, formats
from simulator.clouds.lwm2m.manners import check
from simulator.clouds.lwm2m.peer import Peer
from simulator.clouds.lwm2m.push import BLOCKS, exponent_of

if TYPE_CHECKING:
    from simulator.clouds.lwm2m.server import Lwm2mServer

ON, OFF, CHANGING = ETAGS = ("on", "off", "changing")
_FOLDER = "f"
_ETAG = 8  # bytes, the longest there may be


@dataclass(frozen=True)
class FileManners:
    """`block`: bytes, 16 to 1024. `etag`: CHANGING is another one from the middle of the image on. `separate_ms`: after
    an empty acknowledgement; None: the answer is in it.
    """

    block: int = 1024
    etag: str = ON
    tells_size: bool = True
    separate_ms: int | None = None

    def __post_init__(self) -> None:
        check(self, {"block": BLOCKS, "etag": ETAGS})


@dataclass(eq=False)
class File:
    """`device` is for whom it is; `epoch` counts its changes."""

    name: str
    data: bytes
    device: str
    created_ms: int = 0
    expires_ms: int | None = None
    epoch: int = 0

    @property
    def path(self) -> str:
        return f"/{_FOLDER}/{self.name}"

    def etag(self) -> bytes:
        return hashlib.sha256(self.data + bytes((self.epoch,))).digest()[:_ETAG]


class Files:
    """What is there to be fetched, by name. A name is never used twice."""

    def __init__(self, cloud: "Lwm2mServer") -> None:
        self.manners = FileManners()
        self._cloud = cloud
        self._files: dict[str, File] = {}

    def add(self, data: bytes, device: str, lasts_s: int | None = None) -> File:
        expires_ms = None if lasts_s is None else self._cloud.now_ms + lasts_s * 1000
        file = File(f"{self._cloud.random.randbytes(6).hex()}.bin", data, device, self._cloud.now_ms, expires_ms)
        self._files[file.name] = file
        return file

    def change(self, file: File, data: bytes | None = None) -> None:
        """Another ETag, and other bytes if there are any."""
        file.epoch += 1
        file.data = file.data if data is None else data

    def remove(self, file: File) -> None:
        self._files.pop(file.name, None)

    def find(self, path: tuple[str, ...]) -> File | None:
        if len(path) != 2 or path[0] != _FOLDER or path[1] not in self._files:
            return None
        file = self._files[path[1]]
        is_there = file.expires_ms is None or self._cloud.now_ms < file.expires_ms
        return file if is_there else None

    def count(self, file: File | None, size: int) -> None:
        """Bytes that went out to the device of a file."""
        if file is not None and file.device in self._cloud.devices:
            self._cloud.devices[file.device].received += size

    def answer(self, peer: Peer, message: Message) -> Message:
        """One block, at the offset that is asked for."""
        file = self.find(tuple(message.opt.uri_path))
        if file is None:
            return self._told(peer, None, message, coap.build(Code.NOT_FOUND))
        if message.code is not coap.GET:
            return self._told(peer, file, message, coap.build(Code.METHOD_NOT_ALLOWED))
        wanted = message.opt.block2
        exponent = exponent_of(self.manners.block)
        if wanted is not None and wanted.size_exponent == coap.RESERVED_SIZE:
            return self._told(peer, file, message, coap.build(Code.BAD_REQUEST))
        if wanted is not None:
            exponent = min(exponent, wanted.size_exponent)
        start = wanted.start if wanted is not None else 0
        size = 16 << exponent
        is_late = self.manners.etag == CHANGING and start >= len(file.data) // 2
        if is_late and not file.epoch:
            self.change(file)
        etag = file.etag() if self.manners.etag != OFF else None
        if not _is_as_wanted(message, etag):
            return self._told(peer, file, message, coap.build(Code.PRECONDITION_FAILED))
        if etag is not None and etag in message.opt.etags:
            return self._told(peer, file, message, coap.build(coap.VALID, etag=etag))
        answer = coap.build(
            coap.CONTENT,
            file.data[start : start + size],
            content_format=formats.OCTETS,
            etag=etag,
            block2=(start // size, start + size < len(file.data), exponent),
            size2=len(file.data) if self.manners.tells_size else None,
        )
        return self._told(peer, file, message, answer)

    def _told(self, peer: Peer, file: File | None, message: Message, answer: Message) -> Message:
        block = message.opt.block2
        self.count(file, len(answer.payload))
        self._cloud.log("file", device=file.device if file else None, conn=peer.conn, path=coap.path_of(message),
                        block=block.block_number if block is not None else None,
                        block_size=block.size if block is not None else None,
                        code=answer.code.dotted, size=len(answer.payload))  # fmt: skip
        return answer


class FileDoor:
    """The same images at a port of their own: a core (simulator/clouds/core.py) in front of the state of `cloud`."""

    def __init__(self, cloud: "Lwm2mServer") -> None:
        self.cloud = cloud
        self.actions: list[Action] = []
        self._peers: dict[int, Peer] = {}

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None, identity: str | None = None) -> None:
        self.cloud.tick(now_ms)
        self._peers[conn] = Peer(self, conn, identity)

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        self.cloud.tick(now_ms)
        if conn in self._peers:
            self._peers[conn].feed(data)

    def lost(self, conn: int, now_ms: int) -> None:
        self.cloud.tick(now_ms)
        if conn in self._peers:
            self._peers[conn].end("device", "lost")

    def tick(self, now_ms: int) -> None:
        self.cloud.tick(now_ms)

    def deadline(self) -> int | None:
        return self.cloud.deadline()

    def take(self) -> list[Action]:
        actions, self.actions = self.actions, []
        return actions

    def forget(self, peer: Peer) -> None:
        self._peers.pop(peer.conn, None)

    def is_needed(self, peer: Peer) -> bool:
        return False

    def disown(self, peer: Peer) -> None:
        """There is nothing to be forgotten."""

    def requested(self, peer: Peer, message: Message) -> Message | None:
        is_known = coap.knows_options(message)
        return self.cloud.files.answer(peer, message) if is_known else coap.build(Code.BAD_OPTION)

    def notified(self, peer: Peer, message: Message, is_moved: bool) -> bool | None:
        return False

    def kind_of(self, message: Message) -> tuple[str, int | None]:
        return file_kind(message)

    def delay_of(self, kind: str) -> int | None:
        return self.cloud.files.manners.separate_ms


def _is_as_wanted(message: Message, etag: bytes | None) -> bool:
    """Of a file that is there (RFC 7252, 5.10.8). An empty tag is that of any."""
    tags = message.opt.if_match
    return not message.opt.if_none_match and (not tags or b"" in tags or etag in tags)


def file_kind(message: Message) -> tuple[str, int | None]:
    block = message.opt.block2
    return "file", block.block_number if block is not None else 0
