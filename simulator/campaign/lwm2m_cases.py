# SPDX-License-Identifier: MIT
"""Which faults the campaign puts into the short stories of a LwM2M server: datagrams, and power at the seams."""

import functools
import itertools
from collections.abc import Iterator

from simulator.board.net import Packet
from simulator.campaign import cuts
from simulator.campaign.case import Case
from simulator.campaign.run import Run, execute
from simulator.campaign.stories import LWM2M, LWM2M_SOFTWARE

_GOOD = ("lwm2m", "lwm2m-push")
_WHOLE = ("lost", "twice", "late", "overtaken")
_HEAD = 25  # first bytes of a datagram: with what it is about, and of most all of it
APART = 64  # behind them
_SEVENTH = 7  # of the cuts of software, whose files are cut in other stories; no divisor of the number of modes


def all_cases(seed: int = 0, apart: int = APART) -> Iterator[Case]:
    """The power goes before each change of what is done. Each datagram of a short pull and a short push is lost, there
    twice, late, overtaken, or cut short: see `cut_cases`; now and then none comes any more for a while."""
    for story in LWM2M:
        yield from cuts.brief(Case(story, seed, (f"cut={number}:before",)) for number in _seams(story))
    yield from cuts.brief(datagram_cases(seed))
    yield from cuts.brief(cut_cases(seed, apart))


def software_cases(seed: int = 0) -> Iterator[Case]:
    """The power goes while a package comes by object 9, is ordered and tried; what is kept of it is cut at every
    byte."""
    for story in LWM2M_SOFTWARE:
        operations = execute(Case(story)).entries_of("op")
        yield from cuts.brief(
            itertools.islice(cuts.everywhere(story, operations, seed, bytewise=()), 0, None, _SEVENTH)
        )
        records = [entry for entry in operations if entry["area"] == "nvs"]
        yield from cuts.brief(cuts.at_bytes(story, records, seed))


def datagram_cases(seed: int = 0) -> Iterator[Case]:
    """Whole datagrams, each of both directions in each way."""
    for story, sizes, side in _talks():
        for index in range(len(sizes)):
            for kind in (*_WHOLE, *(["lost-on"] if index % 9 == 0 else [])):
                yield Case(story, seed, (f"datagram={kind}:{index}{side}",))


def cut_cases(seed: int = 0, apart: int = APART) -> Iterator[Case]:
    """Of each datagram only its first bytes arrive: 0 to 24, half, all but one, and one in `apart` of those between,
    so each of them with 1. If it is as long as an earlier one, only every second of the first 25: the odd places of
    one with an odd number, the even ones of the others."""
    for story, sizes, side in _talks():
        for index in range(len(sizes)):
            yield from (Case(story, seed, (f"datagram=cut:{index}:{at}{side}",)) for at in _places(sizes, index, apart))


def _places(sizes: tuple[int, ...], index: int, apart: int) -> list[int]:
    size = sizes[index]
    is_known = size in sizes[:index]
    head = range(index % 2 if is_known else 0, min(size, _HEAD), 2 if is_known else 1)
    return sorted({*head, *range(index % apart, size, apart), size // 2, size - 1})


def _talks() -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Story, sizes of what goes in one direction, and how that is called in a fault."""
    for story in _GOOD:
        for sizes, side in zip(said(story), ("", ":up"), strict=True):
            yield story, sizes, side


def _seams(story: str) -> Iterator[int]:
    """The number of each operation that is not the next one of the same kind at the same place and time."""
    last = None
    for entry in Run(Case(story, 0, ("cycles=0",))).play().entries_of("op"):
        place = entry["operation"], entry["area"], entry["by"], entry["ms"]
        if place != last:
            yield entry["number"]
        last = place


@functools.cache
def said(story: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Bytes of each datagram to the device, and from it, in a story without faults."""
    sizes: tuple[list[int], list[int]] = ([], [])

    def note(packet: Packet) -> list[Packet]:
        if not packet.link.is_stream and isinstance(packet.content, bytes):
            sizes[not packet.to_device].append(len(packet.content))
        return [packet]

    run = Run(Case(story, 0, ("cycles=0",)))
    run.twin.net.faults.append(note)
    run.play()
    return tuple(sizes[0]), tuple(sizes[1])
