# SPDX-License-Identifier: MIT
"""Datagram sockets of a board in lockstep, and faults that befall datagrams.

As lwIP has them with the settings of MicroPython's ESP32 port: nobody learns that a datagram was lost or that nobody
listens (lwIP ignores what ICMP says), one that came in fragments is never seen, and what does not fit into a socket's
mailbox is gone. Order is not kept when a fault makes one datagram later than the next.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from simulator.board.net import Fault, Finish, Link, Packet, VirtualNet

MOST = 65_507  # bytes of one that is sent; above 1,472 it travels in fragments
_LARGEST = 1472  # bytes of one that is received: ESP-IDF's LWIP_IP4_REASSEMBLY is off
_RECORD = bytes.fromhex("16fefd")  # how one of a handshake begins, for who does not speak DTLS
_MAILBOX = 6  # datagrams that wait to be read: ESP-IDF's LWIP_UDP_RECVMBOX_SIZE

Address = tuple[str, int]


class Flow(Link):
    """What goes between a socket and one peer; to the peer's core it is a connection of its own."""

    is_stream = False

    def __init__(self, number: int, socket: "DatagramSocket", peer: Address) -> None:
        super().__init__(number, state="open")
        self.peer_address = peer
        self._socket = socket

    def arrived(self, content: bytes | str | Finish) -> None:
        self._socket.arrived(self, content)


class DatagramSocket:
    """One of the device. `is_ended`: an empty datagram was read, which MicroPython takes for the end of all.
    `is_on_air()`: whether the station can hear; what comes meanwhile is lost.

    Of a DTLS handshake there are datagrams that are no bytes: nobody reads them but dtls.py.
    """

    def __init__(self, net: VirtualNet, is_on_air: Callable[[], bool]) -> None:
        self.number = net.new_number()
        self.is_ended = False
        self._net = net
        self._is_on_air = is_on_air
        self._flows: dict[Address, Flow] = {}
        self._peer: Flow | None = None
        self._is_open = True
        self._mailbox: deque[tuple[Flow, bytes | str]] = deque()

    def connect(self, peer: Address) -> None:
        """From now on nobody else is heard."""
        self._peer = self._flow(peer)

    def send(self, data: bytes, peer: Address | None = None) -> None:
        """To the `peer`, or to the one that was connected to; without any it is lost."""
        flow = self._flow(peer) if peer else self._peer
        if flow:
            self._net.send_datagram(flow, data, *flow.peer_address)

    def send_content(self, content: str | Finish) -> None:
        """To the peer that was connected to."""
        if self._peer:
            self._net.send_datagram(self._peer, content, *self._peer.peer_address)

    @property
    def peer_chain(self) -> tuple[bytes, ...]:
        """The certificates that the peer shows."""
        endpoint = self._peer.endpoint if self._peer else None
        return endpoint.chain if endpoint else ()

    def next_content(self) -> bytes | str | None:
        """The next datagram, whatever it is."""
        return self._mailbox.popleft()[1] if self._mailbox else None

    def arrived(self, flow: Flow, data: bytes | str | Finish) -> None:
        """A datagram for this socket has travelled all the way."""
        if isinstance(data, Finish):
            return
        is_heard = self._is_open and (self._peer is None or self._peer is flow) and self._is_on_air()
        if is_heard and len(data) <= _LARGEST and len(self._mailbox) < _MAILBOX:
            self._mailbox.append((flow, data))

    def close(self) -> None:
        self._is_open = False
        self._mailbox.clear()

    @property
    def is_readable(self) -> bool:
        """Whether a datagram is there."""
        return bool(self._mailbox)

    def fills(self, size: int) -> bool:
        """Whether a read of exactly `size` bytes would not have to wait."""
        waiting = [len(data) for _, data in self._mailbox]
        return self.is_ended or 0 in waiting or sum(waiting) >= size

    def take(self, size: int) -> tuple[bytes, Address]:
        """The next datagram, cut at `size` bytes, and who has sent it; b"" after the end."""
        if self.is_ended:
            return b"", ("0.0.0.0", 0)
        flow, content = self._mailbox.popleft()
        data = content if isinstance(content, bytes) else _RECORD
        self.is_ended = not data
        return data[:size], flow.peer_address

    def read(self, size: int) -> bytes:
        """What reads of a stream make of datagrams: as many as fit, glued together, and the last one cut."""
        parts = b""
        while len(parts) < size and self._mailbox and not self.is_ended:
            parts += self.take(size - len(parts))[0]
        return parts

    def _flow(self, peer: Address) -> Flow:
        if peer not in self._flows:
            self._flows[peer] = Flow(self._net.new_number(), self, peer)
        return self._flows[peer]


def nth(index: int, change: Fault, *, to_device: bool = True) -> Fault:
    """`change` befalls the datagram of this number in a direction, 0 the first, counted over all sockets; once."""
    seen = -1

    def fault(packet: Packet) -> list[Packet]:
        nonlocal seen
        if packet.link.is_stream or packet.to_device != to_device:
            return [packet]
        seen += 1
        return change(packet) if seen == index else [packet]

    return fault


def lost(packet: Packet) -> list[Packet]:
    """It never arrives."""
    return []


def twice(after_ms: float = 0) -> Fault:
    """It arrives, and so does a copy of it, `after_ms` later."""
    return lambda packet: [packet, replace(packet, at=packet.at + after_ms)]


def late(ms: float) -> Fault:
    """It arrives `ms` later, and so perhaps after the next one."""
    return lambda packet: [replace(packet, at=packet.at + ms)]


def shortened(size: int) -> Fault:
    """Only its first `size` bytes arrive, as one datagram; of DTLS nothing, for the MAC is wrong then."""

    def fault(packet: Packet) -> list[Packet]:
        content = packet.content
        return [] if _is_sealed(packet) else [replace(packet, content=content[:size])]

    return fault


def flipped(position: int, bit: int = 0) -> Fault:
    """One bit of the byte at `position` is another one: UDP's checksum would have to miss that, DTLS would not."""

    def fault(packet: Packet) -> list[Packet]:
        if _is_sealed(packet):
            return []
        content = bytearray(packet.content)
        if position < len(content):
            content[position] ^= 1 << bit
        return [replace(packet, content=bytes(content))]

    return fault


def _is_sealed(packet: Packet) -> bool:
    """Whether it is DTLS's: what is spoiled of that is dropped."""
    return not isinstance(packet.content, bytes) or packet.link.secured_by is not None


def lossy(share: float, rng: random.Random) -> Fault:
    """Of all datagrams, in both directions, this share is lost (0 to 1)."""
    return lambda packet: [] if not packet.link.is_stream and rng.random() < share else [packet]
