# SPDX-License-Identifier: MIT
"""DTLS 1.2 in front of a core: by certificates, or by keys that server and client share (RFC 4279).

mbedTLS does the work, in memory. What it needs from us: one datagram at a time, its records sent one by one, and a turn
now and then while a handshake lasts, for it repeats what was lost. A core hears of a peer when that is secure.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from mbedtls import pk, tls, x509
from mbedtls.exceptions import TLSError

from simulator.clouds.datagrams import Address, Line, Port
from simulator.errors import UserError

_MTU = 1400  # bytes of a record, over 1,340 for the core's datagram; a board reads no fragments of IP
_RECORD, _MESSAGE = 13, 12  # bytes of their headers
_HANDSHAKE, _DATA = 22, 23
_CLIENT_KEY_EXCHANGE = 16
_HANDSHAKE_FAILURE = bytes.fromhex("15fefd 0000 0000000000ff 0002 0228")
_TURN_S = 0.2
_HANDSHAKE_S = 60


class Dtls:
    """What a door needs for it. Made by `with_certificate` or `with_keys`."""

    def __init__(self, configuration: tls.DTLSConfiguration, *, has_keys: bool) -> None:
        self.has_keys = has_keys
        self._context = tls.ServerContext(configuration)

    def wrap(self) -> tls.TLSWrappedBuffer:
        return self._context.wrap_buffers()

    def line(self, port: Port, peer: Address) -> "SecureLine":
        """To a peer that wants to talk."""
        return SecureLine(self, port, peer)


def with_certificate(chain: bytes, key: bytes, client_ca: bytes | None = None) -> Dtls:
    """Shows `chain` (PEM, leaf first). With `client_ca` (PEM) only clients with a certificate of it get in.

    UserError("bad_certificate").
    """
    try:
        certificates = tuple(x509.CRT.from_PEM(pem + "-----END CERTIFICATE-----\n") for pem in _pems(chain))
        store = tls.TrustStore()
        if client_ca:
            store.add(x509.CRT.from_PEM(client_ca.decode()))
        configuration = tls.DTLSConfiguration(
            certificate_chain=(certificates, _key(key)), trust_store=store, validate_certificates=bool(client_ca)
        )
    except (TLSError, ValueError) as error:
        raise UserError("bad_certificate", f"cannot use the certificate for DTLS: {error}") from error
    return Dtls(configuration, has_keys=False)


def with_keys(keys: Mapping[str, bytes]) -> Dtls:
    """Lets in who has one of these keys, by the identity that belongs to it."""
    configuration = tls.DTLSConfiguration(pre_shared_key_store=dict(keys), validate_certificates=False)
    return Dtls(configuration, has_keys=True)


def _pems(chain: bytes) -> list[str]:
    return [part for part in chain.decode().split("-----END CERTIFICATE-----\n") if part.strip()]


def _key(pem: bytes) -> pk.ECC | pk.RSA:
    key = serialization.load_pem_private_key(pem, None)
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    der = key.private_bytes(serialization.Encoding.DER, traditional, serialization.NoEncryption())
    return (pk.ECC if isinstance(key, EllipticCurvePrivateKey) else pk.RSA).from_DER(der)


class Broken(Exception):
    """The session is no more."""


class Session:
    """With one peer: what comes in goes to `received`, what goes out to `send`. `is_secure` after the handshake."""

    def __init__(self, dtls: Dtls, peer: Address, send: Callable[[bytes], None]) -> None:
        self._dtls = dtls
        self._peer = repr(peer).encode()
        self._send = send
        self._buffer = self._fresh()
        self.is_secure = False
        self._is_real = False  # the peer has brought its cookie, so it is where it says
        self.identity: str | None = None
        self.certificate: bytes | None = None

    def _fresh(self) -> tls.TLSWrappedBuffer:
        buffer = self._dtls.wrap()
        buffer.setcookieparam(self._peer)
        buffer.setmtu(_MTU)
        return buffer

    def received(self, datagram: bytes) -> list[bytes]:
        """What was said in it. Raises Broken."""
        if self._dtls.has_keys and not self.is_secure:
            self.identity = _identity(datagram) or self.identity
        self._buffer.receive_from_network(datagram)
        return self.turn()

    def turn(self) -> list[bytes]:
        """Goes on with whatever there is. Raises Broken."""
        try:
            return self._read() if self.is_secure or self._shake_hands() else []
        except (TLSError, tls.RaggedEOF) as error:
            if not self._flush() and self._is_real and not self.is_secure:
                self._send(_HANDSHAKE_FAILURE)
            raise Broken(str(error)) from error

    def _shake_hands(self) -> bool:
        try:
            while self._buffer._handshake_state is not tls.HandshakeStep.HANDSHAKE_OVER:
                try:
                    self._buffer.do_handshake()
                except tls.WantWriteError:
                    self._is_real = True
                    self._flush()
        except tls.WantReadError:
            self._flush()
            return False
        except tls.HelloVerifyRequest:  # it has forgotten the peer: the next hello brings the cookie
            self._flush()
            self._buffer.setcookieparam(self._peer)
            return False
        self._flush()
        self.is_secure = True
        self.certificate = self._buffer.getpeercert(binary_form=True)
        return True

    def _read(self) -> list[bytes]:
        said = []
        record = bytearray(1 << 14)
        try:
            while True:
                size = self._buffer.readinto(record, len(record))
                said.append(bytes(record[:size]))
        except tls.WantReadError:
            self._flush()  # it repeats the end of a handshake when the peer does
        return said

    def write(self, data: bytes) -> None:
        """One datagram; what is too long for one is lost."""
        with suppress(TLSError):
            self._buffer.write(data)
        self._flush()

    def end(self) -> None:
        self._buffer.shutdown()
        self._flush()

    def _flush(self) -> bool:
        """Sends what there is; whether there was something."""
        out = self._buffer.peek_outgoing(1 << 16)
        self._buffer.consume_outgoing(len(out))
        for record in _records(out):
            self._send(record)
        return bool(out)


class SecureLine(Line):
    """A client may begin anew from the same port: the session before counts until the next one is secure."""

    def __init__(self, dtls: Dtls, port: Port, peer: Address) -> None:
        super().__init__(port, peer)
        self._dtls = dtls
        self._session: Session | None = None
        self._next: Session | None = None
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        """The core hears of it later."""

    def received(self, data: bytes) -> None:
        if _is_hello(data) and self._next is None:
            self._next = Session(self._dtls, self._peer, self._post)
            self._since_s = self._loop.time()
            self._turn()
        if self._next and (data[:1] != bytes((_DATA,)) or self._session is None):
            self._go_on(lambda session: session.received(data))
        elif self._session:
            self._hear(lambda session: session.received(data), self._session)
        if not self._session and not self._next:
            self._port.forget(self._peer)

    def _go_on(self, act: Callable[[Session], list[bytes]]) -> None:
        """With the handshake."""
        session = self._next
        assert session
        try:
            said = act(session)
        except Broken:
            self._next = None
            return
        if not session.is_secure:
            return
        if self._session:
            self._port.driver.lost(self._conn, self._port.core)
            self._conn = self._port.driver.new_conn()
        self._session, self._next = session, None
        self._port.driver.opened(self._conn, self._port.core, self, session.certificate, session.identity)
        self._tell(said)

    def _turn(self) -> None:
        """While a handshake lasts."""
        if self._next and self._loop.time() - self._since_s < _HANDSHAKE_S:
            self._loop.call_later(_TURN_S, self._turn)
            self._go_on(Session.turn)
        elif not self._session:
            self._port.forget(self._peer)

    def _hear(self, act: Callable[[Session], list[bytes]], session: Session) -> None:
        try:
            self._tell(act(session))
        except Broken:
            self._session = None
            self._port.forget(self._peer)
            self._port.driver.lost(self._conn, self._port.core)

    def _tell(self, said: list[bytes]) -> None:
        for data in said:
            self._port.driver.received(self._conn, self._port.core, data)

    def write(self, data: bytes) -> None:
        if self._session:
            self._session.write(data)

    def close(self) -> None:
        if self._session:
            self._session.end()
        super().close()

    def _post(self, record: bytes) -> None:
        self._port.send(record, self._peer)


def _records(data: bytes) -> Iterator[bytes]:
    while len(data) >= _RECORD:
        end = _RECORD + int.from_bytes(data[11:13], "big")
        yield data[:end]
        data = data[end:]


def _is_hello(datagram: bytes) -> bool:
    return datagram[:1] == bytes((_HANDSHAKE,)) and datagram[3:5] == b"\0\0" and datagram[13:14] == b"\1"


def _identity(datagram: bytes) -> str | None:
    """Of a client, which says it before anything is secret; mbedTLS does not tell."""
    for record in _records(datagram):
        message, body = record[_RECORD:], record[_RECORD + _MESSAGE :]
        if record[0] == _HANDSHAKE and record[3:5] == b"\0\0" and message[:1] == bytes((_CLIENT_KEY_EXCHANGE,)):
            return body[2 : 2 + int.from_bytes(body[:2], "big")].decode(errors="replace")
    return None
