# SPDX-License-Identifier: MIT
"""DTLS of a device in lockstep, without cryptography: a handshake whose flights can be lost, and who may be believed.

A flight is one datagram here. As mbedTLS does it under MicroPython: it goes on only when the program reads, writes or
shakes hands; what was lost is sent again after 1 s, 2 s and so on, but only on a socket that does not block; and the
first error stays.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass

from simulator.board.datagrams import DatagramSocket
from simulator.board.errors import EspError
from simulator.board.net import CLOSE, COOKIE, HELLO, SECURE, SHOWN, VERIFY, Finish, VirtualNet

TIMED_OUT = -0x6800  # MBEDTLS_ERR_SSL_TIMEOUT
_FIRST_MS, _LONGEST_MS = 1000, 60_000  # mbedTLS's handshake timer


@dataclass
class Credentials:
    """What the device shows: a certificate (DER) or the name of a key and the key; with a key there is no chain."""

    certificate: bytes = b""
    identity: str = ""
    key: bytes = b""


class DtlsSession:
    """Over `socket`. `believe(chain)` raises EspError for a peer that is not who it should be."""

    def __init__(
        self,
        net: VirtualNet,
        socket: DatagramSocket,
        credentials: Credentials,
        believe: Callable[[tuple[bytes, ...]], None],
    ) -> None:
        self.is_secure = False
        self.is_ended = False  # the peer has said so
        self._net = net
        self._socket = socket
        self._credentials = credentials
        self._believe = believe
        self._error: EspError | None = None
        self._flight: str | Finish | None = None
        self._repeat_ms = 0.0
        self._patience_ms = _FIRST_MS
        self._rest = b""  # of a record that was read in part

    def shake_hands(self, *, repeats: bool) -> bool:
        """Goes on with the handshake; whether it is over. `repeats`: what was lost is sent again. Raises EspError."""
        if self._error:
            raise self._error
        if self._flight is None:
            self._fly(HELLO)
        while not self.is_secure and (content := self._socket.next_content()) is not None:
            if isinstance(content, str):
                self._hear(content)
        if not self.is_secure and repeats and self._net.clock.now_ms() >= self._repeat_ms:
            self._again()
        return self.is_secure

    def _hear(self, content: str) -> None:
        if content == VERIFY and self._flight == HELLO:
            self._fly(COOKIE)
        elif content == SHOWN and self._flight == COOKIE:
            self._judge()
            shown = self._credentials
            self._fly(Finish(shown.certificate, shown.identity, shown.key))
        elif content == SECURE and isinstance(self._flight, Finish):
            self.is_secure = True
        elif content == CLOSE:
            self.fail(EspError(-0x7780, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE"))

    def _judge(self) -> None:
        try:
            self._believe(self._socket.peer_chain)
        except EspError as error:
            self.fail(error, shown=EspError(error.errno))

    def fail(self, error: EspError, shown: EspError | None = None) -> None:
        """Raises `error`; from now on everything else does, too, or raises `shown`."""
        self._error = shown or error
        raise error

    def time_out(self) -> None:
        """The socket's time is over. What stays has mbedTLS's sign, as MicroPython has it. Raises EspError."""
        stays = EspError(-errno.ETIMEDOUT)
        self.fail(stays if self.is_secure else EspError(errno.ETIMEDOUT), shown=stays)

    @property
    def has_failed(self) -> bool:
        return self._error is not None

    def _fly(self, flight: str | Finish) -> None:
        self._flight = flight
        self._patience_ms = _FIRST_MS
        self._repeat_ms = self._net.clock.now_ms() + self._patience_ms
        self._socket.send_content(flight)

    def _again(self) -> None:
        if self._patience_ms >= _LONGEST_MS or self._flight is None:
            self.fail(EspError(TIMED_OUT, "MBEDTLS_ERR_SSL_TIMEOUT"))
        self._patience_ms = min(2 * self._patience_ms, _LONGEST_MS)
        self._repeat_ms = self._net.clock.now_ms() + self._patience_ms
        self._socket.send_content(self._flight)

    def recv(self, size: int) -> bytes | None:
        """Of one record, the rest of which comes next; None if none is there, b"" after the end. Raises EspError."""
        if self._error:
            raise self._error
        if not self._rest:
            while not self.is_ended:
                content = self._socket.next_content()
                if content is None:
                    return None
                if content == CLOSE:
                    self.is_ended = True
                elif isinstance(content, bytes) and content:
                    self._rest = content
                    break
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def read(self, size: int) -> bytes | None:
        """What reads of a stream make of records: as many as fit, glued together."""
        parts = b""
        while len(parts) < size:
            part = self.recv(size - len(parts))
            if not part:
                return parts or part
            parts += part
        return parts

    def close(self) -> None:
        """The peer is told, once."""
        if self.is_secure and not self.is_ended:
            self._socket.send_content(CLOSE)
