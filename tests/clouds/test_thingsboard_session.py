# SPDX-License-Identifier: MIT
"""The mock as an end point: login, filters, unknown topics, ends (thingsboard.md 1; M1-M6, M16, M25, M26)."""

import json

import pytest

from simulator.clouds.thingsboard import Profile, ThingsBoard
from simulator.errors import UserError
from tests.clouds.peer import Peer, World, packet, text

REFUSED = {4: 5, 5: 0x86}


def ending(peer: Peer) -> int | None:
    """Asserts that the cloud closed; the reason it gave, which before version 5 is none."""
    assert peer.closed
    sent = peer.take("disconnect")
    return sent[0]["reason"] if sent else None


@pytest.mark.parametrize("login", [{}, {"password": "anything"}, {"client": ""}, {"client": "other", "password": ""}])
def test_m1_any_password_and_client_id_pass_with_a_valid_token(world, level, login):
    assert world.peer(level, **login).take() == [{"kind": "connack", "session_present": 0, "code": 0}]


@pytest.mark.parametrize(
    ("login", "code_311", "code_5"),
    [
        ({"username": "wrong"}, 5, 0x86),
        ({"username": "wrong", "password": "p"}, 5, 0x86),
        ({"username": None, "client": "c"}, 2, 0x85),
        ({"username": None, "client": ""}, 5, 0x87),
        ({"username": None, "client": " "}, 5, 0x87),
    ],
)
def test_m1_bad_credentials_are_refused_with_the_code_and_a_close(world, level, login, code_311, code_5):
    peer = world.peer(level, **login)
    assert peer.take() == [{"kind": "connack", "session_present": 0, "code": code_5 if level == 5 else code_311}]
    assert peer.closed
    assert world.cloud.events[-2]["event"] == "refused"


def test_m1_version_3_1_logs_in_too(world):
    assert world.peer(3).take()[0]["code"] == 0


@pytest.mark.parametrize(
    "name",
    [
        *("v1/devices/me/attributes", "v2/a", "v2/a/j", "v2/a/p"),
        *("v1/devices/me/attributes/response/+", "v2/a/res/+", "v2/a/res/j/+", "v2/a/res/p/+"),
        *("v1/devices/me/rpc/request/+", "v1/devices/me/rpc/response/+", "v2/r/req/+", "v2/r/req/j/+"),
        *("v2/fw/response/+/chunk/+", "v2/fw/error", "v2/sw/response/+/chunk/+", "v2/sw/error"),
    ],
)
def test_m2_known_filters_are_granted_with_qos_1_at_most(world, level, name):
    peer = world.peer(level)
    assert [peer.subscribe(name, qos=qos) for qos in (0, 1, 2)] == [[0], [1], [1]]


@pytest.mark.parametrize(
    "name",
    [
        *("#", "v2/fw/response/+", "v2/fw/response/#", "v2/fw/response/7/chunk/+", "v1/devices/me/telemetry"),
        *("v1/devices/me/attributes/response/1", "v1/devices/me/+", "$SYS/#", "", "/provision/response"),
    ],
)
def test_m2_other_filters_are_refused_and_the_session_lives(world, level, name):
    peer = world.peer(level)
    refused = 0x8F if level == 5 else 0x80
    assert peer.subscribe("v2/fw/error", name) == [1, refused]
    peer.send(b"\xc0\0")
    assert peer.take() == [{"kind": "pingresp"}]


def test_m3_answers_come_without_a_subscription_at_qos_1(world, level, cloud, device, firmware):
    world.do(cloud.assign, device, cloud.add_package("t", "1", data=firmware))
    peer = world.peer(level)
    peer.take()
    peer.publish("v1/devices/me/attributes/request/1", "{}").chunk("1", 0).publish("v2/sw/request/1/chunk/0", "99999")
    sent = peer.take("publish")
    assert [(m["topic"], m["qos"]) for m in sent] == [
        ("v1/devices/me/attributes/response/1", 1),
        ("v2/fw/response/1/chunk/0", 1),
        ("v2/fw/error", 1),
    ]


def test_m3_a_matching_filter_decides_the_qos(world, level, cloud, device, firmware):
    world.do(cloud.assign, device, cloud.add_package("t", "1", data=firmware))
    peer = world.peer(level)
    peer.subscribe("v2/fw/response/+/chunk/+", qos=0)
    assert [m["qos"] for m in peer.chunk("1", 0).take("publish")] == [0]


def test_m4_pushes_go_to_subscribed_sessions_only_and_are_never_replayed(world, level, cloud, device):
    peer = world.peer(level)
    world.do(cloud.save_attributes, device, {"before": 1})
    peer.subscribe("v1/devices/me/attributes")
    world.do(cloud.save_attributes, device, {"during": 2.5, "text": "x", "flag": True, "json": {"a": [1]}})
    peer.unsubscribe("v1/devices/me/attributes")
    world.do(cloud.save_attributes, device, {"after": 3})
    peer.subscribe("v1/devices/me/attributes")
    assert [e["body"] for e in cloud.events if e["event"] == "push"] == [
        {"during": 2.5, "text": "x", "flag": True, "json": {"a": [1]}}
    ]


def test_m4_deletion_names_what_never_existed_too(world, level, cloud, device):
    peer = world.peer(level)
    peer.subscribe("v1/devices/me/attributes")
    world.do(cloud.save_attributes, device, {"a": 1, "b": 2})
    peer.take()
    world.do(cloud.delete_attributes, device, ["a", "never"])
    assert sorted(json.loads(peer.messages()[0])["deleted"]) == ["a", "never"]
    assert device.shared == {"b": 2}


@pytest.mark.parametrize(("first", "last"), [("v1/devices/me/attributes", "v2/a"), ("v2/a", "v2/a/j")])
def test_m4_pushes_use_the_variant_subscribed_last_and_stop_with_any(world, level, cloud, device, first, last):
    peer = world.peer(level)
    peer.subscribe(first)
    peer.subscribe(last)
    world.do(cloud.save_attributes, device, {"a": 1})
    assert [m["topic"] for m in peer.take("publish")] == [last]
    peer.unsubscribe(first)
    world.do(cloud.save_attributes, device, {"a": 2})
    assert peer.take("publish") == []


def test_m4_a_client_gets_no_echo_of_its_own_attributes(world, level, device):
    peer = world.peer(level)
    peer.subscribe("v1/devices/me/attributes")
    peer.publish("v1/devices/me/attributes", '{"serial": "0012", "gone": null}')
    assert [e["kind"] for e in peer.take()] == ["puback"]
    assert device.client == {"serial": 12}


def test_m5_a_second_connection_of_the_device_closes_the_first(world, level):
    first = world.peer(level)
    first.take()
    second = world.peer(level, client="other")
    assert ending(first) == (0x8E if level == 5 else None)
    assert second.take()[0]["code"] == 0
    assert not second.closed


def test_m5_another_device_is_left_alone(world, level, cloud):
    cloud.add_device("other", "T2")
    first = world.peer(level)
    world.peer(level, username="T2")
    assert not first.closed


@pytest.mark.parametrize(
    "topic",
    ["v1/devices/me/telemetri", "v2/fw/request/a/chunk/0", "v2/fw/request/1/chunk/x", "v2/fw/request/1/chunk/-1"],
)
def test_m6_unknown_topic_gets_a_puback_and_nothing_else(world, level, topic):
    peer = world.peer(level)
    peer.take()
    peer.publish(topic, "4096")
    assert peer.take() == [{"kind": "puback", "packet_id": 1, "reason": 0x90 if level == 5 else 0}]
    assert not peer.closed


def test_m6_gateway_topic_of_a_plain_device_gets_no_puback(world, level):
    peer = world.peer(level)
    peer.take()
    peer.publish("v1/gateway/telemetry", "{}")
    assert peer.take() == []
    assert not peer.closed


BAD_BODIES = [
    ("v1/devices/me/telemetry", "{"),
    ("v1/devices/me/telemetry", ""),
    ("v1/devices/me/telemetry", "5"),
    ("v1/devices/me/telemetry", '[{"a":1},2]'),
    ("v1/devices/me/telemetry", '{"ts":"soon","values":{}}'),
    ("v1/devices/me/telemetry", '{"ts":1,"values":5}'),
    ("v1/devices/me/telemetry", '{"ts":true,"values":{}}'),
    ("v1/devices/me/telemetry", '{"a":NaN}'),
    ("v1/devices/me/telemetry", '{"a":1e999999999}'),
    ("v1/devices/me/telemetry", b"\xff"),
    ("v1/devices/me/telemetry", "[" * 60_000),
    ("v2/t/p", '{"a":1}'),
    ("v1/devices/me/attributes", "[]"),
    ("v1/devices/me/attributes/request/1", ""),
    ("v1/devices/me/attributes/request/1", '"fw_title"'),
    ("v1/devices/me/attributes/request/x", "{}"),
    ("v1/devices/me/attributes/request/1", '{"sharedKeys":["a","b"]}'),
    ("v1/devices/me/attributes/request/1", '{"sharedKeys":null}'),
    ("v1/devices/me/rpc/request/1", '{"params":{}}'),
]


@pytest.mark.parametrize(("topic", "payload"), BAD_BODIES)
def test_m6_bad_json_closes_in_3_1_1_and_is_answered_in_5(world, level, topic, payload):
    peer = world.peer(level)
    peer.take()
    peer.publish(topic, payload)
    if level == 5:
        assert peer.take() == [{"kind": "puback", "packet_id": 1, "reason": 0x99}]
        assert not peer.closed
    else:
        assert ending(peer) is None


def test_m6_bad_json_at_qos_0_closes_in_both_versions(world, level):
    peer = world.peer(level)
    peer.publish("v1/devices/me/telemetry", "{", qos=0)
    assert ending(peer) == (0x99 if level == 5 else None)


def test_m6_a_tolerant_profile_answers_bad_json_in_3_1_1(level):
    cloud = ThingsBoard()
    cloud.add_device("dev", "T", Profile("tolerant", ack_bad_payload=True))
    peer = World(cloud).peer(level)
    peer.publish("v1/devices/me/telemetry", "{")
    assert peer.take("puback")
    assert not peer.closed


@pytest.mark.parametrize(
    "data", [b"\xff\xff\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", packet(0x30, text("t"), b"x" * 65_536)]
)
def test_malformed_bytes_close_the_connection(world, level, data):
    peer = world.peer(level).send(data)
    assert ending(peer) == (0x81 if level == 5 else None)


def test_malformed_bytes_before_the_login_close_without_a_word(world, level):
    peer = Peer(world, level).send(b"GET / HTTP/1.1\r\n\r\n")
    assert peer.closed
    assert peer.received == b""


def test_packets_before_the_login_wait_for_it(world, device):
    peer = Peer(world, 4).publish("v1/devices/me/telemetry", '{"early":1}')
    assert peer.received == b""
    peer.connect()
    assert [e["kind"] for e in peer.take()] == ["connack", "puback"]
    assert device.telemetry.latest("early") == 1


def test_packets_before_the_login_stop_counting_when_one_ends_the_session(world, cloud, device):
    peer = Peer(world, 4).publish("v1/devices/me/telemetry", "{")
    peer.publish("v1/devices/me/telemetry", '{"late":1}').connect()
    assert peer.closed
    assert cloud.latest(device, "late") is None


def test_one_packet_too_many_before_the_login_closes(world, level):
    peer = Peer(world, level).send(b"\xc0\0" * 100)
    assert not peer.closed
    peer.send(b"\xc0\0")
    assert peer.closed


def test_publish_of_qos_2_gets_a_puback(world, level):
    peer = world.peer(level)
    peer.take()
    peer.publish("v1/devices/me/telemetry", "{}", qos=2)
    assert [e["kind"] for e in peer.take()] == ["puback"]


def test_disconnect_ends_the_session_quietly(world, level, device):
    peer = world.peer(level)
    peer.take()
    peer.send(b"\xe0\0")
    assert peer.closed
    assert peer.received == b""
    assert device.session is None
    assert world.cloud.events[-1] == {
        "event": "close",
        "at_ms": world.now_ms,
        "device": "dev",
        "conn": 1,
        "by": "device",
        "reason": "disconnect",
    }


def test_lost_connection_is_forgotten(world, level, cloud, device):
    peer = world.peer(level)
    peer.subscribe("v1/devices/me/attributes")
    cloud.lost(peer.conn, world.now_ms)
    cloud.take()
    world.do(cloud.save_attributes, device, {"a": 1})
    assert peer.take() == []
    cloud.feed(peer.conn, b"\xc0\0", world.now_ms)
    assert cloud.take() == []


def test_m16_idle_session_is_closed_and_ping_keeps_it(world, level):
    peer = world.peer(level)
    world.wait(599_999)
    peer.send(b"\xc0\0")
    world.wait(599_999)
    assert not peer.closed
    world.wait(1)
    assert ending(peer) == (0x83 if level == 5 else None)


def test_m16_chunk_requests_do_not_keep_a_session_alive(level, firmware):
    cloud = ThingsBoard(inactivity_ms=10_000)
    device = cloud.add_device("dev", "T")
    world = World(cloud)
    world.do(cloud.assign, device, cloud.add_package("t", "1", data=firmware))
    peer = world.peer(level)
    for index in range(9):
        world.wait(1000)
        peer.chunk("1", index, 100)
    assert not peer.closed
    world.wait(1000)
    assert peer.closed


@pytest.mark.parametrize("topic", ["v1/devices/me/telemetry", "v1/devices/me/attributes/request/1", "no/such/topic"])
def test_m16_other_publishes_keep_a_session_alive(world, level, topic):
    peer = world.peer(level)
    world.wait(599_000)
    peer.publish(topic, "{}")
    world.wait(599_000)
    assert not peer.closed


def test_m25_session_present_is_the_negation_of_clean_and_nothing_was_kept(world, level, cloud, device):
    peer = world.peer(level, clean=False)
    assert peer.take()[0]["session_present"] == 1
    peer.subscribe("v1/devices/me/attributes")
    peer = world.peer(level, clean=False)
    peer.take()
    world.do(cloud.save_attributes, device, {"a": 1})
    assert peer.take() == []


def test_m25_an_unacknowledged_publish_is_never_sent_again(world, level):
    peer = world.peer(level)
    peer.publish("v1/devices/me/attributes/request/1", "{}")
    assert len(peer.take("publish")) == 1
    world.wait(300_000)
    assert peer.take() == []
    peer = world.peer(level, clean=False)
    assert peer.take("publish") == []


def test_m25_nothing_is_retained_or_marked_dup_and_packet_ids_reach_0(world):
    peer = world.peer(4)
    sent = []
    for number in range(65_536):
        peer.publish("v1/devices/me/attributes/request/1", "{}", qos=0)
        if number < 2 or number > 65_533:
            sent += peer.take("publish")
        peer.received.clear()
    assert [m["packet_id"] for m in sent] == [1, 2, 65_535, 0]
    assert not any(m["retained"] or m["dup"] for m in sent)


def test_m26_a_second_connect_on_the_connection_is_answered_again(world, level):
    peer = world.peer(level).connect()
    assert [e["kind"] for e in peer.take()] == ["connack", "connack"]
    assert not peer.closed


def test_m26_unsubscribe_says_in_version_5_what_was_not_there(world):
    peer = world.peer(5)
    peer.subscribe("v2/fw/error")
    assert peer.unsubscribe("v2/fw/error", "v2/fw/error") == [0, 0x11]
    assert world.peer(4).unsubscribe("v2/fw/error") == []


def test_device_with_a_name_or_token_of_another_is_refused(cloud):
    for name, token in (("dev", "T2"), ("dev2", "T")):
        with pytest.raises(UserError, match="already"):
            cloud.add_device(name, token)
