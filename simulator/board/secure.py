# SPDX-License-Identifier: MIT
"""TLS of a device in lockstep, without cryptography: the packets of a handshake, and who may be believed.

Certificates are real X.509 and are judged as mbedTLS does: by chain, dates (by the board's clock) and name. What is
left out is what the wire hides: bytes of records, ciphers, session resumption. Peer of `device/_tls.py`.
"""

import datetime
import errno
import functools
import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from simulator.board.datagrams import DatagramSocket
from simulator.board.dtls import Credentials, DtlsSession
from simulator.board.errors import EspError
from simulator.board.link import DONE, Handler, Op, Reply, Request, Wait
from simulator.board.net import VirtualNet
from simulator.board.sockets import SocketServices

HANDSHAKE_MS = 1200  # what it costs an ESP32 to compute (style.md C1)
_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)  # of the board's clock
_NOT_VERIFIED = -0x2700  # MBEDTLS_ERR_X509_CERT_VERIFY_FAILED
_CLOSED = -0x7280  # MBEDTLS_ERR_SSL_CONN_EOF
_UNKNOWN_ISSUER = "The certificate is not correctly signed by the trusted CA"
_EXPIRED = "The certificate validity has expired"
_FUTURE = "The certificate validity starts in the future"
_OTHER_NAME = "The certificate Common Name (CN) does not match with the expected CN"


@dataclass
class Context:
    """What a device has loaded: the authorities it trusts, and the certificate it shows, DER; or a key it shares."""

    trusted: tuple[bytes, ...] = ()
    shown: bytes = b""
    identity: str = ""
    key: bytes = b""


class TlsServices:
    """The TLS contexts of one device process. `time_s`: seconds since 2000, as the board believes.

    `has_keys`: its MicroPython knows shared keys (from 1.29 on).
    """

    def __init__(self, net: VirtualNet, sockets: SocketServices, time_s: Callable[[], int]) -> None:
        self._net = net
        self._sockets = sockets
        self._time_s = time_s
        self.has_keys = False
        self._contexts: list[Context] = []

    def reset(self) -> None:
        """RAM is gone."""
        self._contexts.clear()

    def handlers(self) -> dict[Op, Handler]:
        return {
            Op.TLS_CONTEXT: self._context,
            Op.TLS_TRUST: self._trust,
            Op.TLS_SHOW: self._show,
            Op.TLS_WRAP: self._wrap,
            Op.TLS_SHAKE: self._shake,
            Op.TLS_KEY: self._key,
        }

    def _context(self, request: Request) -> Reply:
        if request.handle < 0:
            return Reply(int(self.has_keys))
        self._contexts.append(Context())
        return Reply(len(self._contexts))

    def _trust(self, request: Request) -> Reply:
        self._of(request.handle).trusted += (_checked(request.data, "invalid cert"),)
        return DONE

    def _show(self, request: Request) -> Reply:
        certificate, key = request.data[: request.a], request.data[request.a :]
        if not key:
            raise EspError(errno.EINVAL, "invalid key")
        self._of(request.handle).shown = _checked(certificate, "invalid cert")
        return DONE

    def _key(self, request: Request) -> Reply:
        context = self._of(request.handle)
        context.identity = request.data[: request.a].decode(errors="replace")
        context.key = request.data[request.a :]
        return DONE

    def _wrap_datagrams(self, socket: DatagramSocket, request: Request) -> Reply:
        """Nothing happens yet. `b`: whether the peer is verified."""
        context, host, verifies = self._of(request.a), request.text, bool(request.b)

        def believe(chain: tuple[bytes, ...]) -> None:
            self._net.clock.spend(HANDSHAKE_MS)
            if verifies and not context.key:
                self._believe(chain, context, host)

        shown = Credentials(context.shown, context.identity, context.key)
        self._sockets.datagrams.secure(request.handle, DtlsSession(self._net, socket, shown, believe))
        return DONE

    def _shake(self, request: Request) -> Reply | Wait:
        """A part of a handshake over datagrams: 1 when it is over, 0 when it goes on, which only a socket does that
        does not block (`a` 0)."""
        session = self._sockets.datagrams.session(request.handle)

        def ready() -> Reply | None:
            return Reply(1) if session.shake_hands(repeats=request.a == 0) else None

        def expired() -> Reply:
            if request.a:
                session.time_out()
            return Reply(0)

        return ready() or Wait(ready, expired, request.b)

    def _wrap(self, request: Request) -> Reply | Wait:
        """Blocks for two round trips and the chip's computing, as long as the socket's time-out allows."""
        if socket := self._sockets.datagrams.find(request.handle):
            return self._wrap_datagrams(socket, request)
        link = self._sockets.link(request.handle)
        context = self._of(request.a)
        self._net.greet(link)

        def ready() -> Reply | None:
            if link.is_secure:
                return DONE
            if link.state != "open" or link.is_ended:
                raise EspError(_CLOSED, "MBEDTLS_ERR_SSL_CONN_EOF")
            if link.peer and not link.is_judged:
                link.is_judged = True
                self._net.clock.spend(HANDSHAKE_MS)
                self._believe(link.peer, context, request.text)
                self._net.finish(link, context.shown)
            return None

        def expired() -> Reply:
            raise EspError(errno.ETIMEDOUT)

        return Wait(ready, expired, request.b)

    def _believe(self, peer: tuple[bytes, ...], context: Context, host: str) -> None:
        now = _EPOCH + datetime.timedelta(seconds=self._time_s())
        problem = judge(peer, context.trusted, host, now.replace(minute=0, second=0))
        if problem:
            raise EspError(_NOT_VERIFIED, problem)

    def _of(self, handle: int) -> Context:
        if not 0 < handle <= len(self._contexts):
            raise EspError(errno.EBADF)
        return self._contexts[handle - 1]


def _checked(certificate: bytes, problem: str) -> bytes:
    try:
        _parsed(certificate)
    except ValueError:
        raise EspError(errno.EINVAL, problem) from None
    return certificate


@functools.lru_cache(maxsize=256)
def _parsed(certificate: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate)


@functools.lru_cache(maxsize=1024)
def judge(peer: tuple[bytes, ...], trusted: tuple[bytes, ...], host: str, now: datetime.datetime) -> str:
    """What is wrong with the chain `peer` (leaf first), in mbedTLS's words; "" if it may be believed."""
    roots = [_parsed(certificate) for certificate in trusted]
    leaf, *between = (_parsed(certificate) for certificate in peer)
    chain = list(_chain(leaf, between, roots))
    if chain[-1] not in roots:
        return _UNKNOWN_ISSUER
    if any(certificate.not_valid_after_utc < now for certificate in chain):
        return _EXPIRED
    if any(certificate.not_valid_before_utc > now for certificate in chain):
        return _FUTURE
    return "" if any(_matches(name, host) for name in _names(leaf)) else _OTHER_NAME


def _chain(
    leaf: x509.Certificate, between: list[x509.Certificate], roots: list[x509.Certificate]
) -> Iterator[x509.Certificate]:
    """From the leaf upwards, as far as it goes; each certificate is used once."""
    current: x509.Certificate | None = leaf
    left = [*roots, *between]
    while current is not None:
        yield current
        if current in roots:
            return
        current = next((other for other in left if _issued(other, current)), None)
        if current is not None:
            left.remove(current)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        return True
    except (ValueError, TypeError, InvalidSignature):
        return False


def _names(leaf: x509.Certificate) -> list[str]:
    """The names of hosts that a certificate is for; without any the common name counts."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = names.get_values_for_type(x509.DNSName)
        return [*hosts, *map(str, names.get_values_for_type(x509.IPAddress))]
    except x509.ExtensionNotFound:
        return [str(name.value) for name in leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]


def _matches(name: str, host: str) -> bool:
    name, host = name.lower(), host.lower()
    if name.startswith("*.") and not _is_address(host):
        return host.partition(".")[2] == name[2:]
    return name == host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
        return True
    except ValueError:
        return False
