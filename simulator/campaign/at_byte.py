# SPDX-License-Identifier: MIT
"""Faults that strike once, when so many bytes have travelled in one direction, and can be kept in a snapshot."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.board.net import RESET, Link, Packet
from simulator.campaign import mqtt_faults

if TYPE_CHECKING:
    from simulator.campaign.run import Run

_CHUNK_NAME = b"/chunk/"  # of the topic; behind it one digit, for the images here have no ten chunks


class AtByte:
    """`left`: bytes, over all links, that are still to travel before it strikes. `meet` is called once, when it does,
    with the run, the packet, and how many of its bytes still travel as they are."""

    def __init__(self, left: int, _rng: random.Random, *, to_device: bool) -> None:
        self.left = left
        self.to_device = to_device
        self.meet: Callable[[Run, Packet, int], None] | None = None
        self._has_struck = False

    def attach(self, run: "Run") -> None:
        self._run = run
        run.twin.net.faults.append(self)

    def __call__(self, packet: Packet) -> list[Packet]:
        if self._has_struck:
            return self._after(packet)
        if packet.to_device != self.to_device or not isinstance(packet.content, bytes):
            return [packet]
        at, self.left = self.left, self.left - len(packet.content)
        if self.left > 0:
            return [packet]
        self.left, self._has_struck = 0, True
        meet, self.meet = self.meet, None
        if meet:
            meet(self._run, packet, at)
        return self._strike(packet, packet.content, at)

    def _strike(self, packet: Packet, content: bytes, at: int) -> list[Packet]:
        """What travels instead of a packet of `content` in which it is to strike when the first `at` have travelled."""
        raise NotImplementedError

    def _after(self, packet: Packet) -> list[Packet]:
        return [packet]


class Cut(AtByte):
    """The link is reset."""

    def _strike(self, packet: Packet, content: bytes, at: int) -> list[Packet]:
        reset = [replace(packet, content=RESET, to_device=side) for side in (True, False)]
        return [replace(packet, content=content[:at]), *reset]


class Silence(AtByte):
    """The link is dead from then on, in both directions."""

    _dead: Link

    def _strike(self, packet: Packet, content: bytes, at: int) -> list[Packet]:
        self._dead = packet.link
        return [replace(packet, content=content[:at])] if at else []

    def _after(self, packet: Packet) -> list[Packet]:
        return [] if packet.link is self._dead else [packet]


class Flip(AtByte):
    """One bit of the byte behind those is another one; an entry "flip" tells whether it is the image's."""

    def __init__(self, left: int, rng: random.Random, *, to_device: bool) -> None:
        super().__init__(left + 1, rng, to_device=to_device)
        self._bit = rng.randrange(8)

    def _strike(self, packet: Packet, content: bytes, at: int) -> list[Packet]:
        at -= 1
        self._run.recorder.note({"event": "flip", "in_image": at >= _image_begins(packet, content)})
        spoiled = bytearray(content)
        spoiled[at] ^= 1 << self._bit
        return [replace(packet, content=bytes(spoiled))]


AT_BYTE: dict[str, type[AtByte]] = {"cut": Cut, "silence": Silence, "flip": Flip}


def _image_begins(packet: Packet, content: bytes) -> int:
    """Where the bytes of an image begin in a packet; its end if there are none."""
    if content.startswith(b"HTTP/"):
        return content.index(b"\r\n\r\n") + 4
    return content.index(_CHUNK_NAME) + len(_CHUNK_NAME) + 1 if mqtt_faults.is_chunk(packet) else len(content)
