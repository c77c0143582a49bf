# SPDX-License-Identifier: MIT
"""CPython's sockets with the stream methods of MicroPython's: exact reads, and None when nothing is there yet."""

import socket as _socket
from socket import *  # noqa: F403


class Stream:
    """As in MicroPython, `readinto` fills the buffer or meets the end, and a time-out loses the part read."""

    not_yet: type[OSError] = BlockingIOError  # how `recv_into` says that nothing is there

    def readinto(self, buf, size: int = -1) -> int | None:
        view = memoryview(buf) if size < 0 else memoryview(buf)[:size]
        done = 0
        while done < len(view):
            try:
                n = self.recv_into(view[done:])
            except self.not_yet:
                return done or None
            if not n:
                break
            done += n
        return done

    def write(self, data, size: int = -1) -> int:
        data = memoryview(data.encode() if isinstance(data, str) else data)
        data = data if size < 0 else data[:size]
        self.sendall(data)
        return len(data)


class socket(Stream, _socket.socket):
    """A plain one."""

    def read(self, size: int = -1) -> bytes | None:
        if size >= 0:
            buf = bytearray(size)
            n = self.readinto(buf)
            return None if n is None else bytes(buf[:n])
        parts = []
        while part := self.recv(4096):
            parts.append(part)
        return b"".join(parts)

    def readline(self) -> bytes:
        line = bytearray()
        while not line.endswith(b"\n") and (byte := self.recv(1)):
            line += byte
        return bytes(line)

    def makefile(self, mode: str = "rb", buffering: int = 0) -> "socket":
        return self

    def accept(self):
        sock, address = super().accept()
        return socket(fileno=sock.detach()), address
