# SPDX-License-Identifier: MIT
"""MQTT basic and X.509 logins, and what becomes of a session when they change (thingsboard.md 1.1, 1.3: M1)."""

import base64
import datetime
import hashlib
import socket
import ssl
import threading

import paho.mqtt.client as paho
import pytest
import trustme

from simulator.clouds import mqtt, tls
from simulator.clouds.server import Door, ThreadServer
from simulator.clouds.thingsboard import ThingsBoard, credentials
from simulator.errors import UserError
from tests.clouds.peer import Peer, World

REFUSED = {4: 5, 5: 0x86}
WAIT_S = 10


def code(world: World, level: int, **login) -> int:
    (connack,) = world.peer(level, **login).take()
    return connack["code"]


@pytest.mark.parametrize(
    ("stored", "good", "bad"),
    [
        (
            {"username": "u"},
            [{"username": "u"}, {"username": "u", "client": "x", "password": "x"}],
            [{"username": "c"}],
        ),
        (
            {"username": "u", "password": "p"},
            [{"username": "u", "password": "p"}, {"username": "u", "client": "x", "password": "p"}],
            [{"username": "u"}, {"username": "u", "password": "x"}, {"username": "x", "password": "p"}],
        ),
        (
            {"client_id": "c"},
            [{"username": None, "client": "c"}],
            [{"username": None, "client": "x"}, {"username": "x", "client": "c"}],
        ),
        (
            {"client_id": "c", "username": "u"},
            [{"username": "u", "client": "c"}, {"username": "u", "client": "c", "password": "x"}],
            [{"username": "u", "client": "x"}, {"username": None, "client": "c"}, {"username": "x", "client": "c"}],
        ),
        (
            {"client_id": "c", "username": "u", "password": "p"},
            [{"username": "u", "client": "c", "password": "p"}],
            [{"username": "u", "client": "c"}, {"username": "u", "client": "c", "password": "x"}],
        ),
    ],
)
def test_m1_every_stored_field_of_mqtt_basic_must_be_the_same(level, stored, good, bad):
    cloud = ThingsBoard()
    cloud.add_device("dev", credentials.mqtt_basic(**stored))
    world = World(cloud)
    assert [code(world, level, **login) for login in good] == [0] * len(good)
    assert 0 not in [code(world, level, **login) for login in bad]


def test_m1_login_of_both_fields_does_not_fall_back_to_the_user_name(level):
    cloud = ThingsBoard()
    cloud.add_device("token", "u")
    cloud.add_device("basic", credentials.mqtt_basic("c", "u", "p"))
    world = World(cloud)
    assert code(world, level, username="u", client="c", password="wrong") == REFUSED[level]
    assert code(world, level, username="u", client="other") == 0


@pytest.mark.parametrize("fields", [{}, {"password": "p"}, {"client_id": "c", "password": "p"}])
def test_mqtt_basic_that_the_server_refuses_to_store(fields):
    with pytest.raises(UserError) as refused:
        credentials.mqtt_basic(**fields)
    assert refused.value.code == "bad_credentials"


def test_x509_id_is_the_sha3_of_the_bare_base64():
    authority = trustme.CA()
    pem = authority.issue_cert("dev").cert_chain_pems[0].bytes().decode()
    body = base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()
    stored = credentials.x509(pem)
    assert stored.value == body
    assert stored.id == hashlib.sha3_256(body.encode()).hexdigest()
    assert credentials.x509(pem.replace("\n", "\r\n")) == stored


class Certificates:
    """Client certificates of one CA; `der(name)` makes one."""

    def __init__(self) -> None:
        self.ca = trustme.CA()

    def issue(self, name: str, **dates) -> tuple[str, bytes]:
        pem = self.ca.issue_cert(name, **dates).cert_chain_pems[0].bytes().decode()
        return pem, ssl.PEM_cert_to_DER_cert(pem)


def connect_with(world: World, level: int, der: bytes, **login) -> int:
    (connack,) = Peer(world, level, der).connect(**login).take()
    return connack["code"]


def test_m1_certificate_alone_says_who_it_is(level):
    issued = Certificates()
    (pem, der), (_, stranger) = issued.issue("dev"), issued.issue("stranger")
    cloud = ThingsBoard()
    cloud.add_device("dev", credentials.x509(pem))
    cloud.add_device("other", "T")
    world = World(cloud, now_ms=int(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp() * 1000))
    assert connect_with(world, level, der, username="T", client="x") == 0
    assert cloud.devices["dev"].session
    assert connect_with(world, level, der, username=None) == 0
    refused = 0x87 if level == 5 else 5
    assert connect_with(world, level, stranger, username="T") == refused
    assert code(world, level, username=cloud.devices["dev"].credentials.id) == REFUSED[level]


def test_m1_certificate_of_another_time_is_refused(level):
    noon = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
    pem, der = Certificates().issue("dev", not_before=noon, not_after=noon + datetime.timedelta(hours=1))
    cloud = ThingsBoard()
    cloud.add_device("dev", credentials.x509(pem))
    world = World(cloud, now_ms=int(noon.timestamp() * 1000) - 1)
    refused = 0x87 if level == 5 else 5
    assert connect_with(world, level, der) == refused
    world.wait(1)
    assert connect_with(world, level, der) == 0
    world.wait(3_600_001)
    assert connect_with(world, level, der) == refused


def test_m5_changed_credentials_and_a_deleted_device_end_the_session(world, level, cloud, device):
    peer = world.peer(level)
    peer.take()
    cloud.tenant.set_credentials(device, credentials.access_token("NEW"))
    world.deliver()
    assert peer.closed
    assert [e["reason"] for e in peer.take()] == [0x98] * (level == 5)
    assert code(world, level, username="T") == REFUSED[level]
    peer = world.peer(level, username="NEW")
    peer.take()
    cloud.tenant.delete_device(device)
    world.deliver()
    assert [e["reason"] for e in peer.take()] == [0x98] * (level == 5)
    assert peer.closed


# Over real sockets


class Device:
    """paho-mqtt with a certificate or without, which trusts `ca`."""

    def __init__(self, port: int, ca: bytes, issued: trustme.LeafCert | None = None, token: str | None = None) -> None:
        context = ssl.create_default_context(cadata=ca.decode())
        if issued:
            issued.configure_cert(context)
        self.answered = threading.Event()
        self.connack = None
        self.paho = paho.Client(paho.CallbackAPIVersion.VERSION2, "board", protocol=paho.MQTTv311)
        self.paho.tls_set_context(context)
        if token:
            self.paho.username_pw_set(token)
        self.paho.on_connect = self._connected
        self.paho.connect("localhost", port)
        self.paho.loop_start()
        assert self.answered.wait(WAIT_S)

    def _connected(self, _client, _userdata, _flags, reason, _properties) -> None:
        self.connack = reason
        self.answered.set()

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


def log_in(port: int, ca: bytes, **login) -> str:
    device = Device(port, ca, **login)
    device.close()
    return str(device.connack)


def test_m1_token_and_certificate_over_tls(tmp_path):
    clients, file = trustme.CA(), tmp_path / "clients.pem"
    clients.cert_pem.write_to_path(file)
    known, stranger = clients.issue_cert("known"), clients.issue_cert("stranger")
    cloud = ThingsBoard()
    cloud.add_device("token", "T")
    cloud.add_device("x509", credentials.x509(known.cert_chain_pems[0].bytes().decode()))
    context, ca = tls.throw_away("localhost")
    tls.ask_for_certificate(context, str(file))
    with ThreadServer(cloud, "127.0.0.1", 0, Door(cloud, 0, context)) as server:
        port = server.ports[1]
        assert log_in(port, ca, token="T") == "Success"
        assert log_in(port, ca, issued=known) == "Success"
        assert log_in(port, ca, issued=stranger, token="T") == "Not authorized"
        with pytest.raises(ssl.SSLError):
            log_in(port, trustme.CA().cert_pem.bytes(), token="T")
    assert [e["device"] for e in cloud.events if e["event"] == "connect"] == ["token", "x509"]


def test_tls_certificate_from_files_and_a_self_signed_client(tmp_path):
    server_ca, client = trustme.CA(), trustme.CA()  # a CA's own certificate is a self-signed one
    issued = server_ca.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    client.cert_pem.write_to_path(tmp_path / "client.pem")
    cloud = ThingsBoard()
    cloud.add_device("x509", credentials.x509(client.cert_pem.bytes().decode()))
    context = tls.from_files(str(tmp_path / "server.pem"), None)
    tls.ask_for_certificate(context, str(tmp_path / "client.pem"))
    with ThreadServer(cloud, "127.0.0.1", 0, Door(cloud, 0, context)) as server:
        own = trustme.LeafCert(client.private_key_pem.bytes(), client.cert_pem.bytes(), [])
        assert log_in(server.ports[1], server_ca.cert_pem.bytes(), issued=own) == "Success"


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_tls_files_that_cannot_be_used_are_an_error_of_the_user(tmp_path, text):
    file = tmp_path / "a.pem"
    if text:
        file.write_text(text)
    with pytest.raises(UserError) as refused:
        tls.from_files(str(file), None)
    assert refused.value.code == "bad_certificate"
    with pytest.raises(UserError) as refused:
        tls.ask_for_certificate(tls.throw_away("a")[0], str(file))
    assert refused.value.code == "bad_certificate"


def test_tls_port_that_hears_plain_mqtt_closes(tmp_path):
    cloud = ThingsBoard()
    with (
        ThreadServer(cloud, "127.0.0.1", 0, Door(cloud, 0, tls.throw_away("a")[0])) as server,
        socket.create_connection(("127.0.0.1", server.ports[1]), WAIT_S) as raw,
    ):
        raw.sendall(b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0")
        assert mqtt.connack(4, False, 0) not in raw.recv(100)
