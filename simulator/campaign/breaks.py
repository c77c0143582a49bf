# SPDX-License-Identifier: MIT
"""Cases in which one thing happens to a link, at a byte of what is said (at_byte.py): what is alike is played once.

When the chip is reset there is no device, so the run can be kept (snapshot.py). Up to the reset before its byte a case
is like the story without it: it begins there. What has been cut at neighbouring bytes is mostly alike when the next
reset comes, for the device had to connect again whichever byte it was: what follows is played once. And what is cut on
its way to the cloud is alike at once where the cloud cannot tell (alike.py).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from simulator.board.net import Packet
from simulator.campaign import alike
from simulator.campaign.at_byte import AT_BYTE, AtByte, Cut
from simulator.campaign.case import Case
from simulator.campaign.network import NetFault
from simulator.campaign.outcome import Outcome
from simulator.campaign.run import Run, records_of
from simulator.campaign.snapshot import Snapshot

_TEXT = re.compile(rf"net=({'|'.join(AT_BYTE)}):([0-9]{{1,9}})(:up)?")
_SPAN = 512  # bytes whose cases are played together

Numbered = tuple[int, Case]  # a case, and its place in a list
_Breaking = tuple[int, Case, AtByte]  # the same with its fault


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
        now, waiting = [], []
        for number, case, fault in left:
            fault.left -= said[fault.to_device]
            if fault.left > more.said[fault.to_device]:
                waiting.append((number, case, _at_byte(case)))
            else:
                now.append((number, case, fault))
        for broken, group in _broken(begin, now):
            yield from _recorded_or_kept(broken, group, kept)
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
        for snapshot, cases in runs:
            yield from _recorded_or_kept(snapshot.copy(), cases, kept)


def _broken(begin: Callable[[], Run], cases: Sequence[_Breaking]) -> Iterator[tuple[Run, list[_Breaking]]]:
    """A run for each of these cases, or for several that are alike: which they are is known when it has been played."""
    left = list(cases)
    while left:
        fault = left[0][2]
        groups = [left[:1]]
        if _is_towards_cloud(fault):
            others = [(it[2].left - fault.left, it) for it in left[1:] if _is_towards_cloud(it[2])]
            fault.meet = partial(_listen, others, groups)
        for group in groups:  # the first one adds others
            run = begin()
            group[0][2].attach(run)
            yield run, group
        done = {number for group in groups for number, _, _ in group}
        left = [it for it in left if it[0] not in done]


def _is_towards_cloud(fault: AtByte) -> bool:
    return isinstance(fault, Cut) and not fault.to_device


def _listen(
    others: list[tuple[int, _Breaking]], groups: list[list[_Breaking]], run: Run, packet: Packet, at: int
) -> None:
    """The first case of the first group cuts a packet behind `at` bytes; each of the `others` so many bytes later."""
    here = {at + more: it for more, it in others if 0 < at + more <= len(packet.content)}

    def part(classes: Sequence[list[int]]) -> None:
        own, *more = classes
        groups[0] += [here[size] for size in own]
        groups.extend([here[size] for size in sizes] for sizes in more)

    alike.listen(run, packet, list(here), part)


def _recorded_or_kept(
    run: Run, cases: Sequence[tuple[int, Case, *tuple[AtByte, ...]]], kept: defaultdict[Snapshot, list[Numbered]]
) -> Iterator[tuple[int, dict]]:
    """Plays on: the records of these cases, if that was all; else they are kept with others that are alike now."""
    outcome: Outcome | None = run.play_to_reset()
    numbered = sorted(((number, case) for number, case, *_ in cases), key=lambda one: one[0])
    if outcome is None:
        kept[Snapshot(run)] += numbered
    run.give_back()
    if outcome:
        yield from records_of(outcome, numbered)


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
