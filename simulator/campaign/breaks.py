# SPDX-License-Identifier: MIT
"""Cases in which one thing happens to a link, at a byte of what is said (at_byte.py): what is alike is played once.

When the chip is reset there is no device, so the run can be kept (snapshot.py). Up to the reset before its byte a case
is like the story without it: it begins there. And what has been cut at neighbouring bytes is mostly alike when the next
reset comes, for the device had to connect again whichever byte it was: what follows is played once.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from simulator.board.net import Packet
from simulator.campaign.at_byte import AT_BYTE, AtByte
from simulator.campaign.case import Case
from simulator.campaign.network import NetFault
from simulator.campaign.outcome import Outcome
from simulator.campaign.run import Run, records_of
from simulator.campaign.snapshot import Snapshot

_TEXT = re.compile(rf"net=({'|'.join(AT_BYTE)}):([0-9]{{1,9}})(:up)?")
_SPAN = 512  # bytes whose cases are played together

Numbered = tuple[int, Case]  # a case, and its place in a list


def is_one(case: Case) -> bool:
    """Whether that, and nothing else, happens in a case."""
    *others, text = case.faults or ("",)
    return bool(_TEXT.fullmatch(text)) and all(other.startswith("cycles=") for other in others)


def start(case: Case) -> str:
    """The same for those that are best played together."""
    text = case.faults[-1]
    kind, place, way = _TEXT.fullmatch(text).groups()
    return f"{case.story} {case.seed} {kind} {int(place) // _SPAN} {way}"


def records(base: Case, cases: Sequence[Numbered]) -> dict[int, dict]:
    """{number: record} of these cases, each of which is `base` and one such fault."""
    return dict(_records(base, cases))


def _records(base: Case, cases: Sequence[Numbered]) -> Iterator[tuple[int, dict]]:
    left = [(number, case, _at_byte(case)) for number, case in cases]
    begin: Callable[[], Run] = partial(Run, base)
    said = {True: 0, False: 0}
    kept: defaultdict[Snapshot, list[Numbered]] = defaultdict(list)
    while left:
        run, more = begin(), _Count()
        run.twin.net.faults.append(more)
        outcome = run.play_to_reset()
        run.twin.net.faults.remove(more)
        waiting = []
        for number, case, fault in left:
            fault.left -= said[fault.to_device]
            if fault.left > more.said[fault.to_device]:
                waiting.append((number, case, _at_byte(case)))
                continue
            broken = begin()
            fault.attach(broken)
            yield from _recorded_or_kept(broken, [(number, case)], kept)
        left = waiting
        if outcome:
            yield from records_of(outcome, [(number, case) for number, case, _ in left])
            left = []
        elif left:
            begin = Snapshot(run).copy
            said = {way: said[way] + more.said[way] for way in said}
        run.give_back()
    while kept:
        runs = list(kept.items())
        kept = defaultdict(list)
        for snapshot, alike in runs:
            yield from _recorded_or_kept(snapshot.copy(), sorted(alike, key=lambda one: one[0]), kept)


def _recorded_or_kept(
    run: Run, cases: list[Numbered], kept: defaultdict[Snapshot, list[Numbered]]
) -> Iterator[tuple[int, dict]]:
    """Plays on: the records of these cases, if that was all; else they are kept with others that are alike now."""
    outcome: Outcome | None = run.play_to_reset()
    if outcome is None:
        kept[Snapshot(run)] += cases
    run.give_back()
    if outcome:
        yield from records_of(outcome, cases)


def _at_byte(case: Case) -> AtByte:
    fault = case.make_fault(case.faults[-1])
    assert isinstance(fault, NetFault) and fault.at_byte, case
    return fault.at_byte


class _Count:
    """Of the bytes that travel each way."""

    def __init__(self) -> None:
        self.said = {True: 0, False: 0}

    def __call__(self, packet: Packet) -> list[Packet]:
        if isinstance(packet.content, bytes):
            self.said[packet.to_device] += len(packet.content)
        return [packet]
