# SPDX-License-Identifier: MIT
"""What is said on the network in a story without faults: where links can break, byte by byte."""

import functools
from dataclasses import dataclass
from typing import NamedTuple

from simulator.board.net import Packet
from simulator.campaign.case import Case
from simulator.campaign.run import Run


class Said(NamedTuple):
    """The bytes from `start` to `end` of one direction, sent at once; `is_web`: on a connection that speaks HTTP."""

    start: int
    end: int
    is_web: bool

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.start


@dataclass(frozen=True)
class Talk:
    """`said` in one direction, in order. A place is a number of bytes that travel before something happens."""

    said: tuple[Said, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.said[-1].end

    def web(self) -> "Talk":
        """The part of it that is HTTP, at the same places."""
        return Talk(tuple(part for part in self.said if part.is_web))

    def places(self) -> list[int]:
        """After each byte."""
        return [at for part in self.said for at in range(part.start + 1, part.end + 1)]

    def seams(self) -> list[int]:
        """In the midst of each packet, and behind it: there the other side knows, and its answer is lost."""
        middles = {part.start + part.size // 2 for part in self.said if part.size > 1}
        return sorted(middles | {part.end for part in self.said})


@functools.cache
def listen(story: str) -> tuple[Talk, Talk]:
    """All that is said to the device, and by it."""
    said: dict[bool, list[Said]] = {True: [], False: []}
    web: set[int] = set()  # numbers of links

    def note(packet: Packet) -> list[Packet]:
        if isinstance(packet.content, bytes) and packet.content:
            log = said[packet.to_device]
            start = log[-1].end if log else 0
            if packet.content.startswith((b"GET ", b"POST ")):
                web.add(packet.link.number)
            log.append(Said(start, start + len(packet.content), packet.link.number in web))
        return [packet]

    run = Run(Case(story))
    run.twin.net.faults.append(note)
    run.play()
    return Talk(tuple(said[True])), Talk(tuple(said[False]))
