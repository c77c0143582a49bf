# SPDX-License-Identifier: MIT
"""Calls from the server to the device over MQTT (thingsboard.md 6.1)."""

import json

import pytest

FILTER = "v1/devices/me/rpc/request/+"


@pytest.fixture
def ended() -> list:
    return []


@pytest.fixture
def call(cloud, device, world, ended):
    """Calls the device; `ended` gets what has come to its end."""

    def start(method: str = "blink", params: object = None, **more):
        started = cloud.call(device, method, params, world.now_ms, on_end=ended.append, **more)
        world.deliver()
        return started

    return start


@pytest.fixture
def peer(world, level):
    peer = world.peer(level)
    peer.subscribe(FILTER)
    return peer


@pytest.mark.parametrize(
    ("filter_", "request_topic", "answer_topic"),
    [
        (FILTER, "v1/devices/me/rpc/request/", "v1/devices/me/rpc/response/"),
        ("v2/r/req/+", "v2/r/req/", "v2/r/res/"),
        ("v2/r/req/j/+", "v2/r/req/j/", "v2/r/res/j/"),
    ],
)
def test_device_is_called_and_answers(peer, call, ended, filter_, request_topic, answer_topic):
    peer.subscribe(filter_)
    for number, params in enumerate(({"n": 3}, [1, None], "text", None, False)):
        started = call("blink", params)
        (message,) = peer.take("publish")
        assert message["topic"] == f"{request_topic}{number}"
        assert json.loads(message["payload"]) == {"method": "blink", "params": params}
        assert started.state == "SENT"
        peer.publish(f"{answer_topic}{number}", '{"ok": true}')
        assert [e["kind"] for e in peer.take()] == ["puback"]
        assert ended.pop() is started
        assert (started.state, started.answer) == ("ANSWERED", '{"ok": true}')


def test_call_without_an_answer_times_out(peer, call, ended, world):
    started = call(timeout_ms=5000)
    world.wait(4999)
    assert ended == []
    world.wait(1)
    assert ended == [started]
    assert started.state == "TIMEOUT"
    peer.publish("v1/devices/me/rpc/response/0", "{}")
    assert (started.state, started.answer) == ("TIMEOUT", None)


def test_one_way_call_ends_when_it_is_sent(peer, call, ended, world):
    started = call(is_oneway=True)
    assert ended == [started]
    assert started.state == "SENT"
    world.wait(60_000)
    assert ended == [started]


def test_call_of_an_offline_device_waits_for_its_subscription(call, ended, world, level):
    first, second = call("first"), call("second", is_oneway=True)
    peer = world.peer(level)
    peer.take()
    assert (first.state, second.state) == ("WAITING", "WAITING")
    peer.send_subscribe(FILTER)
    sent = peer.take()
    assert [e["kind"] for e in sent] == ["suback", "publish", "publish"]
    assert [json.loads(e["payload"])["method"] for e in sent[1:]] == ["first", "second"]
    assert ended == [second]


def test_call_that_is_not_answered_comes_again_with_the_next_subscription(peer, call, world, level):
    call()
    peer.take()
    again = world.peer(level)
    again.take()
    again.send_subscribe(FILTER)
    assert [m["topic"] for m in again.take("publish")] == ["v1/devices/me/rpc/request/0"]


def test_call_that_nobody_hears_ends_without_a_connection(call, ended, world, level):
    started = call(timeout_ms=5000)
    world.wait(5000)
    assert started.state == "NO_ACTIVE_CONNECTION"
    peer = world.peer(level)
    peer.send_subscribe(FILTER)
    assert peer.take("publish") == []


def test_device_that_unsubscribes_is_called_no_more(peer, call):
    peer.unsubscribe(FILTER)
    assert call().state == "WAITING"
    assert peer.take() == []


@pytest.mark.parametrize("topic", ["v1/devices/me/rpc/response/7", "v1/devices/me/rpc/response/0"])
def test_answer_that_nobody_asked_for_is_taken(peer, topic, cloud):
    peer.publish(topic, "anything")
    assert [e["kind"] for e in peer.take()] == ["puback"]
    assert cloud.events[-1]["body"] == "anything"
