# SPDX-License-Identifier: MIT
"""Every M-item of thingsboard.md 8.2 once, probed by paho-mqtt over a real socket in both versions; HTTP too.

The files test_thingsboard_*.py have each item in full, in virtual time.
"""

import http.client
import json
import socket
import time
from collections.abc import Callable
from urllib.parse import urlencode

import mmh3
import paho.mqtt.client as paho
import pytest

from simulator.clouds import mqtt
from simulator.clouds.server import Door, ThreadServer
from simulator.clouds.thingsboard import HttpDoor, Profile, RateLimits, ThingsBoard, provisioning
from tests.clouds import peer
from tests.clouds.paho_client import WAIT_S, Client

PUSHES = "v1/devices/me/attributes"
TELEMETRY = "v1/devices/me/telemetry"
NAMES = ("title", "version", "ts", "state", "size", "checksum", "checksum_algorithm", "url", "tag")
NINE = {f"fw_{name}" for name in NAMES}


@pytest.fixture(params=(paho.MQTTv311, paho.MQTTv5), ids=("mqtt3.1.1", "mqtt5"))
def version(request) -> int:
    return request.param


def until(condition: Callable[[], object]) -> None:
    """Tries until it is true."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "never becomes true"
        time.sleep(0.002)


class Site:
    """A served mock with one device; `connect()` plays it, or another."""

    def __init__(self, version: int, **settings) -> None:
        self.version = version
        self.is_v5 = version == paho.MQTTv5
        self.cloud = ThingsBoard(seed=3, **{"queue_ms": 1, "queue_interval_ms": 0, **settings})
        self.device = self.cloud.add_device("dev", "T")
        self.server = ThreadServer(self.cloud, "127.0.0.1", 0, Door(HttpDoor(self.cloud)))
        self.clients: list[Client] = []

    def connect(self, token: str | None = "T", **login) -> Client:
        self.clients.append(Client(self.server.port, self.version, token, **login))
        return self.clients[-1]

    def call(self, act, *arguments) -> object:
        """An administrator's call, with the time as its last argument."""
        return self.server.call(lambda now_ms: act(*arguments, now_ms))

    def assign(self, title: str, data: bytes, target=None, **package) -> None:
        package = self.cloud.add_package(title, package.pop("version", "1"), data=data, **package)
        self.call(self.cloud.assign, target or self.device, package)

    def latest(self, key: str) -> object:
        return self.server.call(lambda now_ms: self.cloud.latest(self.device, key))

    def until(self, key: str, value: object) -> None:
        """Waits for a value in the telemetry."""
        until(lambda: self.latest(key) == value)

    def get(self, what: str, **query) -> tuple[int, bytes]:
        """GET of the HTTP device API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.ports[1], timeout=WAIT_S)
        connection.request("GET", f"/api/v1/{what}?{urlencode(query)}")
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.server.stop()


@pytest.fixture
def start(version):
    """Starts a site with settings of its own."""
    sites = []

    def run(**settings) -> Site:
        sites.append(Site(version, **settings))
        sites[-1].server.start()
        return sites[-1]

    yield run
    for site in sites:
        site.stop()


@pytest.fixture
def site(start) -> Site:
    return start()


@pytest.fixture
def device(site) -> Client:
    return site.connect()


def test_m1_any_password_and_client_id_with_a_good_token(site):
    assert not site.connect(password="x", client_id="y").connack.is_failure
    refused = site.connect("wrong")
    assert refused.connack.value == (0x86 if site.is_v5 else 0x87)  # paho tells 5 of 3.1.1 in words of version 5
    refused.ended()


def test_m2_listed_filters_only_and_qos_1_at_most(site, device):
    refused = 0x8F if site.is_v5 else 0x80
    wanted = (PUSHES, "v2/fw/response/+/chunk/+", "v2/fw/response/+", "v1/devices/me/+")
    assert device.subscribe(*wanted, qos=2) == [1, 1, refused, refused]


def test_m3_answers_and_errors_come_without_a_subscription_at_qos_1(site, device):
    site.assign("thermo", bytes(100))
    for topic, payload in (("v1/devices/me/attributes/request/1", "{}"), ("v2/fw/request/1/chunk/0", "50")):
        device.publish(topic, payload)
        assert device.messages.get(timeout=WAIT_S).qos == 1
    device.send("v2/fw/request/2/chunk/0", "70000")
    assert device.messages.get(timeout=WAIT_S).qos == 1


def test_m4_pushes_for_subscribed_sessions_without_replay(site, device):
    site.call(site.cloud.save_attributes, site.device, {"before": 1})
    device.subscribe(PUSHES)
    site.call(site.cloud.save_attributes, site.device, {"after": 1})
    assert device.get() == (PUSHES, b'{"after": 1}')
    assert device.is_quiet()


def test_m5_second_connection_closes_the_first(site, device):
    second = site.connect(client_id="second")
    assert device.ended() == (0x8E if site.is_v5 else 0x80)
    assert second.is_quiet()


def test_m6_wrong_topic_is_acknowledged_and_ignored(site, device):
    assert device.publish("v1/devices/me/telemetri", "{}") == (0x90 if site.is_v5 else 0)
    assert device.is_quiet()


def test_m6_bad_json_is_acknowledged_in_5_and_closes_before(site, device):
    if site.is_v5:
        assert device.publish(TELEMETRY, "{") == 0x99
        assert device.is_quiet()
    else:
        device.send(TELEMETRY, "{")
        device.ended()


def test_m7_attribute_request_by_keys_all_and_none(site, device):
    assert device.ask("v1/devices/me/attributes/request/1", {}) == b"{}"
    site.call(site.cloud.save_attributes, site.device, {"a": 1, "b": 2})
    device.publish(PUSHES, {"serial": "x"})
    asked = device.ask("v1/devices/me/attributes/request/2", {"sharedKeys": "a,none", "clientKeys": "none"})
    assert json.loads(asked) == {"shared": {"a": 1}}
    assert json.loads(device.ask("v1/devices/me/attributes/request/3", {})) == {
        "client": {"serial": "x"},
        "shared": {"a": 1, "b": 2},
    }


def test_m8_assignment_is_queued_then_initiated_then_pushed(site, device):
    device.subscribe(PUSHES)
    site.assign("thermo", bytes(100), tag="t")
    bodies = [json.loads(device.get()[1]) for _ in range(2)]
    assert {"deleted": ["fw_url"]} in bodies
    assert {"fw_title", "fw_version", "fw_tag", "fw_size", "fw_checksum", "fw_checksum_algorithm"} in map(set, bodies)
    history = site.server.call(lambda now_ms: site.cloud.history(site.device, "fw_state"))
    assert [state for _, state in history] == ["QUEUED", "INITIATED"]
    assert site.latest("target_fw_title") == "thermo"


def test_m9_unassignment_falls_back_to_the_profile_or_deletes_nine_keys(site, device):
    site.assign("of profile", bytes(10), site.device.profile)
    site.assign("own", bytes(10))
    site.until("target_fw_title", "own")
    site.until("fw_state", "INITIATED")
    device.subscribe(PUSHES)
    site.call(site.cloud.unassign, site.device, "FIRMWARE")
    bodies = [json.loads(device.get()[1]) for _ in range(2)]
    assert "of profile" in [body.get("fw_title") for body in bodies]
    site.call(site.cloud.unassign, site.device.profile, "FIRMWARE")
    (deleted,) = json.loads(device.get()[1]).values()
    assert set(deleted) == NINE


def test_m10_same_package_again_is_nothing(site, device):
    site.assign("thermo", bytes(10))
    site.until("fw_state", "INITIATED")
    device.subscribe(PUSHES)
    site.call(site.cloud.assign, site.device, site.cloud.packages[0])
    assert device.is_quiet()
    assert site.latest("fw_state") == "INITIATED"


def test_m11_size_and_package_stay_with_the_request_id_until_the_reconnect(site, device):
    site.assign("old", b"o" * 100)
    assert device.chunk(1, 0, 30) == b"o" * 30
    site.assign("new", b"n" * 100)
    assert device.chunk(1, 1, "") == b"o" * 30
    assert device.chunk(1, 1, "", prefix="sw") == b"o" * 30
    assert device.chunk(2, 1, 30) == b"n" * 30
    assert site.connect().chunk(1, 0, "") == b"n" * 100


def test_m12_whole_file_remainder_and_nothing_past_the_end(site, device):
    image = bytes(range(256)) * 300
    site.assign("thermo", image)
    assert device.chunk(1, 3, 0) == image
    assert [len(device.chunk(2, index, 30_000)) for index in range(4)] == [30_000, 30_000, 16_800, 0]


@pytest.mark.parametrize(
    ("package", "size", "error"),
    [
        (None, 4096, b"NOT_FOUND"),
        ({"url": "http://elsewhere/x"}, 4096, b"FAILURE"),
        ({"data": b"x"}, 65_537, b"PAYLOAD_TOO_LARGE"),
    ],
)
def test_m13_error_text_then_the_close_and_no_puback(site, device, package, size, error):
    if package:
        site.call(site.cloud.assign, site.device, site.cloud.add_package("t", "1", **package))
    device.send("v2/fw/request/1/chunk/0", str(size))
    assert device.get() == ("v2/fw/error", error)
    device.ended()
    assert device.pubacks.empty()


def test_m14_payload_that_is_no_integer_closes_without_a_message(site, device):
    site.assign("t", b"x")
    device.send("v2/fw/request/1/chunk/0", '"4096"')
    assert device.ended() == (0x8B if site.is_v5 else 0x80)
    assert device.messages.empty()


def test_m15_puback_comes_before_the_chunk(site):
    site.assign("t", b"x")
    level = 5 if site.is_v5 else 4
    none = b"\0" * site.is_v5
    with socket.create_connection(("127.0.0.1", site.server.port), WAIT_S) as raw:
        raw.sendall(peer.connect(level) + peer.packet(0x32, peer.text("v2/fw/request/1/chunk/0"), b"\0\7", none, b"1"))
        wanted = mqtt.connack(level, False, 0) + mqtt.puback(level, 7)
        wanted += mqtt.publish(level, "v2/fw/response/1/chunk/0", b"x", 1, 1)
        assert raw.makefile("rb").read(len(wanted)) == wanted


def test_m16_chunk_requests_do_not_count_as_activity(start):
    site = start(inactivity_ms=80)
    site.assign("t", bytes(100))
    device = site.connect()
    until(lambda: not device.gone.empty() or device.send("v2/fw/request/1/chunk/0", "1"))
    device.ended()


def test_m17_expired_and_pinned_is_empty_until_a_new_request_id(start):
    site = start(cache_ttl_ms=30)
    site.assign("t", b"x")
    device = site.connect()
    until(lambda: not device.chunk(1, 0, 1))
    assert [device.chunk(1, 0, 1), device.chunk(2, 0, 1)] == [b"", b"x"]


def test_m18_switch_shows_to_new_request_ids_before_the_attributes(start):
    site = start(queue_ms=60_000)
    site.assign("t", b"new")
    device = site.connect()
    assert device.chunk(1, 0, 3) == b"new"
    assert device.ask("v1/devices/me/attributes/request/1", {}) == b"{}"


def test_m19_http_statuses(site):
    assert site.get("wrong/firmware", title="t", version="1")[0] == 401
    assert site.get("T/firmware", title="t", version="1")[0] == 404
    site.assign("t & co/ü", b"x" * 100, version="1.0")
    name = {"title": "t & co/ü", "version": "1.0"}
    assert site.get("T/firmware", **{**name, "version": "1"})[0] == 400
    assert site.get("T/firmware", **name) == (200, b"x" * 100)
    assert site.get("T/firmware", **name, size=60, chunk=1) == (200, b"x" * 40)
    assert site.get("T/firmware", **name, size=50, chunk=2) == (200, b"")


def test_m20_telemetry_forms_casts_and_times(site, device):
    device.publish(TELEMETRY, [{"version": "1.10", "none": None}, {"ts": 5, "values": {"old": 1}}])
    device.publish(TELEMETRY, {"ts": 1, "values": {"version": "older"}})
    assert (site.latest("version"), site.latest("none"), site.latest("old")) == (1.1, None, 1)


def test_m21_session_limits_at_once_and_a_timeout_for_the_rest(start):
    device = start(rpc_timeout_ms=20).connect()
    limits = json.loads(device.ask("v1/devices/me/rpc/request/1", {"method": "getSessionLimits", "params": {}}))
    assert limits["maxPayloadSize"] == 65_536
    device.publish("v1/devices/me/rpc/request/2", {"method": "getTime", "params": {}})
    assert device.get() == ("v1/devices/me/rpc/response/2", b'{"error": "timeout"}')


def test_m22_provisioned_device_logs_in_and_is_claimed(site):
    profile = site.cloud.default_profile
    profile.provision_type, profile.provision_key, profile.provision_secret = provisioning.CREATE, "K", "S"
    fresh = site.connect("provision")
    assert fresh.subscribe("/provision/response") == [1]
    wanted = {"deviceName": "new", "provisionDeviceKey": "K", "provisionDeviceSecret": "S"}
    answer = json.loads(fresh.ask("/provision/request", wanted))
    assert answer["status"] == "SUCCESS"
    device = site.connect(answer["credentialsValue"])
    assert device.publish("v1/devices/me/claim", {"secretKey": "s"}) == 0
    assert site.call(site.cloud.claim, "new", "s", "ann") == "SUCCESS"


def test_m23_rate_limit_closes_the_connection(start):
    site = start(rate_limits=RateLimits(telemetry_messages="2:600"))
    device = site.connect()
    assert [device.publish(TELEMETRY, {"a": 1}) for _ in range(2)] == [0, 0]
    device.send(TELEMETRY, '{"a": 1}')
    assert device.ended() == (0x83 if site.is_v5 else 0x80)


@pytest.mark.parametrize(
    ("algorithm", "text"),
    [
        ("MD5", "25f9e794323b453885f5181f1b624d0b"),
        ("SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ("CRC32", "2639f4cb"),
        ("MURMUR3_32", mmh3.hash(b"123456789", signed=False).to_bytes(4, "little").hex()),
        ("MURMUR3_128", "a4cc66db5e64843c05a11e3ac7faf899"),
    ],
)
def test_m24_checksums_are_in_the_servers_notation(site, device, algorithm, text):
    device.subscribe(PUSHES)
    site.assign("t", b"123456789", algorithm=algorithm)
    bodies = [json.loads(device.get()[1]) for _ in range(2)]
    assert text in [body.get("fw_checksum") for body in bodies]


def test_m25_session_present_lies_and_nothing_was_kept(site):
    first = site.connect(clean=False)
    assert first.session_present
    first.subscribe(PUSHES)
    first.close()
    second = site.connect(clean=False)
    site.call(site.cloud.save_attributes, site.device, {"a": 1})
    assert second.is_quiet()


def test_m26_both_versions_are_spoken(site, device):
    assert not device.connack.is_failure
    connects = [e for e in site.cloud.events if e["event"] == "connect"]
    assert connects[0]["protocol"] == ("5" if site.is_v5 else "3.1.1")


def test_m27_faults_on_demand(site, device):
    site.assign("t", bytes(100))
    for rule in ("chunk=0:truncate=4", "chunk=0:corrupt", "chunk=0:empty"):
        site.server.call(lambda now_ms, rule=rule: site.cloud.add_fault(rule))
        assert device.chunk(1, 0, 10) != bytes(10)
    assert device.chunk(1, 0, 10) == bytes(10)
    site.server.call(lambda now_ms: site.cloud.add_fault("chunk:close"))
    device.send("v2/fw/request/1/chunk/0", "10")
    device.ended()


def test_m6_a_tolerant_profile_acknowledges_bad_json_in_both(site):
    site.cloud.add_device("other", "T2", Profile("tolerant", ack_bad_payload=True))
    device = site.connect("T2")
    assert device.publish(TELEMETRY, "{") == (0x99 if site.is_v5 else 0)
