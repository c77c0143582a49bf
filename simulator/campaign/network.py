# SPDX-License-Identifier: MIT
"""Faults of the network below MQTT (reliability.md E). Bytes and links are counted from where the fault begins.

`net=KIND:NUMBER[:MORE]`; towards the device ("down") unless MORE says `up`:

    cut:N[:up]       the link is reset when N bytes have travelled
    silence:N[:up]   the link that carries byte N goes dead in both directions, without a word (half-open)
    flip:N[:up]      one bit of byte N is another one; an entry "flip" tells whether it is the image's (`in_image`)
    dribble:MS[:N]   the first N bytes (64 unless told) come one by one, MS apart
    delay:MS[:S]     everything takes MS longer, each way, for S seconds (300 unless told)
    refuse:N         the first N connections are refused
    deaf:N           the first N connections are never answered
    portal:N         the first N connections end at somebody else, who answers in HTTP and hangs up
    noname:SECONDS   names do not resolve for so long
    takeover:N       another device with the same credentials logs in N times, every 3 s: each time the cloud drops ours

`wifi=MS`: the access point is gone for so long. TCP repeats what was lost in up to a minute; after that links are dead.
TCP itself neither repeats, loses nor changes the order of bytes; for whole messages see mqtt_faults.py.
"""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.board import net
from simulator.board.net import CLOSE, OPEN, RESET, Link, Packet
from simulator.campaign import alarm, web_faults  # noqa: F401 (registers the faults of HTTP)
from simulator.campaign.at_byte import AT_BYTE, AtByte
from simulator.campaign.case import fault
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.campaign.run import Run

_TCP_PATIENCE_MS = 60_000
_HTTP = b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\nContent-Length: 0\r\n\r\n"
_RIVAL_FIRST_MS, _RIVAL_EVERY_MS = 4000, 3000
_NUMBER = re.compile(r"[0-9]+")

Part = Callable[["Run"], None]  # puts a fault into a run


def _dribble(ms: int, count: int) -> net.Fault:
    left = count

    def strike(packet: Packet) -> list[Packet]:
        nonlocal left
        if left <= 0 or not packet.to_device or not isinstance(packet.content, bytes):
            return [packet]
        slow = min(left, len(packet.content))
        left -= slow
        begin = max(packet.at, packet.link.last[True])
        single = [replace(packet, content=packet.content[i : i + 1], at=begin + ms * (i + 1)) for i in range(slow)]
        rest = packet.content[slow:]
        return [*single, replace(packet, content=rest, at=begin + ms * slow)] if rest else single

    return strike


class _FirstLinks:
    """Befalls the first `count` connections. `meet(packet)` is asked for each of their packets."""

    def __init__(self, count: int, meet: net.Fault) -> None:
        self._left = count
        self._links: list[Link] = []
        self._meet = meet

    def __call__(self, packet: Packet) -> list[Packet]:
        if packet.content == OPEN and not packet.to_device and self._left:
            self._left -= 1
            self._links.append(packet.link)
        return self._meet(packet) if packet.link in self._links else [packet]


def _refused(packet: Packet) -> list[Packet]:
    packet.link.endpoint = None
    return [packet]


def _portal(packet: Packet) -> list[Packet]:
    """Nothing reaches the cloud but the connection itself."""
    if packet.to_device or packet.content == OPEN:
        return [packet]
    if packet.content in (CLOSE, RESET):
        return [packet]
    return [replace(packet, content=content, to_device=True) for content in (_HTTP, CLOSE)]


def _delay(ms: int, seconds: int) -> Part:
    def attach(run: "Run") -> None:
        late = net.delay(ms)
        run.twin.net.faults.append(late)
        alarm.after(run.twin, seconds * 1000, lambda: run.twin.net.faults.remove(late))

    return attach


def _noname(seconds: int) -> Part:
    def attach(run: "Run") -> None:
        run.twin.net.is_resolving = False
        alarm.after(run.twin, seconds * 1000, lambda: setattr(run.twin.net, "is_resolving", True))

    return attach


def _takeover(count: int) -> Part:
    def attach(run: "Run") -> None:
        for number in range(count):
            at_ms = _RIVAL_FIRST_MS + _RIVAL_EVERY_MS * number
            alarm.after(run.twin, at_ms, lambda number=number: run.side.take_over(number, run.twin.now_ms))

    return attach


def _on_packets(strike: net.Fault) -> Part:
    return lambda run: run.twin.net.faults.append(strike)


Maker = Callable[[int, str, random.Random], Part]
KINDS: dict[str, Maker] = {
    "dribble": lambda n, more, rng: _on_packets(_dribble(n, int(more or 64))),
    "delay": lambda n, more, rng: _delay(n, int(more or 300)),
    "refuse": lambda n, more, rng: _on_packets(_FirstLinks(n, _refused)),
    "deaf": lambda n, more, rng: _on_packets(_FirstLinks(n, lambda packet: [])),
    "portal": lambda n, more, rng: _on_packets(_FirstLinks(n, _portal)),
    "noname": lambda n, more, rng: _noname(n),
    "takeover": lambda n, more, rng: _takeover(n),
}
_NAMES = (*AT_BYTE, *KINDS)
_MORE = {**dict.fromkeys(AT_BYTE, r"(up)?"), "dribble": r"[0-9]*", "delay": r"[0-9]*"}


@fault("net")
class NetFault:
    """See the table above. `at_byte`: what strikes, if that is at a byte."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        kind, number, more, *rest = [*arguments, "", "", ""][: max(3, len(arguments))]
        if kind not in _NAMES or rest or not _NUMBER.fullmatch(number) or not re.fullmatch(_MORE.get(kind, ""), more):
            raise UserError("bad_case", f"net={':'.join(arguments)}: KIND:NUMBER[:MORE] of {', '.join(_NAMES)}")
        self.at_byte: AtByte | None = None
        if kind in AT_BYTE:
            self.at_byte = AT_BYTE[kind](int(number), rng, to_device=more != "up")
        self.attach: Part = self.at_byte.attach if self.at_byte else KINDS[kind](int(number), more, rng)


@fault("wifi")
class WifiFault:
    """The access point is away for a while."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self._ms = alarm.number("wifi", ":".join(arguments))

    def attach(self, run: "Run") -> None:
        site, begin = run.twin.site, run.twin.clock.now_ms()
        site.is_up = False
        alarm.after(run.twin, self._ms, lambda: setattr(site, "is_up", True))
        run.twin.net.faults.append(lambda packet: self._strike(packet, begin + self._ms))

    def _strike(self, packet: Packet, end: float) -> list[Packet]:
        if packet.at >= end:
            return [packet]
        if self._ms <= _TCP_PATIENCE_MS:
            return [replace(packet, at=end)]
        return [] if packet.content == OPEN else [replace(packet, content=RESET, at=end)]
