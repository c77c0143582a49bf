# SPDX-License-Identifier: MIT
"""What a datagram socket in lockstep has more than a link, loaded on demand: other peers than the connected one."""

from errno import EAGAIN

from _chip import call
from micropython import const

_OP_SEND = const(63)
_OP_RECV = const(64)

_PEER = const(0x40000)  # recv: with the sender's port, length of its name, and name in front
_HEAD = const(3 + 255)


def sendto(sock, data, address):
    host, port = address
    if isinstance(data, str):
        data = data.encode()
    peer = bytes((port & 255, port >> 8)) + host.encode()
    return call(_OP_SEND, sock.fileno(), len(data), sock.wait_ms(), data, peer)


def recvfrom(sock, size):
    buf = bytearray(_HEAD + size)
    n = call(_OP_RECV, sock.fileno() | _PEER, size, sock.wait_ms(), None, None, buf)
    if n < 0:
        raise OSError(EAGAIN)
    start = 3 + buf[2]
    return bytes(buf[start : start + n]), (bytes(buf[3:start]).decode(), buf[0] | buf[1] << 8)
