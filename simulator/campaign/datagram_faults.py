# SPDX-License-Identifier: MIT
"""Faults of single datagrams, by their number from where the fault begins, 0 the first.

`datagram=KIND:N[:MORE]`; towards the device ("down") unless MORE says `up`:

    lost:N[:up]       it never arrives
    twice:N[:up]      a copy of it comes 3 ms later
    late:N[:up]       it comes 45 ms later, after those that are sent at once behind it
    overtaken:N[:up]  it comes 4.5 s later, after its own repetition and what the answer to that one has led to
    cut:N:SIZE[:up]   only its first SIZE bytes arrive; an entry "cut_short" tells whether a package `ends` there
    lost-on:N[:up]    nothing arrives any more from this one on, for two minutes
"""

import random
import re
from typing import TYPE_CHECKING

from simulator.board import datagrams
from simulator.board.net import Fault, Packet
from simulator.campaign.case import fault
from simulator.clouds.lwm2m import coap
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.campaign.run import Run

_COPY_MS, _LATE_MS, _OVERTAKEN_MS, _GAP_MS = 3, 45, 4500, 120_000
_NUMBER = re.compile(r"[0-9]+")
KINDS = ("lost", "twice", "late", "overtaken", "cut", "lost-on")


@fault("datagram")
class DatagramFault:
    """See the table above."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        kind, *numbers = [*arguments, ""]
        numbers.pop()
        is_up = bool(numbers) and numbers[-1] == "up"
        numbers = numbers[: len(numbers) - is_up]
        is_good = kind in KINDS and len(numbers) == 1 + (kind == "cut") and all(map(_NUMBER.fullmatch, numbers))
        if not is_good:
            raise UserError("bad_case", f"datagram={':'.join(arguments)}: KIND:N[:SIZE][:up] of {', '.join(KINDS)}")
        index, size = int(numbers[0]), int(numbers[-1])
        change: Fault = {
            "lost": datagrams.lost,
            "twice": datagrams.twice(_COPY_MS),
            "late": datagrams.late(_LATE_MS),
            "overtaken": datagrams.late(_OVERTAKEN_MS),
            "cut": self._cutting(datagrams.shortened(size)),
            "lost-on": _Gap(),
        }[kind]
        self._strike = _On(index, change, to_device=not is_up) if kind == "lost-on" else None
        self._strike = self._strike or datagrams.nth(index, change, to_device=not is_up)

    def attach(self, run: "Run") -> None:
        self._run = run
        run.twin.net.faults.append(self._strike)

    def _cutting(self, change: Fault) -> Fault:
        def strike(packet: Packet) -> list[Packet]:
            self._run.recorder.note({"event": "cut_short", "ends": _ends_package(packet)})
            return change(packet)

        return strike


def _ends_package(packet: Packet) -> bool:
    message = coap.parse(packet.content) if packet.to_device and isinstance(packet.content, bytes) else None
    block = (message.opt.block1 or message.opt.block2) if message else None
    return bool(block and not block.more)


class _Gap:
    """Nothing arrives for a while."""

    _end: float | None = None

    def __call__(self, packet: Packet) -> list[Packet]:
        self._end = self._end or packet.at + _GAP_MS
        return [packet] if packet.at >= self._end else []


class _On:
    """`change` befalls every datagram from this number on."""

    def __init__(self, index: int, change: Fault, *, to_device: bool) -> None:
        self._left, self._change, self._to_device = index, change, to_device

    def __call__(self, packet: Packet) -> list[Packet]:
        if packet.link.is_stream or packet.to_device != self._to_device:
            return [packet]
        self._left -= 1
        return [packet] if self._left >= 0 else self._change(packet)
