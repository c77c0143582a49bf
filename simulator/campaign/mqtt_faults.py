# SPDX-License-Identifier: MIT
"""Faults of MQTT and ThingsBoard (reliability.md G, H). Chunks are counted over all links from where the fault begins.

`mqtt=KIND:N`, just before the cloud's Nth chunk (from 0) there comes:

    duplicate     the same packet once more
    swap          the one after it (over TCP only a server can do that)
    short         the packet without its last bytes: all that follows is out of step
    long-length   a packet whose length has five bytes
    long-topic    a topic that is longer than its packet
    bad-utf8      a topic that is no UTF-8
    huge          100 kB on a topic that nobody subscribed to
    stranger      a message on such a topic
    grants        the answer to a subscription, 5 kB long
    puback        an acknowledgement of something that was never sent
    push          what is offered, once more, marked as a duplicate

`mqtt=no-pong:N`: the first N answers to a ping are lost.
`push=KIND`: the server publishes attributes: whole, partial, null, junk, list, digits (a long number), deep.
`unassign=MS`: the administrator takes the offer back for so long, unless it has ended; and makes it again, unless it
has ended meanwhile, as soon as nothing is on trial and no end waits to be told.
`requires=VERSION`: software that is offered needs firmware of this version, as its tag says; a story's setting.
`cloud=RULE`: a rule of the mock (faults.py of its folder below clouds/) with + for each blank;
packages it names are made.
"""

import contextlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from simulator.board.net import Packet
from simulator.breakage import TITLE
from simulator.campaign import alarm, stories
from simulator.campaign.case import fault
from simulator.clouds import faults, rainmaker
from simulator.clouds.broker import faults as broker_faults
from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.faults import Rule
from simulator.clouds.thingsboard.packages import Package
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.campaign.run import Run

_ATTRIBUTES = "v1/devices/me/attributes"
_CHUNKS = (b"v2/fw/response/", b"v2/sw/response/")
_PONG = b"\xd0\x00"
_HUGE = 100_000


def _length(size: int) -> bytes:
    out = bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*out, size])


def _message(topic: bytes, payload: bytes, first: int = 0x30) -> bytes:
    """A PUBLISH; QoS 1 with packet id 77 when `first` says so."""
    body = len(topic).to_bytes(2, "big") + topic + (b"\x00\x4d" if first & 6 else b"") + payload
    return bytes([first]) + _length(len(body)) + body


def is_chunk(packet: Packet) -> bool:
    """Whether this is a chunk on its way to the device."""
    content = packet.content
    if not packet.to_device or not isinstance(content, bytes) or content[:1] != b"0":
        return False
    return any(topic in content[:32] for topic in _CHUNKS)


INTRUDERS: dict[str, bytes] = {
    "long-length": b"\x30\xff\xff\xff\xff\x7f",
    "long-topic": b"\x30\x04\x00\xff" + b"ab",
    "bad-utf8": _message(b"\xff\xfe\xfd", b"{}"),
    "huge": _message(b"somewhere/else", bytes(_HUGE)),
    "stranger": _message(b"somewhere/else", b"{}"),
    "grants": b"\x90" + _length(5002) + bytes(5002),
    "puback": b"\x40\x02\x77\x77",
}
AT_CHUNKS = (*INTRUDERS, "duplicate", "swap", "short", "push")
KINDS = (*AT_CHUNKS, "no-pong")
PUSHES: dict[str, Callable[[dict], bytes]] = {
    "whole": lambda shared: json.dumps(shared).encode(),
    "partial": lambda shared: json.dumps({"fw_version": shared.get("fw_version")}).encode(),
    "null": lambda shared: b"null",
    "junk": lambda shared: b'{"fw_title": "therm',
    "list": lambda shared: b'[1, {"fw_title": null}]',
    "digits": lambda shared: b'{"fw_size": ' + b"9" * 4000 + b"}",
    "deep": lambda shared: b'{"a":' * 300 + b"1" + b"}" * 300,
}


def only_of(cloud: str, run: "Run", kind: str) -> None:
    """Raises UserError("bad_case") if the story is played with another cloud."""
    if run.story.cloud != cloud:
        raise UserError("bad_case", f"{kind}= is for stories of {cloud}, not for {run.case.story!r}")


@fault("mqtt")
class MqttFault:
    """Something else instead of, or before, one chunk. `hits` counts how often it has struck."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        if len(arguments) != 2 or arguments[0] not in KINDS:
            raise UserError("bad_case", f"mqtt={':'.join(arguments)}: KIND:N of {', '.join(KINDS)}")
        self._kind, self._left = arguments[0], alarm.number("mqtt", arguments[1])
        self._kept: Packet | None = None
        self.hits = 0

    def attach(self, run: "Run") -> None:
        self._run = run
        run.twin.net.faults.append(self._drop_pong if self._kind == "no-pong" else self._strike)

    def _drop_pong(self, packet: Packet) -> list[Packet]:
        if packet.to_device and packet.content == _PONG and self.hits < self._left:
            self.hits += 1
            return []
        return [packet]

    def _strike(self, packet: Packet) -> list[Packet]:
        if self._kept and packet.to_device:
            kept, self._kept = self._kept, None
            return [packet, kept]
        if self._left < 0 or not is_chunk(packet):
            return [packet]
        self._left -= 1
        if self._left >= 0:
            return [packet]
        self.hits += 1
        if self._kind == "swap":
            self._kept = packet
            return []
        if self._kind == "short":
            return [replace(packet, content=packet.content[:-10])]
        return [replace(packet, content=self._intruder(packet)), packet]

    def _intruder(self, packet: Packet) -> bytes:
        if self._kind == "duplicate":
            return packet.content
        if self._kind == "push":
            return _message(_ATTRIBUTES.encode(), PUSHES["whole"](self._run.side.peer.shared), 0x3A)
        return INTRUDERS[self._kind]


@fault("push")
class PushFault:
    """A push of attributes at this moment, if the device is there to hear it."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self._kind = ":".join(arguments)
        if self._kind not in PUSHES:
            raise UserError("bad_case", f"push={self._kind}: {', '.join(PUSHES)}")

    def attach(self, run: "Run") -> None:
        """Raises UserError("bad_case") for another cloud."""
        only_of("thingsboard", run, "push")
        session = run.side.peer.session
        if session:
            session.publish(_ATTRIBUTES, PUSHES[self._kind](run.side.peer.shared))


@fault("unassign")
class UnassignFault:
    """The offer is taken back, and made again later."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self._ms = alarm.number("unassign", ":".join(arguments))

    def attach(self, run: "Run") -> None:
        """Raises UserError("bad_case") for another cloud."""
        only_of("thingsboard", run, "unassign")
        packages = [run.side.peer.package(kind) for kind in run.story.kinds]
        for package in filter(None, packages):
            if not run.ends_since(run.last_offer(package.type)[0], package.type):
                run.cloud.unassign(run.side.peer, package.type, run.twin.now_ms)
                alarm.after(run.twin, self._ms, partial(_offer_again, run, package, self._ms))


def _offer_again(run: "Run", package: Package, ms: int) -> None:
    """Without names of jobs nobody knows whether an end that comes late is one of before (docs/thingsboard.md)."""
    since, version = run.last_offer(package.type)
    if package.version != version or run.ends_since(since, package.type):
        return  # the story goes on without
    facts = run.recorder.journal(package.type)[1]
    if facts.get("outbox") or facts.get("job", {}).get("stage") == "activating":
        alarm.after(run.twin, ms, partial(_offer_again, run, package, ms))
    else:
        run.cloud.assign(run.side.peer, package, run.twin.now_ms)


def _parse(text: str) -> faults.Rule:
    """Of whichever cloud it is. Raises UserError("bad_fault")."""
    for cloud in (Rule, rainmaker.Rule):
        with contextlib.suppress(UserError):
            return cloud.parse(text)
    return broker_faults.Rule.parse(text)


@fault("requires")
class RequiringSoftware:
    """Whatever software is made in this run has that tag (docs/thingsboard.md)."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self._tag = f"requires {TITLE} >= {':'.join(arguments)}"

    def attach(self, run: "Run") -> None:
        """Raises UserError("bad_case") for another cloud."""
        only_of("thingsboard", run, "requires")
        self._cloud = run.cloud
        run.cloud.add_package = self._add

    def _add(self, title: str, version: str, data: bytes, type: str = "FIRMWARE") -> Package:
        tag = self._tag if type == "SOFTWARE" else None
        return ThingsBoard.add_package(self._cloud, title, version, data, type=type, tag=tag)


@fault("cloud")
class CloudFault:
    """A rule of the mock cloud."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self._text = ":".join(arguments).replace("+", " ")
        self._rule = _parse(self._text)

    def attach(self, run: "Run") -> None:
        """Raises UserError("bad_fault") for a rule of another cloud."""
        if self._rule.action in ("reassign", "from"):
            title, _, version = self._rule.argument.rpartition(" ")
            run.cloud.add_package(title, version, stories.image(version))
        run.cloud.add_fault(self._text)
