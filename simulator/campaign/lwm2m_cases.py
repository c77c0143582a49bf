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
_HEAD = 4  # bytes of the shortest message
_SEVENTH = 7  # of the cuts of software, whose files are cut in other stories; no divisor of the number of modes


def all_cases(seed: int = 0) -> Iterator[Case]:
    """The power goes before each change of what is done. Each datagram of a short pull and a short push is lost, there
    twice, late, or cut somewhere; now and then none comes any more for a while."""
    for story in LWM2M:
        yield from cuts.brief(Case(story, seed, (f"cut={number}:before",)) for number in _seams(story))
    yield from cuts.brief(_datagram_cases(seed))


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


def _datagram_cases(seed: int) -> Iterator[Case]:
    for story in _GOOD:
        for sizes, side in zip(said(story), ("", ":up"), strict=True):
            for index, size in enumerate(sizes):
                at = _HEAD + index * 7 % max(1, size - _HEAD)
                kinds = [f"lost:{index}", f"twice:{index}", f"late:{index}", f"cut:{index}:{at}"]
                for kind in [*kinds, *([f"lost-on:{index}"] if index % 9 == 0 else [])]:
                    yield Case(story, seed, (f"datagram={kind}{side}",))


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
