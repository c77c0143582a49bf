# SPDX-License-Identifier: MIT
"""Rate limits of a device: what counts, what a breach does, who is told (thingsboard.md 1.1, 1.4: M21, M23)."""

import json

import pytest

from simulator.clouds.thingsboard import RateLimits, ThingsBoard
from simulator.errors import UserError
from tests.clouds.peer import World

SUBSCRIBED = "v1/devices/me/attributes"


def world_with(**limits: str) -> World:
    cloud = ThingsBoard(seed=1, lookup_ms=(1, 1), rate_limits=RateLimits(**limits))
    device = cloud.add_device("dev", "T")
    world = World(cloud)
    world.do(cloud.assign, device, cloud.add_package("t", "1", data=bytes(1000)))
    world.wait(1000)
    return world


def log_in(world: World, level: int):
    peer = world.peer(level)
    peer.take()
    return peer


def ended(peer) -> bool:
    """Closed by the server; in version 5 with a reason."""
    return peer.closed and [e["reason"] for e in peer.take("disconnect")] == [0x83] * (peer.level == 5)


@pytest.mark.parametrize("text", ["", "10", "10:0", "0:10", "10:1,", "a:b", "10:1;60:60", "-1:1", "10 : 1"])
def test_rate_limit_that_makes_no_sense_is_refused(text):
    with pytest.raises(UserError) as refused:
        RateLimits(messages=text)
    assert refused.value.code == "bad_rate_limit"


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("v1/devices/me/telemetry", '{"a": 1}'),
        ("v1/devices/me/attributes", '{"a": 1}'),
    ],
)
def test_m23_telemetry_messages_beyond_the_limit_close(level, topic, payload):
    world = world_with(telemetry_messages="3:10")
    peer = log_in(world, level)
    for _ in range(3):
        peer.publish(topic, payload)
    assert [e["kind"] for e in peer.take()] == ["puback"] * 3
    peer.publish(topic, payload)
    assert ended(peer)
    assert "rate_limit" in [e["event"] for e in world.cloud.events]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("v1/devices/me/attributes/request/1", "{}"),
        ("v1/devices/me/rpc/request/1", '{"method": "m"}'),
        ("v1/devices/me/rpc/response/1", "{}"),
        ("v1/devices/me/claim", ""),
        ("v1/devices/me/telemetry", "{}"),  # no value in it: an ordinary message
    ],
)
def test_m23_other_messages_beyond_the_limit_close(level, topic, payload):
    world = world_with(messages="3:10")  # one goes for the login
    peer = log_in(world, level)
    for _ in range(2):
        peer.publish(topic, payload)
    assert not peer.closed
    peer.publish(topic, payload)
    assert ended(peer)


def test_m23_only_the_first_chunk_of_a_request_id_counts(level):
    world = world_with(messages="2:10")
    peer = log_in(world, level)
    for index in range(5):
        peer.chunk("1", index, 100)
    assert len(peer.messages()) == 5
    peer.chunk("2", 0, 100)
    assert ended(peer)
    assert peer.messages() == []


def test_m23_values_count_beside_messages(level):
    world = world_with(telemetry_messages="100:1", data_points="5:10")
    peer = log_in(world, level)
    peer.publish("v1/devices/me/telemetry", '[{"a": 1, "b": 2}, {"ts": 1, "values": {"a": 1, "b": 2}}]')
    peer.publish("v1/devices/me/telemetry", '{"a": null, "b": 1}')
    assert not peer.closed
    peer.publish("v1/devices/me/telemetry", '{"a": 1}')
    assert ended(peer)


def test_m23_what_was_spent_comes_back_evenly(level):
    world = world_with(telemetry_messages="4:2")
    peer = log_in(world, level)
    for _ in range(4):
        peer.publish("v1/devices/me/telemetry", '{"a": 1}')
    for wait_ms in (500, 500, 1000):
        world.wait(wait_ms)
        peer.publish("v1/devices/me/telemetry", '{"a": 1}')
    assert not peer.closed
    peer.publish("v1/devices/me/telemetry", '{"a": 1}')  # the other one of the last second
    assert not peer.closed
    world.wait(499)
    peer.publish("v1/devices/me/telemetry", '{"a": 1}')
    assert ended(peer)


def test_m23_every_limit_of_the_list_holds(level):
    world = world_with(telemetry_messages="2:1,3:60")
    peer = log_in(world, level)
    for _ in range(3):
        peer.publish("v1/devices/me/telemetry", '{"a": 1}')
        world.wait(1000)
    assert not peer.closed
    peer.publish("v1/devices/me/telemetry", '{"a": 1}')
    assert ended(peer)


def test_m23_new_connection_does_not_help_and_is_refused(level):
    world = world_with(messages="2:10")
    log_in(world, level)
    log_in(world, level)
    peer = world.peer(level)
    assert peer.closed
    assert [e["code"] for e in peer.take("connack")] == [0x9F if level == 5 else 3]
    world.wait(5000)
    assert [e["code"] for e in world.peer(level).take()] == [0]


def test_m23_subscribe_beyond_the_limit_is_granted_and_stays_silent(level):
    world = world_with(messages="1:10")
    cloud = world.cloud
    device = cloud.devices["dev"]
    peer = log_in(world, level)
    assert peer.subscribe(SUBSCRIBED, "v1/devices/me/rpc/request/+", "v2/fw/error") == [1, 1, 1]
    world.do(cloud.save_attributes, device, {"a": 1})
    world.do(cloud.call, device, "m", {})
    assert peer.take() == []
    assert not peer.closed
    world.wait(10_000)
    peer.subscribe(SUBSCRIBED)
    world.do(cloud.save_attributes, device, {"a": 2})
    assert [json.loads(m) for m in peer.messages()] == [{"a": 2}]


def test_m23_pings_and_unknown_topics_are_free(level):
    world = world_with(messages="1:10")
    peer = log_in(world, level)
    for _ in range(5):
        peer.send(b"\xc0\0").publish("no/such/topic")
    assert not peer.closed


def test_m23_another_device_has_limits_of_its_own(level):
    world = world_with(messages="1:10")
    world.cloud.add_device("other", "T2")
    log_in(world, level)
    assert [e["code"] for e in world.peer(level, username="T2").take()] == [0]


def test_m21_session_limits_tell_the_configured_rates_and_cost_nothing(level):
    world = world_with(messages="1:10", telemetry_messages="10:1,60:60", data_points="300:60")
    peer = log_in(world, level)
    peer.publish("v1/devices/me/rpc/request/1", '{"method": "getSessionLimits", "params": {}}')
    (answer,) = peer.messages("v1/devices/me/rpc/response/1")
    assert json.loads(answer) == {
        "maxPayloadSize": 65_536,
        "maxInflightMessages": 100,
        "rateLimits": {"messages": "1:10", "telemetryMessages": "10:1,60:60", "telemetryDataPoints": "300:60"},
    }
    assert not peer.closed
