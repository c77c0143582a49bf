# SPDX-License-Identifier: MIT
"""What becomes of a datagram that the socket does not take (ota/coap/udp.py)."""

from fakes import raises

from ota.coap import udp
from ota.errors import TransferError

EAGAIN, ENOMEM, EHOSTUNREACH = 11, 12, 118  # of lwIP, but for the first


class Socket:
    """Stands for the modules socket and select, for a socket, and for a session over one: `answer` is what it says."""

    AF_INET = SOCK_DGRAM = POLLIN = 2

    def __init__(self, answer):
        self._answer = answer
        self.taken = []

    def getaddrinfo(self, host, port, family, kind):
        """A host that both families know, as localhost often is: that of IPv6 comes first, unless it is not wanted."""
        found = [(10, kind, 0, "", (host, port, 0, 0)), (self.AF_INET, kind, 0, "", (host, port))]
        return [row for row in found if family in (0, row[0])]

    def socket(self, family, kind):
        return self

    def connect(self, address):
        if len(address) != 2:  # as that of IPv6
            raise TypeError(address)

    poll = setblocking = register = lambda self, *_: self

    def write(self, data):
        if isinstance(self._answer, Exception):
            raise self._answer
        self.taken.append(bytes(data))
        return self._answer


def sent(answer, has_session=False):
    """What `send` makes of it, and what went out."""
    real = udp.socket, udp.select
    peer = udp.socket = udp.select = Socket(answer)
    try:
        line = udp.Udp("peer", 5683, (lambda sock, host: sock) if has_session else None)
    finally:
        udp.socket, udp.select = real
    return line.send(bytearray(b"hello, and no more"), 5), peer.taken


def test_what_is_taken_is_sent_to_its_size():
    for has_session in (False, True):
        assert sent(5, has_session) == (True, [b"hello"])


def test_what_is_refused_is_as_lost_as_others_on_their_way():
    """Who sent it says it again in its time, and not with each turn."""
    for number in (ENOMEM, EHOSTUNREACH):
        assert sent(OSError(number)) == (True, [])


def test_what_would_have_to_wait_was_not_sent():
    for has_session in (False, True):
        assert sent(OSError(EAGAIN), has_session) == (False, [])
    assert not sent(None, True)[0]  # its handshake is not over


def test_a_session_is_at_its_end_when_its_socket_refuses():
    raises(TransferError, "link_lost", sent, OSError(EHOSTUNREACH), True)
    raises(TransferError, "tls_untrusted", sent, ValueError("bad certificate"), True)
