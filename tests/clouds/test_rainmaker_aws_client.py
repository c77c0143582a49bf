# SPDX-License-Identifier: MIT
"""Amazon's own MQTT 5 client against the RainMaker mock: what its device SDK for AWS IoT is made of."""

import base64
import json
import queue
from concurrent.futures import Future

import pytest
from awscrt import io, mqtt5

from tests.clouds import rm_peer
from tests.clouds.test_rainmaker_paho import DATA, NODE, WAIT_S, Site

QOS_1 = mqtt5.QoS.AT_LEAST_ONCE


class AwsClient:
    """`connack` and `settings` are what it has made of the answer to its CONNECT; `gone` of how a connection ended."""

    def __init__(self, site: Site) -> None:
        shown = site.authority.node(NODE)
        site.node.certificate = shown.der
        tls = io.TlsContextOptions.create_client_with_mtls(shown.cert, shown.key)
        tls.override_default_trust_store(site.authority.pem)
        self.messages: queue.Queue = queue.Queue()
        self.gone: queue.Queue = queue.Queue()
        accepted: Future = Future()
        options = mqtt5.ClientOptions(
            host_name="127.0.0.1",
            port=site.server.ports[1],
            tls_ctx=io.ClientTlsContext(tls),
            connect_options=mqtt5.ConnectPacket(client_id=NODE, keep_alive_interval_sec=10, username="?SDK=Test"),
            min_reconnect_delay_ms=60_000,
            on_publish_callback_fn=lambda got: self.messages.put(got.publish_packet),
            on_lifecycle_event_connection_success_fn=accepted.set_result,
            on_lifecycle_event_disconnection_fn=self.gone.put,
        )
        self.client = mqtt5.Client(options)
        self.client.start()
        answer = accepted.result(WAIT_S)
        self.connack, self.settings = answer.connack_packet, answer.negotiated_settings

    def subscribe(self, *names: str) -> list[int]:
        wanted = [mqtt5.Subscription(name, QOS_1) for name in names]
        return list(self.client.subscribe(mqtt5.SubscribePacket(wanted)).result(WAIT_S).reason_codes)

    def publish(self, topic: str, payload: dict) -> Future:
        """`result().puback` is the answer."""
        return self.client.publish(mqtt5.PublishPacket(topic=topic, payload=json.dumps(payload), qos=QOS_1))

    def say(self, topic: str, payload: dict) -> int:
        """The reason in the PUBACK."""
        return self.publish(topic, payload).result(WAIT_S).puback.reason_code

    def get(self) -> dict:
        return json.loads(self.messages.get(timeout=WAIT_S).payload)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, 5).start()
    yield site
    site.stop()


@pytest.fixture
def client(site):
    client = AwsClient(site)
    yield client
    client.client.stop()


def test_client_learns_the_limits_of_aws_iot(client):
    assert client.connack.reason_code == 0
    assert not client.connack.session_present
    assert client.settings.maximum_qos == QOS_1
    assert client.settings.server_keep_alive_sec == 30  # it wanted 10


def test_whole_image_over_a_stream_in_json(site, client):
    assert client.subscribe(f"node/{NODE}/otaurl") == [1]
    site.job()
    assert client.say(f"$aws/rules/esp_node_config/node/{NODE}/config", rm_peer.config()) == 0
    assert client.say(f"$aws/rules/esp_node_otafetch/node/{NODE}/otafetch", {"node_id": NODE}) == 0
    offer = client.get()
    stream = f"$aws/things/{NODE}/streams/{offer['stream_id']}"
    assert client.subscribe(*(f"{stream}/{what}/json" for what in ("data", "description", "rejected"))) == [1, 1, 1]
    client.say(f"{stream}/describe/json", {"c": "token"})
    assert client.get() == {"s": 1, "d": "fw.bin", "r": [{"f": 1, "z": len(DATA)}], "c": "token"}
    size, image = 16_384, {}
    total = -(-offer["file_size"] // size)
    for first in range(0, total, 8):
        client.say(f"{stream}/get/json", {"f": 1, "l": size, "o": first, "n": 8})
        for _ in range(min(8, total - first)):
            block = client.get()
            image[block["i"]] = base64.b64decode(block["p"])
    assert b"".join(image[index] for index in range(total)) == DATA
    client.say(f"{stream}/get/json", {"f": 2, "l": size})
    assert client.get()["o"] == "ResourceNotFound"


def test_topic_of_another_ends_the_connection_and_says_why(client):
    client.publish("node/OTHER/otafetch", {})
    assert client.gone.get(timeout=WAIT_S).disconnect_packet.reason_code == mqtt5.DisconnectReasonCode.NOT_AUTHORIZED
