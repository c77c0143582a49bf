# SPDX-License-Identifier: MIT
"""The main stories of a node over real sockets: paho-mqtt with its certificate, images over HTTPS and over a stream."""

import hashlib
import http.client
import json
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import cbor2
import paho.mqtt.client as paho
import pytest

from simulator.clouds.rainmaker import ImageStore, RainMaker
from simulator.clouds.rainmaker.pki import Authority, NodeCertificate
from simulator.clouds.server import Door, ThreadServer
from tests.clouds import rm_peer
from tests.clouds.paho_client import WAIT_S, Client

NODE, HOST = rm_peer.NODE, "127.0.0.1"
DATA = b"".join(number.to_bytes(3) for number in range(100_000))


def trust(authority: Authority, folder: Path, shown: NodeCertificate | None = None) -> ssl.SSLContext:
    """What a node's TLS has: the CA, and its own certificate if it has one."""
    context = ssl.create_default_context(cadata=authority.pem.decode())
    if shown:
        file = folder / "node.pem"
        file.write_bytes(shown.cert + shown.key)
        context.load_cert_chain(file)
    return context


class Site:
    """A RainMaker behind TLS; `connect()` is the node."""

    def __init__(self, folder: Path, version: int) -> None:
        self.folder = folder
        self.version = version
        self.authority = Authority()
        self.cloud = RainMaker(seed=3, connect_interval_ms=0)
        store = ImageStore(self.cloud)
        doors = Door(self.cloud, 0, self.authority.mqtt(HOST)), Door(store, 0, self.authority.https(HOST))
        self.server = ThreadServer(store, HOST, 0, *doors)
        self.clients: list[Client] = []

    def start(self) -> "Site":
        self.server.start()
        self.cloud.image_base = f"https://{HOST}:{self.server.ports[2]}"
        shown = self.authority.node(NODE)
        self.node = self.call(lambda now_ms: self.cloud.add_node(NODE, shown.der))
        self.tls = trust(self.authority, self.folder, shown)
        return self

    def call(self, act):
        return self.server.call(act)

    def connect(self) -> Client:
        client = Client(self.server.ports[1], self.version, None, client_id=NODE, tls=self.tls)
        self.clients.append(client)
        return client

    def job(self, **options):
        image = self.cloud.add_image("fw.bin", DATA, fw_version="1.5.0")
        return self.call(lambda now_ms: self.cloud.create_job("job", image, now_ms, nodes=(NODE,), **options))

    def download(self, url: str) -> bytes:
        parts = urlsplit(url)
        line = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=WAIT_S, context=trust(self.authority, self.folder)
        )
        line.request("GET", f"{parts.path}?{parts.query}")
        answer = line.getresponse()
        data = answer.read()
        line.close()
        assert answer.status == 200
        return data

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.server.stop()


@pytest.fixture(params=(paho.MQTTv311, paho.MQTTv5), ids=("mqtt3.1.1", "mqtt5"))
def site(request, tmp_path):
    site = Site(tmp_path, request.param).start()
    yield site
    site.stop()


def say(client: Client, what: str, payload: dict) -> int:
    return client.publish(f"$aws/rules/{rm_peer.RULES[what]}/node/{NODE}/{what}", payload)


def start(client: Client, fw_version: str) -> None:
    """What a node does first."""
    assert not client.connack.is_failure
    say(client, "config", rm_peer.config(fw_version=fw_version))
    assert client.subscribe(f"node/{NODE}/otaurl") == [1]


def fetch(client: Client, fw_version: str) -> dict:
    say(client, "otafetch", {"node_id": NODE, "fw_version": fw_version})
    topic, payload = client.get()
    assert topic == f"node/{NODE}/otaurl"
    return json.loads(payload)


def report(client: Client, offer: dict, status: str) -> None:
    say(client, "otastatus", {"ota_job_id": offer["ota_job_id"], "status": status, "additional_info": "..."})


def test_whole_update_over_https_with_paho(site):
    job = site.job()
    client = site.connect()
    start(client, "1.4.0")
    offer = fetch(client, "1.4.0")
    report(client, offer, "in-progress")
    data = site.download(offer["url"])
    assert (len(data), hashlib.md5(data).hexdigest()) == (offer["file_size"], offer["file_md5"])
    report(client, offer, "in-progress")
    client.close()

    client = site.connect()  # the new firmware
    report(client, offer, "success")
    start(client, "1.5.0")
    assert job.status == "finished"
    assert [entry.status for entry in job.node_jobs[NODE].history] == [
        "triggered",
        "started",
        "in-progress",
        "in-progress",
        "success",
    ]
    assert site.node.fw_version == "1.5.0"
    assert [event["node"] for event in site.cloud.events if event["event"] == "http"] == [NODE]


def test_whole_image_over_a_stream_with_paho(site):
    client = site.connect()
    start(client, "1.4.0")
    job = site.job(force_push=True)
    offer = json.loads(client.get()[1])
    assert offer["ota_job_id"] == job.id
    stream = f"$aws/things/{NODE}/streams/{offer['stream_id']}"
    assert client.subscribe(f"{stream}/data/cbor", f"{stream}/rejected/cbor") == [1, 1]
    image, size = {}, 4096
    total = -(-offer["file_size"] // size)
    for first in range(0, total, 16):
        client.publish(f"{stream}/get/cbor", cbor2.dumps({"f": 1, "l": size, "o": first, "b": b"\xff\xff", "n": 16}))
        for _ in range(min(16, total - first)):
            answer = cbor2.loads(client.get()[1])
            image[answer["i"]] = answer["p"]
    assert b"".join(image[index] for index in range(total)) == DATA


def test_second_connection_ends_the_first(site):
    first, second = site.connect(), site.connect()
    assert first.ended() == (0x8E if site.version == paho.MQTTv5 else 0x80)
    assert not second.connack.is_failure


def test_topic_of_another_ends_the_connection(site):
    client = site.connect()
    client.send("node/OTHER/otafetch", "{}")
    assert client.ended() == (0x87 if site.version == paho.MQTTv5 else 0x80)


def heard(site: Site, context: ssl.SSLContext) -> bytes:
    """What a connection brings before it ends, if it gets as far as that."""
    with socket.create_connection((HOST, site.server.ports[1]), WAIT_S) as raw:
        try:
            line = context.wrap_socket(raw, server_hostname=HOST)
            line.sendall(rm_peer.connect())
            return line.recv(100)
        except (ssl.SSLError, ConnectionError):
            return b""


@pytest.mark.parametrize("shown", ["nothing", "of another CA", "of nobody"])
def test_without_the_certificate_of_a_node_nobody_gets_in(tmp_path, shown):
    site = Site(tmp_path, paho.MQTTv311).start()
    certificate = {"of another CA": Authority().node(NODE), "of nobody": site.authority.node("NOBODY")}.get(shown)
    assert heard(site, trust(site.authority, tmp_path, certificate)) == b""
    site.stop()
    reasons = [event["reason"] for event in site.cloud.events if event["event"] == "refused"]
    assert reasons == ["unknown certificate"] * (shown == "of nobody")  # TLS itself refuses the others


def test_node_may_ask_for_mqtt_by_alpn(tmp_path):
    site = Site(tmp_path, paho.MQTTv311).start()
    site.tls.set_alpn_protocols(["x-amzn-mqtt-ca"])
    assert not site.connect().connack.is_failure
    assert site.clients[0].paho.socket().selected_alpn_protocol() == "x-amzn-mqtt-ca"
    site.stop()
