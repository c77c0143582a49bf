# SPDX-License-Identifier: MIT
"""The socket requests of a device in lockstep, answered by the virtual network. Peer of `device/_links.py`."""

import errno

from simulator.board.datagram_services import DatagramServices
from simulator.board.errors import EspError
from simulator.board.link import DONE, NOTHING_YET, Handler, Op, Reply, Request, Wait
from simulator.board.net import Link, VirtualNet
from simulator.board.wlan import Radio

_LINK, _ALL, _LINE = 0xFFFF, 0x10000, 0x20000
_DATAGRAMS = 2  # SOCK_DGRAM
_ENTRY = 4  # bytes of one in a poll: link, events that are wanted, events
_IN, _OUT, _ERR, _HUP, _NVAL = 1, 4, 8, 16, 32
_ALWAYS = _ERR | _HUP | _NVAL  # what poll tells whether it was asked or not
_CONNECT_MS = 20000  # lwIP gives a connection up after about this long
_NO_NAME = -202
_EPOCH = 946_684_800  # unix time of 2000, when a board's clock begins


class SocketServices:
    """The sockets of one device process; `datagrams`: those of UDP."""

    def __init__(self, net: VirtualNet, radio: Radio) -> None:
        self._net = net
        self._radio = radio
        self._links: dict[int, Link] = {}
        self.datagrams = DatagramServices(net, radio)

    def reset(self) -> None:
        """RAM is gone, and with it every socket; the peers are not told."""
        for link in self._links.values():
            self._net.forget(link)
        self._links.clear()
        self.datagrams.reset()

    def handlers(self) -> dict[Op, Handler]:
        return {
            Op.NTP: self._time,
            Op.RESOLVE: self._resolve,
            Op.SOCKET: self._socket,
            Op.CONNECT: self._connect,
            Op.SEND: self._send,
            Op.RECV: self._receive,
            Op.CLOSE: self._close,
            Op.POLL: self._poll,
        }

    def _time(self, request: Request) -> Reply:
        """What a time server says, seconds since 2000."""
        if not (self._net.tells_time and self._radio.is_connected):
            raise EspError(errno.ETIMEDOUT)
        return Reply(self._net.unix_ms() // 1000 - _EPOCH)

    def _resolve(self, request: Request) -> Reply:
        if not self._net.knows(request.text):
            raise EspError(_NO_NAME)
        return DONE

    def _socket(self, request: Request) -> Reply:
        if request.a == _DATAGRAMS:
            return self.datagrams.socket()
        link = self._net.socket()
        self._links[link.number] = link
        return Reply(link.number)

    def _connect(self, request: Request) -> Reply | Wait:
        if self.datagrams.has(request.handle):
            return self.datagrams.connect(request)
        if not self._radio.is_connected:
            raise EspError(errno.EHOSTUNREACH)
        link = self.link(request.handle)
        if link.state == "new":
            self._net.connect(link, request.text, request.a)

        def ready() -> Reply | None:
            if link.state == "refused":
                raise EspError(errno.ECONNREFUSED)
            return DONE if link.state == "open" else None

        def expired() -> Reply:
            raise EspError(errno.EINPROGRESS if request.b == 0 else errno.ETIMEDOUT)

        return Wait(ready, expired, _CONNECT_MS if request.b < 0 else request.b)

    def _send(self, request: Request) -> Reply | Wait:
        if self.datagrams.has(request.handle):
            return self.datagrams.send(request)
        link = self.link(request.handle)

        def ready() -> Reply | None:
            if link.state == "open" and not self._net.is_taking:
                return None
            self._net.send(link, request.data[: request.a])
            return Reply(request.a)

        def expired() -> Reply:
            if request.b:
                raise EspError(errno.ETIMEDOUT)
            return NOTHING_YET

        return ready() or Wait(ready, expired, request.b)

    def _receive(self, request: Request) -> Reply | Wait:
        if self.datagrams.has(request.handle):
            return self.datagrams.receive(request)
        link = self.link(request.handle & _LINK)

        def ready() -> Reply | None:
            size = _readable(link, request)
            if size is None:
                return None
            return Reply(size, self.take(link.number, size) or b"")

        reply = ready()
        if reply is not None:
            return reply

        def expired() -> Reply:
            data = bytes(link.inbox[: request.a])
            del link.inbox[: request.a]  # a time-out loses what it had read, as on the board
            if request.b:
                raise EspError(errno.ETIMEDOUT)
            return Reply(len(data), data) if data else NOTHING_YET

        return Wait(ready, expired, request.b)

    def take(self, number: int, size: int) -> bytes | None:
        """The next `size` bytes of a link, if they have arrived: a read of them would not have to wait."""
        link = self._links.get(number)
        if link is None or not 0 < size <= len(link.inbox):
            return None
        data = bytes(link.inbox[:size])
        del link.inbox[:size]
        return data

    def _close(self, request: Request) -> Reply:
        link = self._links.pop(request.handle, None)
        if link:
            self._net.close(link)
        self.datagrams.close(request.handle)
        return DONE

    def _poll(self, request: Request) -> Reply | Wait:
        data = request.data
        answer = bytearray(data)
        asked = [(i + 3, data[i] | data[i + 1] << 8, data[i + 2] | _ALWAYS) for i in range(0, len(data), _ENTRY)]

        def ready() -> Reply | None:
            found = 0
            for place, number, wanted in asked:
                answer[place] = mask = self._events(number) & wanted
                found += mask != 0
            return Reply(found, bytes(answer)) if found else None

        return ready() or Wait(ready, lambda: Reply(0, bytes(answer)), request.b)

    def _events(self, number: int) -> int:
        events = self.datagrams.events(number)
        return _events(self._links.get(number)) if events is None else events

    def link(self, number: int) -> Link:
        """Raises EspError for a socket that there is not."""
        if number not in self._links:
            raise EspError(errno.EBADF)
        return self._links[number]


def _readable(link: Link, request: Request) -> int | None:
    """How many bytes the read gets now; None when it has to wait. Raises EspError on a link that is no more."""
    size = min(request.a, len(link.inbox))
    if link.is_ended or size == request.a:
        return size
    if link.state == "reset":
        raise EspError(errno.ECONNRESET)
    if link.state != "open":
        raise EspError(errno.ENOTCONN)
    if request.handle & _LINE:
        end = link.inbox.find(b"\n", 0, size)
        return end + 1 if end >= 0 else None
    if request.handle & _ALL:
        return None
    return size or None


def _events(link: Link | None) -> int:
    if link is None or link.state == "reset":
        return _IN | _ERR | _HUP
    if link.state != "open":
        return _HUP
    return _OUT | (_IN if link.inbox or link.is_ended else 0)
