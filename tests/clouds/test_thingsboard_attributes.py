# SPDX-License-Identifier: MIT
"""Attributes, telemetry and calls to the server (thingsboard.md 2, 5.1, 6.1: M7, M20, M21)."""

import json

import pytest

from tests.clouds.peer import Peer


def ask(peer: Peer, body: dict, topic: str = "v1/devices/me/attributes/request/1") -> dict:
    peer.take()
    return json.loads(peer.publish(topic, json.dumps(body)).messages()[0])


def tell(peer: Peer, body: object) -> None:
    peer.publish("v1/devices/me/telemetry", json.dumps(body))


def test_m7_request_gives_the_keys_asked_for_and_no_empty_section(world, level, cloud, device):
    world.do(cloud.save_attributes, device, {"a": 1, "b": "x", "c": True})
    device.client["c"] = 5
    peer = world.peer(level)
    assert ask(peer, {"sharedKeys": "a,b,zzz"}) == {"shared": {"a": 1, "b": "x"}}
    assert ask(peer, {"sharedKeys": "a", "clientKeys": "c"}) == {"shared": {"a": 1}, "client": {"c": 5}}
    assert ask(peer, {"clientKeys": "a"}) == {}
    assert ask(peer, {"sharedKeys": ""}) == {}
    assert ask(peer, {}) == {"shared": {"a": 1, "b": "x", "c": True}, "client": {"c": 5}}


def test_m7_request_splits_keys_to_the_letter(world, level, cloud, device):
    world.do(cloud.save_attributes, device, {"a": 1, "b": 2})
    peer = world.peer(level)
    assert ask(peer, {"sharedKeys": "a, b"}) == {"shared": {"a": 1}}
    assert ask(peer, {"sharedKeys": ["b"]}) == {"shared": {"b": 2}}


def test_m7_without_attributes_everything_is_an_empty_object(world, level):
    assert ask(world.peer(level), {}) == {}


@pytest.mark.parametrize(
    ("request_topic", "answer"),
    [
        ("v1/devices/me/attributes/request/17", "v1/devices/me/attributes/response/17"),
        ("v2/a/req/17", "v2/a/res/17"),
        ("v2/a/req/j/17", "v2/a/res/j/17"),
    ],
)
def test_m7_answer_comes_on_the_variant_of_the_request(world, level, request_topic, answer):
    peer = world.peer(level).publish(request_topic, "{}")
    assert [m["topic"] for m in peer.take("publish")] == [answer]


def test_m7_puback_and_answer_come_in_either_order(world, level):
    peer = world.peer(level)
    orders = set()
    for _ in range(30):
        peer.take()
        peer.publish("v1/devices/me/attributes/request/1", "{}")
        orders.add(tuple(e["kind"] for e in peer.take()))
    assert orders == {("puback", "publish"), ("publish", "puback")}


def test_m20_object_array_and_ts_forms_are_stored(world, level, cloud, device):
    peer = world.peer(level)
    now = world.now_ms
    tell(peer, {"a": 1})
    tell(peer, [{"a": 2, "b": True}, {"ts": now + 5, "values": {"a": 3}}])
    tell(peer, {"ts": str(now + 6), "values": {"a": {"x": [1, 2.5]}}})
    assert cloud.history(device, "a") == [(now, 2), (now + 5, 3), (now + 6, {"x": [1, 2.5]})]
    assert cloud.history(device, "b") == [(now, True)]
    assert cloud.history(device, "never") == []


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("1.10", 1.1),
        ("2", 2),
        ("007", 7),
        ("-.5", -0.5),
        ("1.0", 1.0),
        ("1.2.3", "1.2.3"),
        ("v1", "v1"),
        ("", ""),
        ("1.", "1."),
        ("+1", "+1"),
        ("1e3", "1e3"),
        (" 1", " 1"),
        ("99999999999999999999", "99999999999999999999"),
        ("0.12345678901234567", "0.12345678901234567"),
        ("0." + "1" * 20_000, "0." + "1" * 20_000),
        (5, 5),
        (5.0, 5.0),
        (1e3, 1000.0),
        (False, False),
    ],
)
def test_m20_numeric_strings_are_cast(world, level, cloud, device, sent, stored):
    tell(world.peer(level), {"current_fw_version": sent})
    latest = cloud.latest(device, "current_fw_version")
    assert (type(latest), latest) == (type(stored), stored)


def test_m20_whole_number_in_exponent_form_is_an_integer(world, level, cloud, device):
    world.peer(level).publish("v1/devices/me/telemetry", '{"a": 1E3, "b": 123456789012345678901}')
    assert (cloud.latest(device, "a"), cloud.latest(device, "b")) == (1000, "123456789012345678901")


def test_m20_null_is_dropped(world, level, cloud, device):
    tell(world.peer(level), {"a": None, "b": 1})
    assert (cloud.history(device, "a"), cloud.latest(device, "b")) == ([], 1)


def test_m20_older_timestamp_does_not_replace_the_latest(world, level, cloud, device):
    peer = world.peer(level)
    tell(peer, {"fw_state": "INITIATED"})
    tell(peer, {"ts": 757_382_400_000, "values": {"fw_state": "DOWNLOADING"}})
    assert cloud.latest(device, "fw_state") == "INITIATED"
    assert [value for _, value in cloud.history(device, "fw_state")] == ["DOWNLOADING", "INITIATED"]


def test_m20_of_two_states_in_one_millisecond_one_vanishes(world, level, cloud, device):
    peer = world.peer(level)
    tell(peer, {"fw_state": "DOWNLOADED"})
    tell(peer, {"fw_state": "VERIFIED"})
    assert cloud.history(device, "fw_state") == [(world.now_ms, "VERIFIED")]


@pytest.mark.parametrize("topic", ["v1/devices/me/telemetry", "v2/t", "v2/t/j"])
def test_m20_every_json_telemetry_topic_works(world, level, cloud, device, topic):
    world.peer(level).publish(topic, '{"a":1}')
    assert cloud.latest(device, "a") == 1


def test_m21_session_limits_are_answered_at_once(world, level):
    peer = world.peer(level)
    peer.publish("v1/devices/me/rpc/request/3", '{"method":"getSessionLimits","params":{}}')
    assert json.loads(peer.messages("v1/devices/me/rpc/response/3")[0]) == {
        "maxPayloadSize": 65_536,
        "maxInflightMessages": 100,
        "rateLimits": {"messages": None, "telemetryMessages": None, "telemetryDataPoints": None},
    }


@pytest.mark.parametrize(
    ("topic", "method", "answer"),
    [
        ("v1/devices/me/rpc/request/3", "getTime", "v1/devices/me/rpc/response/3"),
        ("v2/r/req/3", "getSessionLimits", "v2/r/res/3"),
    ],
)
def test_m21_other_methods_time_out_after_a_minute(world, level, topic, method, answer):
    peer = world.peer(level)
    peer.publish(topic, json.dumps({"method": method, "params": 5}))
    world.wait(59_999)
    assert peer.take("publish") == []
    world.wait(1)
    assert [json.loads(body) for body in peer.messages(answer)] == [{"error": "timeout"}]


def test_m21_answer_of_the_device_to_a_call_is_taken(world, level, cloud):
    peer = world.peer(level)
    peer.take()
    peer.publish("v1/devices/me/rpc/response/9", "true")
    assert [e["kind"] for e in peer.take()] == ["puback"]
    assert cloud.events[-1]["event"] == "rpc_response"
