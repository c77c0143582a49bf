# SPDX-License-Identifier: MIT
"""The requests of a device in lockstep that are about datagram sockets. Peer of `device/_links.py`."""

import errno

from simulator.board.datagrams import MOST, Address, DatagramSocket
from simulator.board.dtls import DtlsSession
from simulator.board.errors import EspError
from simulator.board.link import DONE, NOTHING_YET, Reply, Request, Wait
from simulator.board.net import VirtualNet
from simulator.board.wlan import Radio

_SOCKET, _STREAM, _PEER = 0xFFFF, 0x10000, 0x40000  # a read as of a stream; with the peer's address in front
_SECURE = 0x8000  # in a poll: not the socket, but the session over it
_IN, _OUT, _NVAL = 1, 4, 32


class DatagramServices:
    """The datagram sockets of one device process."""

    def __init__(self, net: VirtualNet, radio: Radio) -> None:
        self._net = net
        self._radio = radio
        self._sockets: dict[int, DatagramSocket] = {}
        self._sessions: dict[int, DtlsSession] = {}  # those with DTLS
        self.room: int | None = None  # sessions that fit into the memory of the chip's C library; None: any number

    def reset(self) -> None:
        """RAM is gone, and with it every socket."""
        self._sessions.clear()
        for number in list(self._sockets):
            self.close(number)

    def find(self, number: int) -> DatagramSocket | None:
        return self._sockets.get(number)

    def secure(self, number: int, session: DtlsSession) -> None:
        """From now on the socket carries this session. Raises EspError where there is no room for it."""
        if self.room is not None and len(self._sessions) >= self.room:
            raise EspError(errno.ENOMEM)
        self._sessions[number] = session

    def session(self, number: int) -> DtlsSession:
        """Raises EspError if there is none."""
        if number not in self._sessions:
            raise EspError(errno.EBADF)
        return self._sessions[number]

    def has(self, handle: int) -> bool:
        """Whether a request with this handle is about a datagram socket."""
        return handle & _SOCKET in self._sockets

    def events(self, number: int) -> int | None:
        """What poll says of the socket, or of the session over it; None if it is none of these."""
        if number & _SECURE:
            number -= _SECURE
            if number in self._sessions and self._sessions[number].has_failed:
                return _NVAL
        socket = self._sockets.get(number)
        return None if socket is None else _OUT | _IN * socket.is_readable

    def socket(self) -> Reply:
        socket = DatagramSocket(self._net, lambda: self._radio.is_connected)
        self._sockets[socket.number] = socket
        return Reply(socket.number)

    def connect(self, request: Request) -> Reply:
        self._sockets[request.handle].connect((request.text, request.a))
        return DONE

    def send(self, request: Request) -> Reply | Wait:
        """All of it, at once: nothing tells whether it arrives. Behind the data the peer, if there is one."""
        if request.a > MOST:
            raise EspError(errno.EMSGSIZE)
        if not self._radio.is_connected:
            raise EspError(errno.EHOSTUNREACH)
        session = self._sessions.get(request.handle & _SOCKET)
        if session and not session.shake_hands(repeats=request.b == 0):
            return self._after_handshake(session, request)
        data, peer = request.data[: request.a], request.data[request.a :]
        self._sockets[request.handle & _SOCKET].send(data, _address(peer) if peer else None)
        return Reply(request.a)

    def _after_handshake(self, session: DtlsSession, request: Request) -> Reply | Wait:
        """What blocks waits for its end, and sends nothing again; a time-out is an error that stays."""

        def ready() -> Reply | Wait | None:
            return self.send(request) if session.shake_hands(repeats=False) else None

        return NOTHING_YET if request.b == 0 else Wait(ready, lambda: _nothing_came(session, request), request.b)

    def _receive_secure(self, session: DtlsSession, request: Request) -> Reply | Wait:
        def ready() -> Reply | None:
            if not session.shake_hands(repeats=request.b == 0):
                return None
            take = session.read if request.handle & _STREAM else session.recv
            data = take(request.a)
            return None if data is None else Reply(len(data), data)

        return ready() or Wait(ready, lambda: _nothing_came(session, request), request.b)

    def receive(self, request: Request) -> Reply | Wait:
        session = self._sessions.get(request.handle & _SOCKET)
        if session:
            return self._receive_secure(session, request)
        socket, size = self._sockets[request.handle & _SOCKET], request.a
        is_stream = bool(request.handle & _STREAM)

        def ready() -> Reply | None:
            if is_stream:
                return _read(socket, size) if socket.fills(size) else None
            if not (socket.is_readable or socket.is_ended):
                return None
            data, peer = socket.take(size)
            return Reply(len(data), _packed(peer) + data if request.handle & _PEER else data)

        def expired() -> Reply:
            reply = _read(socket, size) if is_stream else NOTHING_YET
            if request.b:
                raise EspError(errno.ETIMEDOUT)
            return reply if reply.value else NOTHING_YET

        return ready() or Wait(ready, expired, request.b)

    def close(self, number: int) -> None:
        session = self._sessions.pop(number, None)
        if session:
            session.close()
        socket = self._sockets.pop(number, None)
        if socket:
            socket.close()


def _nothing_came(session: DtlsSession, request: Request) -> Reply:
    """Of a socket with a time-out that is an error like any other to mbedTLS, and stays. Raises EspError."""
    if request.b:
        session.time_out()
    return NOTHING_YET


def _read(socket: DatagramSocket, size: int) -> Reply:
    data = socket.read(size)
    return Reply(len(data), data)


def _address(packed: bytes) -> Address:
    return packed[2:].decode(errors="replace"), int.from_bytes(packed[:2], "little")


def _packed(address: Address) -> bytes:
    """Two bytes for the port, one for the length of the host's name, and the name."""
    host = address[0].encode()
    return address[1].to_bytes(2, "little") + bytes((len(host),)) + host
