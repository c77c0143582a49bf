# SPDX-License-Identifier: MIT
"""A line of datagrams to one peer. Each call but `receive` returns at once, after the name server's time to begin with.

With DTLS there is a session on top, whose handshake goes on with each call (dtls.py).
"""

import select
import socket

from ota.errors import TransferError
from ota.port import const

_IPV4 = const(2)  # AF_INET, everywhere
_EAGAIN = const((11, 35))  # of MicroPython's ports
_MOST = const(1153)  # one more than a message has (RFC 7252 4.6)


class Udp:
    """A connected socket: what others send to it never arrives."""

    def __init__(self, host, port, secure=None):
        """`secure(sock, host)` -> the session over a socket. Raises TransferError: no_address, connect_failed."""
        try:
            address = socket.getaddrinfo(host, port, _IPV4, socket.SOCK_DGRAM)[0][-1]
        except (OSError, IndexError, ValueError) as error:  # CPython: what is no name at all is a UnicodeError
            raise TransferError("no_address", str(error))
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.connect(address)
            sock.setblocking(False)
            self._sock = sock
            self._session = secure(sock, host) if secure else None
        except (OSError, TransferError) as error:
            sock.close()
            raise error if isinstance(error, TransferError) else TransferError("connect_failed", str(error))
        self._poller = select.poll()
        self._poller.register(sock, select.POLLIN)

    def receive(self, ms):
        """One datagram, None for nothing within `ms`. Raises TransferError."""
        is_there = self._poller.poll(ms)
        if not is_there and self._session is None:  # which has its own clock
            return None  # `recv` would look for the room first
        try:
            data = (self._session or self._sock).recv(_MOST)  # readinto would glue two together
        except (OSError, ValueError) as error:
            return _nothing(error)
        if (
            data is not None and not data
        ):  # its end; after an empty datagram MicroPython never reads again (modsocket.c)
            raise TransferError("link_lost", "ended")
        return data

    def send(self, buf, size):
        """The first `size` bytes of `buf` as one datagram; whether the line took it. Raises TransferError.

        What a socket refuses, as without Wi-Fi, is as lost as any other on its way; a session is at its end then.
        """
        try:
            return (self._session or self._sock).write(memoryview(buf)[:size]) is not None
        except (OSError, ValueError) as error:
            if self._session is None and error.args[0] not in _EAGAIN:
                return True
            _nothing(error)
            return False

    def close(self):
        try:
            self._poller.unregister(self._sock)
        except (OSError, KeyError, ValueError):
            pass
        if self._session is not None:
            self._session.close()
        self._sock.close()


def _nothing(error):
    """It would have to wait; anything else is for who called. What is wrong with a certificate is a ValueError."""
    if isinstance(error, ValueError):
        from ota.secure import line

        raise TransferError("tls_untrusted", line(error))
    if error.args and error.args[0] in _EAGAIN:
        return None
    raise TransferError("link_lost", str(error))
