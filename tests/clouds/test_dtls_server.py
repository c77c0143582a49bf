# SPDX-License-Identifier: MIT
"""DTLS in front of a core, against mbedTLS as a client; MicroPython's own client is in tests/device/test_dtls.py."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from mbedtls import tls, x509
from mbedtls.exceptions import TLSError

from simulator.board import datagrams
from simulator.clouds import dtls
from simulator.clouds.server import Door, ThreadServer
from simulator.errors import UserError
from simulator.faults.datagram_proxy import ThreadDatagramProxy
from tests.clouds.test_datagram_server import Shout
from tests.pki import Authority, der

KEY = bytes(range(16))


class Named(Shout):
    """Also remembers who has come: certificate, identity."""

    def __init__(self) -> None:
        super().__init__()
        self.who: list[tuple[bytes | None, str | None]] = []

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None, identity: str | None = None) -> None:
        super().open(conn, now_ms)
        self.who.append((certificate, identity))

    @property
    def heard(self) -> list[bytes | str]:
        return [what for _, what in self.seen if what != "open"]


class Client:
    """mbedTLS over a UDP socket, sans TLSWrappedSocket: a turn every 50 ms repeats what was lost."""

    def __init__(self, port: int, name: str | None = None, **settings) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.sock.settimeout(0.05)
        self._context = tls.ClientContext(tls.DTLSConfiguration(handshake_timeout_min=0.2, **settings))
        self._buffer = self._context.wrap_buffers(name)

    def shake_hands(self, within_s: float = 8) -> str:
        """The cipher suite. Raises TimeoutError."""
        end = time.monotonic() + within_s
        while self._buffer._handshake_state is not tls.HandshakeStep.HANDSHAKE_OVER:
            if time.monotonic() > end:
                raise TimeoutError
            try:
                self._buffer.do_handshake()
            except tls.WantWriteError:
                self._flush()
            except tls.WantReadError:
                self._flush()
                self._take()
        self._flush()
        return self._buffer.cipher()

    def ask(self, data: bytes) -> bytes:
        self._buffer.write(data)
        self._flush()
        record, end = bytearray(2000), time.monotonic() + 5
        while time.monotonic() < end:
            self._take()
            with suppress(tls.WantReadError):
                return bytes(record[: self._buffer.readinto(record, 2000)])
        raise TimeoutError

    def close(self) -> None:
        self._buffer.shutdown()
        self._flush()
        self.sock.close()

    def leave(self) -> None:
        """Without a word."""
        self.sock.close()

    def again(self, **settings) -> "Client":
        """As after a reset: the same port, and nothing is known any more."""
        other = Client.__new__(Client)
        other.sock = self.sock
        other._context = tls.ClientContext(tls.DTLSConfiguration(**settings))
        other._buffer = other._context.wrap_buffers(None)
        return other

    def _take(self) -> None:
        with suppress(TimeoutError):
            self._buffer.receive_from_network(self.sock.recv(4000))

    def _flush(self) -> None:
        out = self._buffer.peek_outgoing(1 << 16)
        self._buffer.consume_outgoing(len(out))
        for record in dtls._records(out):
            self.sock.send(record)


def keys(identity: str = "board-1", key: bytes = KEY) -> dict:
    return {"pre_shared_key": (identity, key), "validate_certificates": False}


def is_refused(client: Client) -> bool:
    """By an alert, or by nothing within a second."""
    try:
        client.shake_hands(1)
    except (TimeoutError, TLSError):
        return True
    finally:
        client.leave()
    return False


@contextmanager
def server(secured: dtls.Dtls) -> Iterator[tuple[Named, int]]:
    core = Named()
    with ThreadServer(Door(core, tls=secured)) as running:
        yield core, running.port


def test_a_shared_key_tells_who_comes() -> None:
    with server(dtls.with_keys({"board-1": KEY, "board-2": b"other"})) as (core, port):
        for identity, key in (("board-1", KEY), ("board-2", b"other")):
            with closing(Client(port, **keys(identity, key))) as client:
                assert "PSK" in client.shake_hands()
                assert [client.ask(b"hello"), client.ask(b"x" * 1200)] == [b"HELLO", b"X" * 1200]
        time.sleep(0.05)
        assert core.who == [(None, "board-1"), (None, "board-2")]
        assert core.heard == [b"hello", b"x" * 1200, "lost"] * 2, "a client that closes says so"


def test_the_suite_of_lwm2m_is_there() -> None:
    """TLS_PSK_WITH_AES_128_CCM_8 is mandatory (RFC 7925, 4.2); tinydtls has no other."""
    suite = "TLS-PSK-WITH-AES-128-CCM-8"
    with (
        server(dtls.with_keys({"board-1": KEY})) as (_, port),
        closing(Client(port, ciphers=(suite,), **keys())) as client,
    ):
        assert client.shake_hands() == suite


@pytest.mark.parametrize("wrong", [keys(key=b"wrong"), keys("nobody")], ids=["key", "identity"])
def test_nobody_comes_in_with_a_wrong_key(wrong: dict) -> None:
    with server(dtls.with_keys({"board-1": KEY})) as (core, port):
        assert is_refused(Client(port, **wrong)) and not core.seen
        with closing(Client(port, **keys())) as client:
            client.shake_hands()
            assert client.ask(b"a") == b"A"


@pytest.mark.parametrize("wanted", [False, True], ids=["its own only", "the client's, too"])
def test_certificates(wanted: bool) -> None:
    authority = Authority()
    chain, key = authority.pems("localhost")
    mine = authority.client("board-1")
    secured = dtls.with_certificate(chain, key, authority.pem if wanted else None)
    store = tls.TrustStore()
    store.add(x509.CRT.from_PEM(authority.pem.decode()))
    shown = {"certificate_chain": ((x509.CRT.from_PEM(mine["cert"].decode()),), dtls._key(mine["key"]))}
    with server(secured) as (core, port):
        with closing(Client(port, "localhost", trust_store=store, **(shown if wanted else {}))) as client:
            assert "ECDHE" in client.shake_hands()
            assert client.ask(b"hello") == b"HELLO"
        assert core.who == [(der(mine["cert"]) if wanted else None, None)]
        if wanted:
            assert is_refused(Client(port, "localhost", trust_store=store)) and len(core.who) == 1


def test_every_single_datagram_of_a_handshake_may_be_lost() -> None:
    with server(dtls.with_keys({"board-1": KEY})) as (core, port):
        for to_device in (False, True):
            for index in range(6):
                fault = datagrams.nth(index, datagrams.lost, to_device=to_device)
                with (
                    ThreadDatagramProxy(("127.0.0.1", port), 0, [fault]) as proxy,
                    closing(Client(proxy.port, **keys())) as client,
                ):
                    client.shake_hands()
                    if index < 3:
                        assert client.ask(b"hello") == b"HELLO", (to_device, index)
        assert len(core.who) == 12


def test_a_client_begins_anew_from_the_same_port() -> None:
    with server(dtls.with_keys({"board-1": KEY})) as (core, port):
        client = Client(port, **keys())
        client.shake_hands()
        assert client.ask(b"before") == b"BEFORE"
        with closing(client.again(**keys())) as later:
            later.shake_hands()
            assert later.ask(b"after") == b"AFTER"
        assert core.heard[:3] == [b"before", "lost", b"after"]


def test_junk_is_nobody() -> None:
    with server(dtls.with_keys({"board-1": KEY})) as (core, port):
        client = Client(port, **keys())
        for junk in (b"", b"\x16", b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\1\1", bytes(60), b"\x17\xfe\xfd" + bytes(50)):
            client.sock.send(junk)
        client.shake_hands()
        for junk in (b"\x40\1\0\1", b"\x17\xfe\xfd\0\1\0\0\0\0\0\7\0\4spam"):
            client.sock.send(junk)
        assert client.ask(b"hello") == b"HELLO"
        client.close()
        assert core.heard[0] == b"hello" and len(core.who) == 1


def test_what_is_no_certificate_is_said_in_one_line() -> None:
    with pytest.raises(UserError) as error:
        dtls.with_certificate(b"no PEM", b"no key")
    assert error.value.code == "bad_certificate"
