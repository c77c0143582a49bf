# SPDX-License-Identifier: MIT
"""In-memory network of a board in lockstep: links to the sans-IO cores of mock clouds, on the board's clock.

Everything that travels is a Packet with the time of its arrival; `run` delivers in order of time, then of sending,
so a run is the same every time. A fault is a function from a packet to the packets that travel in its place:
none (lost), the same one later (delay), or others (`cut_after` ends the link). Times in ms of the board's clock.
"""

import errno
import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from simulator.board.clock import Clock
from simulator.board.errors import EspError
from simulator.clouds.core import Close, Core, Send

EPOCH_MS = 1_767_225_600_000  # unix time at board time 0: 2026-01-01

# Contents of packets that are no bytes: of TCP, and of a TLS handshake, where Finish comes with a certificate; in DTLS
# a server first wants to see that the peer is where it says.
OPEN, CLOSE, RESET = "open", "close", "reset"
HELLO, SHOWN, SECURE = "hello", "shown", "secure"
VERIFY, COOKIE = "verify", "cookie"
_CLIENT_HELLO = bytes.fromhex("160301")  # how it begins, for who does not speak TLS


@dataclass(frozen=True)
class Finish:
    """The device's end of a TLS handshake. `certificate`: DER, b"" without one; `identity`, `key`: of DTLS by such."""

    certificate: bytes
    identity: str = ""
    key: bytes = b""


@dataclass
class Endpoint:
    """Where a core listens. `chain`: the certificates it shows, leaf first, DER; `keys`, by identity; or no TLS."""

    core: Core
    chain: tuple[bytes, ...] = ()
    keys: Mapping[str, bytes] = field(default_factory=dict)
    links: dict[int, "Link"] = field(default_factory=dict)


@dataclass
class Link:
    """A TCP connection as the device sees it. `endpoint` None: nobody listens there.

    Packets of a stream keep their order; other links are flows of datagrams (datagrams.py).
    """

    is_stream: ClassVar = True

    number: int
    endpoint: Endpoint | None = None
    state: str = "new"  # new | connecting | open | refused | reset | gone
    inbox: bytearray = field(default_factory=bytearray)
    is_ended: bool = False  # the peer has closed; what is in the inbox can still be read
    peer: tuple[bytes, ...] = ()  # the certificates it has shown
    is_judged: bool = False  # the device has looked at them
    is_secure: bool = False
    secured_by: Finish | None = None  # of DTLS: what has ended its last handshake
    last: dict[bool, float] = field(default_factory=lambda: {True: 0.0, False: 0.0})  # arrival of the last packet

    def arrived(self, content: bytes | str | Finish) -> None:
        """Something for the device is there."""
        if self.state == "open" and isinstance(content, bytes):  # what is behind a reset never arrives
            self.inbox += content


@dataclass(frozen=True)
class Packet:
    """Bytes (of a flow: one datagram), or what happens to the link (OPEN, CLOSE ...), to the device or the cloud."""

    link: Link
    to_device: bool
    content: bytes | str | Finish
    at: float


Fault = Callable[[Packet], list[Packet]]


def cut_after(size: int, *, to_device: bool = True) -> Fault:
    """Resets the link when `size` bytes have travelled in this direction, counted over all links; once."""
    left = size

    def fault(packet: Packet) -> list[Packet]:
        nonlocal left
        if left < 0 or packet.to_device != to_device or not isinstance(packet.content, bytes):
            return [packet]
        head, left = packet.content[:left], left - len(packet.content)
        if left > 0:
            return [packet]
        left = -1
        reset = [replace(packet, content=RESET, to_device=side) for side in (True, False)]
        return [replace(packet, content=head), *reset]

    return fault


def silence_after(size: int, *, to_device: bool = True) -> Fault:
    """The links go dead, without a word, when `size` bytes have travelled in this direction."""
    left = size

    def fault(packet: Packet) -> list[Packet]:
        nonlocal left
        if packet.to_device != to_device or not isinstance(packet.content, bytes):
            return [packet]
        head, left = packet.content[: max(left, 0)], left - len(packet.content)
        return [replace(packet, content=head)] if head else []

    return fault


def delay(ms: float) -> Fault:
    """Everything takes `ms` longer each way."""
    return lambda packet: [replace(packet, at=packet.at + ms)]


class VirtualNet:
    """Serves cores at (host, port). `latency_ms` is one way. The other public ones may change at any time."""

    def __init__(self, clock: Clock, latency_ms: float = 10) -> None:
        self.clock = clock
        self.latency_ms = latency_ms
        self.faults: list[Fault] = []
        self.is_resolving = True  # whether the name server answers
        self.is_taking = True  # whether the peers take what the device sends; if not, their TCP windows are 0
        self.tells_time = False  # whether a time server does
        self.due_ms = 0.0  # nothing happens before, unless somebody has told a core something since the last `run`
        self._endpoints: dict[tuple[str, int, bool], Endpoint] = {}  # by host, port, and whether it is for streams
        self._queue: list[tuple[float, int, Packet]] = []
        self._order = 0  # of the last packet
        self._number = 0  # of the last link

    def serve(self, host: str, port: int, core: Core, chain: tuple[bytes, ...] = ()) -> None:
        """With a `chain` of certificates (leaf first, DER) it speaks TLS only. A core may listen in several places."""
        self._listen((host, port, True), core, chain)

    def serve_datagrams(
        self, host: str, port: int, core: Core, chain: tuple[bytes, ...] = (), keys: Mapping[str, bytes] | None = None
    ) -> None:
        """UDP: the core is told of a connection with the first datagram from a socket, and of no end.

        With a `chain` of certificates, or `keys` by identity, it speaks DTLS only.
        """
        self._listen((host, port, False), core, chain, keys)

    def _listen(
        self,
        place: tuple[str, int, bool],
        core: Core,
        chain: tuple[bytes, ...] = (),
        keys: Mapping[str, bytes] | None = None,
    ) -> None:
        links = next((point.links for point in self._endpoints.values() if point.core is core), {})
        self._endpoints[place] = Endpoint(core, chain, keys or {}, links)
        self.due_ms = 0.0

    def unix_ms(self, at: float | None = None) -> int:
        """Unix time now, or at a time of the board's clock."""
        return EPOCH_MS + int(self.clock.now_ms() if at is None else at)

    def knows(self, host: str) -> bool:
        """Whether the name resolves; addresses always do."""
        is_known = self.is_resolving and any(host == name for name, _, _ in self._endpoints)
        return is_known or host.replace(".", "").isdigit()

    # the device's side

    def new_number(self) -> int:
        """For a link or a socket."""
        self._number += 1
        return self._number

    def socket(self) -> Link:
        return Link(self.new_number())

    def connect(self, link: Link, host: str, port: int) -> None:
        """`link.state` becomes open or refused after a round trip."""
        link.endpoint = self._endpoints.get((host, port, True))
        link.state = "connecting"
        self._send(link, False, OPEN)

    def send(self, link: Link, data: bytes) -> None:
        if link.state != "open":
            raise EspError(errno.ENOTCONN if link.state in ("new", "connecting") else errno.ECONNRESET)
        self._send(link, False, data)

    def send_datagram(self, flow: Link, data: bytes | str | Finish, host: str, port: int) -> None:
        """To whoever listens there when it leaves; `data`: of DTLS also what is no bytes."""
        flow.endpoint = self._endpoints.get((host, port, False))
        self._send(flow, False, data)

    def greet(self, link: Link) -> None:
        """The device begins a TLS handshake; the answer is `link.peer`."""
        self._send(link, False, HELLO)

    def finish(self, link: Link, certificate: bytes) -> None:
        """The device believes its peer, and shows its own certificate if it has one; then the link `is_secure`."""
        self._send(link, False, Finish(certificate))

    def close(self, link: Link) -> None:
        if link.state == "open":
            self._send(link, False, CLOSE)
        link.state = "gone"

    def forget(self, link: Link) -> None:
        """The device is gone without a word: the cloud learns it when it next sends something."""
        link.state = "gone"

    # time

    def next_ms(self) -> float | None:
        """When something happens by itself."""
        first = self._queue[0][0] if self._queue else None
        for point in self._endpoints.values():
            deadline = point.core.deadline()
            if deadline and (first is None or deadline - EPOCH_MS < first):
                first = deadline - EPOCH_MS
        return first

    def run(self) -> None:
        """Delivers and ticks everything that is due by now, in order."""
        now = self.clock.now_ms()
        self._collect(now)
        while (due := self.next_ms()) is not None and due <= now:
            if self._queue and self._queue[0][0] <= due:
                self._deliver(heapq.heappop(self._queue)[2])
            else:
                for point in list(self._endpoints.values()):
                    point.core.tick(self.unix_ms(due))
            self._collect(due)
        self.due_ms = float("inf") if due is None else due

    def _collect(self, at: float) -> None:
        """Sends what the cores have to say."""
        for point in self._endpoints.values():
            for action in point.core.take():
                link = point.links.get(action.conn)
                if link is None:
                    continue
                if isinstance(action, Send):
                    self._send(link, True, bytes(action.data), at)
                elif isinstance(action, Close):
                    del point.links[action.conn]
                    if link.is_stream or point.chain or point.keys:
                        self._send(link, True, CLOSE, at)

    def _send(self, link: Link, to_device: bool, content: bytes | str | Finish, at: float | None = None) -> None:
        packets = [Packet(link, to_device, content, (self.clock.now_ms() if at is None else at) + self.latency_ms)]
        for fault in self.faults:
            packets = [result for packet in packets for result in fault(packet)]
        for packet in packets:
            arrival = max(packet.at, link.last[packet.to_device]) if link.is_stream else packet.at
            link.last[packet.to_device] = arrival
            self._order += 1
            heapq.heappush(self._queue, (arrival, self._order, packet))
            self.due_ms = min(self.due_ms, arrival)

    def _deliver(self, packet: Packet) -> None:
        if not packet.link.is_stream:
            self._carry(packet)
        elif packet.to_device:
            self._to_device(packet)
        else:
            self._to_core(packet)

    def _to_device(self, packet: Packet) -> None:
        link = packet.link
        if link.state == "gone":
            if packet.content not in (RESET, OPEN):
                self._send(link, False, RESET, packet.at)
        elif packet.content == OPEN:
            link.state = "open" if link.endpoint else "refused"
        elif packet.content == CLOSE:
            link.is_ended = True
        elif packet.content == RESET:
            link.state = "reset"
        elif packet.content == SHOWN:
            link.peer = link.endpoint.chain if link.endpoint else ()
        elif packet.content == SECURE:
            link.is_secure = True
        elif isinstance(packet.content, bytes):
            link.arrived(packet.content)

    def _carry(self, packet: Packet) -> None:
        """A datagram arrives. Where nobody listens nothing comes back: lwIP would not look at it."""
        link, point, content = packet.link, packet.link.endpoint, packet.content
        if packet.to_device:
            link.arrived(content)
        elif point and (point.chain or point.keys):
            self._shake_hands_by_datagrams(point, packet)
        elif point and isinstance(content, bytes):
            if link.number not in point.links:
                self._open(point, link, packet.at)
            point.core.feed(link.number, content, self.unix_ms(packet.at))

    def _open(self, point: Endpoint, link: Link, at: float, **shown: bytes | str) -> None:
        point.links[link.number] = link
        point.core.open(link.number, self.unix_ms(at), **shown)

    def _shake_hands_by_datagrams(self, point: Endpoint, packet: Packet) -> None:
        """As a DTLS server: what comes twice is answered twice; the cloud hears of a peer when it is secure."""
        link, content, now = packet.link, packet.content, self.unix_ms(packet.at)
        is_known = link.number in point.links
        if content in (HELLO, COOKIE):
            self._send(link, True, VERIFY if content == HELLO else SHOWN, packet.at)
        elif isinstance(content, Finish):
            if point.keys and point.keys.get(content.identity) != content.key:
                self._send(link, True, CLOSE, packet.at)
                return
            if link.secured_by is not content:  # not the same one once more
                if is_known:
                    point.core.lost(link.number, now)
                told = {"certificate": content.certificate, "identity": content.identity}
                self._open(point, link, packet.at, **{name: value for name, value in told.items() if value})
                link.secured_by = content
            self._send(link, True, SECURE, packet.at)
        elif is_known and content == CLOSE:
            del point.links[link.number]
            point.core.lost(link.number, now)
        elif is_known and isinstance(content, bytes):
            point.core.feed(link.number, content, now)

    def _to_core(self, packet: Packet) -> None:
        link, point, now = packet.link, packet.link.endpoint, self.unix_ms(packet.at)
        if packet.content == OPEN:
            if point and not point.chain:
                point.links[link.number] = link
                point.core.open(link.number, now)
            self._send(link, True, OPEN, packet.at)
        elif point and point.chain and link.number not in point.links:
            self._shake_hands(point, packet, now)
        elif point is None or link.number not in point.links:
            return
        elif packet.content == HELLO:
            point.core.feed(link.number, _CLIENT_HELLO, now)
        elif isinstance(packet.content, bytes):
            point.core.feed(link.number, packet.content, now)
        else:
            del point.links[link.number]
            point.core.lost(link.number, now)

    def _shake_hands(self, point: Endpoint, packet: Packet, now: int) -> None:
        """As a TLS server does: the cloud hears of a connection when it is secure."""
        link, content = packet.link, packet.content
        if content == HELLO:
            self._send(link, True, SHOWN, packet.at)
        elif isinstance(content, Finish):
            point.links[link.number] = link
            point.core.open(link.number, now, *filter(None, (content.certificate,)))
            self._send(link, True, SECURE, packet.at)
        elif isinstance(content, bytes):  # that is no TLS
            self._send(link, True, CLOSE, packet.at)
