# SPDX-License-Identifier: MIT
"""Provisioning and claiming over MQTT and HTTP (thingsboard.md 6.2, 6.3: M22)."""

import json

import pytest

from simulator.clouds.thingsboard import Profile, credentials, provisioning
from tests.clouds.peer import HttpPeer

NOT_FOUND = {"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"}
FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}
KEYS = {"provisionDeviceKey": "K", "provisionDeviceSecret": "S"}


@pytest.fixture(autouse=True)
def profile(cloud) -> Profile:
    """Of devices that may create themselves."""
    profile = cloud.default_profile
    profile.provision_type, profile.provision_key, profile.provision_secret = provisioning.CREATE, "K", "S"
    return profile


@pytest.fixture
def strict(cloud) -> Profile:
    """Of devices that have to be there; "ready" is."""
    profile = Profile(
        "strict", provision_type=provisioning.CHECK, provision_key="K2", provision_secret="S2", ack_bad_payload=True
    )
    cloud.add_device("ready", "GIVEN", profile)
    return profile


@pytest.fixture(params=["mqtt", "http"])
def ask(request, world, level, door):
    """Asks for credentials over either transport; the answer."""

    def over_mqtt(**fields) -> dict:
        peer = world.peer(level, username="provision")
        assert peer.subscribe("/provision/response") == [1]
        (answer,) = peer.publish("/provision/request", json.dumps(fields)).messages("/provision/response")
        return json.loads(answer)

    def over_http(**fields) -> dict:
        answer = HttpPeer(world, door).post("/api/v1/provision", json.dumps(fields))
        assert answer.status == 200
        return answer.json()

    return over_mqtt if request.param == "mqtt" else over_http


def test_m22_new_device_gets_an_invented_token_that_works(ask, cloud, world, level):
    answer = ask(deviceName="dev-7", **KEYS)
    token = answer.pop("credentialsValue")
    assert answer == {"credentialsType": "ACCESS_TOKEN", "status": "SUCCESS"}
    assert len(token) == 20
    assert cloud.devices["dev-7"].token == token
    assert world.peer(level, username=token).take()[0]["code"] == 0


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        ({"credentialsType": "ACCESS_TOKEN", "token": "MINE"}, "MINE"),
        (
            {"credentialsType": "MQTT_BASIC", "clientId": "c", "username": "u", "password": "p"},
            {"clientId": "c", "userName": "u", "password": "p"},
        ),
        ({"credentialsType": "MQTT_BASIC", "clientId": None, "username": "u"}, {"userName": "u"}),
        ({"credentialsType": "X509_CERTIFICATE", "hash": "-----BEGIN CERTIFICATE-----\nMI\nIB\n"}, "MIIB"),
    ],
)
def test_m22_device_brings_credentials_of_its_own(ask, cloud, wanted, value):
    answer = ask(deviceName="new", **KEYS, **wanted)
    kind = wanted["credentialsType"]
    assert answer == {"credentialsValue": value, "credentialsType": kind, "status": "SUCCESS"}
    assert cloud.devices["new"].credentials.type == kind


def test_m22_device_without_a_name_gets_one(ask, cloud):
    before = set(cloud.devices)
    assert ask(**KEYS)["status"] == "SUCCESS"
    (name,) = set(cloud.devices) - before
    assert len(name) == 20


def test_m22_new_device_is_queued_for_its_profiles_package(ask, cloud, profile, world):
    world.do(cloud.assign, profile, cloud.add_package("t", "1", data=b"x"))
    ask(deviceName="new", **KEYS)
    assert cloud.latest(cloud.devices["new"], "fw_state") == "QUEUED"


@pytest.mark.parametrize("keys", [{"provisionDeviceKey": "no"}, {"provisionDeviceSecret": "no"}])
def test_m22_wrong_key_or_secret_is_not_found(ask, cloud, keys):
    assert ask(deviceName="new", **{**KEYS, **keys}) == NOT_FOUND
    assert "new" not in cloud.devices


def test_m22_profile_that_lets_nobody_in_is_not_found(ask, profile):
    profile.provision_type = "DISABLED"
    assert ask(deviceName="new", **KEYS) == NOT_FOUND


@pytest.mark.parametrize(
    "wanted",
    [
        {"deviceName": "dev"},
        {"deviceName": "  "},
        {"deviceName": "new", "token": "T"},
        {"deviceName": "new", "credentialsType": "MQTT_BASIC"},
        {"deviceName": "new", "credentialsType": "MQTT_BASIC", "clientId": "c", "password": "p"},
        {"deviceName": "new", "credentialsType": "X509_CERTIFICATE"},
    ],
)
def test_m22_name_or_credentials_that_cannot_be_are_a_failure(ask, cloud, wanted):
    assert ask(**KEYS, **wanted) == FAILURE
    assert list(cloud.devices) == ["dev"]


def test_m22_second_attempt_of_a_name_fails(ask):
    assert ask(deviceName="new", **KEYS)["status"] == "SUCCESS"
    assert ask(deviceName="new", **KEYS) == FAILURE


def test_m22_prepared_device_gets_what_was_prepared_once(ask, strict, cloud):
    keys = {"provisionDeviceKey": "K2", "provisionDeviceSecret": "S2"}
    assert ask(deviceName="other", **keys) == FAILURE
    assert ask(deviceName="dev", **keys) == FAILURE  # it is another profile's
    assert ask(**keys) == FAILURE
    success = {"credentialsValue": "GIVEN", "credentialsType": "ACCESS_TOKEN", "status": "SUCCESS"}
    assert ask(deviceName=" ready ", token="ignored", **keys) == success
    assert cloud.devices["ready"].server == {"provisionState": "provisioned"}
    assert ask(deviceName="ready", **keys) == FAILURE


# The session over MQTT


@pytest.mark.parametrize("login", [{"username": "provision"}, {"username": None, "client": "provision"}])
def test_m22_login_is_the_name_in_either_field(world, level, login):
    peer = world.peer(level, **login)
    assert peer.take() == [{"kind": "connack", "session_present": 0, "code": 0}]
    peer.send(b"\xc0\0")
    assert peer.take() == [{"kind": "pingresp"}]
    peer.send(b"\xe0\0")
    assert peer.closed


def test_m22_other_filters_are_refused(world, level):
    peer = world.peer(level, username="provision")
    refused = 0x8F if level == 5 else 0x80
    assert peer.subscribe("v1/devices/me/attributes", "/provision/response", "#") == [refused, 1, refused]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("v1/devices/me/telemetry", "{}"),
        ("/provision/response", "{}"),
        ("/provision/request", "{"),
        ("/provision/request", "[]"),
        ("/provision/request", '{"provisionDeviceKey": "K"}'),
        ("/provision/request", '{"provisionDeviceSecret": "S", "provisionDeviceKey": null}'),
        ("/provision/request", json.dumps({**KEYS, "credentialsType": "PSK"})),
        ("/provision/request", json.dumps({**KEYS, "deviceName": ["a"]})),
    ],
)
def test_m22_other_topics_and_missing_fields_close(world, level, topic, payload):
    peer = world.peer(level, username="provision")
    peer.take()
    peer.publish(topic, payload)
    assert peer.closed
    assert [e["kind"] for e in peer.take()] == ["disconnect"] * (level == 5)


def test_m22_puback_then_answer_then_a_minute_then_the_end(world, level):
    peer = world.peer(level, username="provision")
    peer.take()
    peer.publish("/provision/request", json.dumps(KEYS))
    assert [e["kind"] for e in peer.take()] == ["puback", "publish"]
    world.wait(59_999)
    assert not peer.closed
    world.wait(1)
    assert peer.closed


# Claiming


@pytest.fixture(params=["mqtt", "http"])
def offer(request, world, level, web):
    """Offers the device over either transport; True if the server said yes."""

    def over_mqtt(payload: str) -> bool:
        peer = world.peer(level)
        peer.take()
        return [e.get("reason") for e in peer.publish("v1/devices/me/claim", payload).take()] == [0]

    def over_http(payload: str) -> bool:
        return web.post("claim", payload).status == 200

    return over_mqtt if request.param == "mqtt" else over_http


@pytest.mark.parametrize(
    ("payload", "secret", "for_ms"),
    [
        ('{"secretKey": "abc", "durationMs": 60000}', "abc", 60_000),
        ('{"secretKey": "abc"}', "abc", 86_400_000),
        ('{"durationMs": 1000}', "", 1000),
        ("{}", "", 86_400_000),
        ("", "", 86_400_000),
    ],
)
def test_m22_device_can_be_claimed_with_its_secret_in_time(offer, cloud, device, world, payload, secret, for_ms):
    assert offer(payload)
    assert cloud.claim("dev", secret + "x", "eve", world.now_ms) == "FAILURE"
    world.wait(for_ms - 1)
    assert cloud.claim("dev", secret, "ann", world.now_ms) == "SUCCESS"
    assert device.owner == "ann"
    assert cloud.claim("dev", secret, "bob", world.now_ms) == "CLAIMED"


def test_m22_claim_too_late_or_of_nobody_fails(offer, cloud, device, world):
    assert cloud.claim("dev", "", "ann", world.now_ms) == "FAILURE"
    offer('{"durationMs": 1000}')
    world.wait(1000)
    assert cloud.claim("dev", "", "ann", world.now_ms) == "FAILURE"
    assert cloud.claim("nobody", "", "ann", world.now_ms) == "FAILURE"
    assert device.owner is None


def test_m22_device_that_is_claimed_learns_nothing_of_it(offer, cloud, device, world):
    offer('{"secretKey": "1"}')
    cloud.claim("dev", "1", "ann", world.now_ms)
    assert offer('{"secretKey": "2"}')
    assert device.owner == "ann"
    assert device.offer is None


@pytest.mark.parametrize("payload", ["[]", '{"durationMs": "long"}', '{"secretKey": {}}'])
def test_m22_claim_that_cannot_be_read_is_refused(offer, device, payload):
    assert not offer(payload)
    assert device.offer is None


def test_credentials_of_the_new_device_are_not_shown_in_events(ask, cloud):
    token = ask(deviceName="new", **KEYS)["credentialsValue"]
    assert token not in json.dumps(cloud.events)
    assert credentials.access_token(token) == cloud.devices["new"].credentials
