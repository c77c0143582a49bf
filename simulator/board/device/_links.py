# SPDX-License-Identifier: MIT
"""Sockets and poll in lockstep: links through the host, on its virtual clock (`simulator/board/net.py`).

They behave as the ESP32's: `readinto` fills the buffer or meets the end; a time-out raises and loses the part read.
So of datagrams `read` and `readinto` glue together what has come: only `recv` and `recvfrom` take one.
Stands for `tls` and for `_asyncio` as well, until a program asks one of these for something.
"""

import sys
from errno import EOPNOTSUPP

from _chip import call
from micropython import const

_OP_RESOLVE = const(60)
_OP_SOCKET = const(61)
_OP_CONNECT = const(62)
_OP_SEND = const(63)
_OP_RECV = const(64)
_OP_CLOSE = const(65)
_OP_POLL = const(66)

_SOME = const(0)  # recv: what is there
_ALL = const(0x10000)  # the stream calls: all of it, or the end
_LINE = const(0x20000)  # up to a line's end
_STREAM = const(1)
_DATAGRAM = const(2)
_NONE_YET = const(-1)
_MAX_LINE = const(256)
_EAGAIN = const(11)


def __getattr__(name):
    if name[:2] == "__":
        raise AttributeError(name)
    if name[:4] == "Task":
        import _tasks

        sys.modules["_asyncio"] = _tasks
        return getattr(_tasks, name)
    import _tls

    sys.modules["tls"] = _tls
    return getattr(_tls, name)


def resolve(host, port, *hints):
    call(_OP_RESOLVE, 0, 0, 0, host.encode())
    return [(2, _STREAM, 0, host, (host, port))]


class socket:
    """One TCP link, or a datagram socket. Time-outs in ms inside, -1 for none."""

    def __init__(self, af=2, type=_STREAM, proto=0):
        if type != _STREAM and type != _DATAGRAM:
            raise OSError(EOPNOTSUPP)
        self._link = call(_OP_SOCKET, 0, type)
        self._wait_ms = -1

    def connect(self, address):
        host, port = address
        call(_OP_CONNECT, self._link, port, self._wait_ms, host.encode())

    def settimeout(self, seconds):
        self._wait_ms = -1 if seconds is None else int(seconds * 1000)

    def setblocking(self, flag):
        self._wait_ms = -1 if flag else 0

    def wait_ms(self):
        """The time-out in ms, -1 for none."""
        return self._wait_ms

    def setsockopt(self, level, option, value):
        pass

    def fileno(self):
        return self._link

    def close(self):
        if self._link:
            call(_OP_CLOSE, self._link)
            self._link = 0

    def makefile(self, mode="rb", buffering=0):
        return self

    def send(self, data):
        n = self.write(data)
        if n is None:
            raise OSError(_EAGAIN)
        return n

    def write(self, data, size=-1):
        if isinstance(data, str):
            data = data.encode()
        if not 0 <= size < len(data):
            size = len(data)
        n = call(_OP_SEND, self._link, size, self._wait_ms, data)  # `size` bytes of it: no slice here
        return None if n == _NONE_YET else n

    sendall = write

    def recv(self, size):
        data = self._bytes(_SOME, size)
        if data is None:
            raise OSError(_EAGAIN)
        return data

    def __getattr__(self, name):
        if name not in ("sendto", "recvfrom"):
            raise AttributeError(name)
        import _datagrams

        function = getattr(_datagrams, name)
        return lambda *values: function(self, *values)

    def read(self, size=-1):
        if size >= 0:
            return self._bytes(_ALL, size)
        parts = []
        while True:
            part = self._bytes(_SOME, 1024)
            if not part:
                return b"".join(parts) if parts else part
            parts.append(part)

    def readline(self, size=_MAX_LINE):
        line = b""
        while not line.endswith(b"\n"):
            part = self._bytes(_LINE, size)
            if not part:
                return line or part
            line += part
        return line

    def readinto(self, buf, size=-1):
        if not 0 <= size < len(buf):
            size = len(buf)
        n = call(_OP_RECV, self._link | _ALL, size, self._wait_ms, None, None, buf)
        return None if n == _NONE_YET else n

    def _bytes(self, mode, size):
        bytearray(size)  # a socket needs room for so many, and gives back what it did not use
        data = call(_OP_RECV, self._link | mode, size, self._wait_ms)
        return None if data == _NONE_YET else data or b""


class poll:
    """The objects that are registered, in order; each answer has the object itself. `ipoll` allocates nothing new."""

    def __init__(self):
        self._socks = []
        self._hits = []
        self._masks = bytearray()

    def register(self, sock, mask=5):
        self.unregister(sock)
        link = sock.fileno()
        self._socks.append(sock)
        self._hits.append((sock, 0))
        self._masks = self._masks + bytes((link & 255, link >> 8, mask, 0))

    def unregister(self, sock):
        if sock in self._socks:
            i = self._socks.index(sock)
            del self._socks[i], self._hits[i]
            self._masks = self._masks[: 4 * i] + self._masks[4 * i + 4 :]

    def modify(self, sock, mask):
        self._masks[4 * self._socks.index(sock) + 2] = mask

    def poll(self, ms=-1):
        return list(self.ipoll(ms))

    def ipoll(self, ms=-1, flags=0):
        self._next = 0
        masks = self._masks
        # to say by an exception that there is nothing would cost heap
        return self if call(_OP_POLL, 0, 0, -1 if ms is None else ms, masks, None, masks) else ()

    def __iter__(self):
        return self

    def __next__(self):
        while self._next < len(self._socks):
            i = self._next
            self._next += 1
            events = self._masks[4 * i + 3]
            if events:
                if self._hits[i][1] != events:
                    self._hits[i] = (self._socks[i], events)
                return self._hits[i]
        raise StopIteration
