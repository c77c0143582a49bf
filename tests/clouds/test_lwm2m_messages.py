# SPDX-License-Identifier: MIT
"""The layer of messages of the LwM2M mock: retransmission, duplicates, separate answers, and what is no message."""

import itertools

import pytest
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from simulator.clouds.lwm2m import Manners, coap
from simulator.clouds.lwm2m.faults import Rule
from simulator.errors import UserError
from tests.clouds.lw_peer import NAME, Peer, World


@pytest.fixture
def world() -> World:
    return World(manners=Manners(after_register="nothing"))


@pytest.fixture
def peer(world: World) -> Peer:
    peer = Peer(world)
    peer.register()
    return peer


@pytest.fixture
def device(world: World, peer: Peer):
    return world.cloud.devices[NAME]


def test_a_ping_is_reset(peer):
    peer.send(bytes.fromhex("40001234"))
    assert [(one.mtype, one.mid, one.code) for one in peer.take()] == [(Type.RST, 0x1234, Code.EMPTY)]


@pytest.mark.parametrize("data", ["4001", "49010001aabbccddeeff001122", "40010001b5aa", "40000001ff"])
def test_what_is_no_message_is_reset_if_it_can_be(peer, data):
    peer.send(bytes.fromhex(data))
    found = peer.take()
    assert [one.mtype for one in found] == [Type.RST] * (len(data) > 4)


def test_an_unknown_critical_option_is_refused_and_an_elective_one_skipped(peer):
    for number, code in ((2051, Code.BAD_OPTION), (2050, Code.CHANGED)):
        request = peer.message(Code.POST, peer.location)
        request.opt.add_option(coap.option(number, b"x"))
        peer.send(request)
        assert [one.code for one in peer.take()] == [code]


def test_the_same_message_twice_is_answered_twice_and_handled_once(world, peer):
    request = peer.message(Code.POST, peer.location)
    peer.send(request)
    peer.send(request)
    assert peer.received[-1] == peer.received[-2]
    assert len(world.events("updated")) == 1


def test_another_token_is_another_message(world, peer):
    """Who begins anew at the same port may begin with the same id (as lwm2m.md 1.1 does)."""
    request = peer.message(Code.POST, peer.location)
    peer.send(request)
    peer.take()
    request.token = b"anew"
    peer.send(request)
    assert [(one.code, one.token) for one in peer.take()] == [(Code.CHANGED, b"anew")]
    assert len(world.events("updated")) == 2


def test_a_message_id_counts_anew_after_its_lifetime(world, peer):
    request = peer.message(Code.POST, peer.location)
    peer.send(request)
    world.wait(coap.EXCHANGE_MS)
    peer.send(request)
    assert len(world.events("updated")) == 2


def test_a_request_is_sent_five_times_over_a_minute_and_then_given_up(world, peer, device):
    operation = device.read("/5/0/3")
    sent = []
    world.drop = lambda data: bool(sent.append((world.now_ms, data)))
    world.wait(120_000)
    times = [at_ms - sent[0][0] for at_ms, _ in sent]
    assert len(times) == 5
    assert len({data for _, data in sent}) == 1
    assert 2000 <= times[1] <= 3000
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == [factor * times[1] for factor in (1, 2, 4, 8)]
    assert operation.reply.failure == "timeout"
    assert not operation.reply.is_answered


def test_an_answer_ends_the_retransmission(world, peer, device):
    operation = device.read("/5/0/3")
    world.wait(2500)
    (request, *_) = peer.take()
    peer.answer(request, Code.CONTENT, b"2", content_format=0)
    world.wait(120_000)
    assert operation.reply.values == {"/5/0/3": 2}
    assert peer.take() == []


def test_a_separate_answer_is_acknowledged(world, peer, device):
    operation = device.read("/5/0/3")
    world.wait(0)
    (request,) = peer.take()
    peer.acknowledge(request)
    world.wait(60_000)
    assert peer.take() == [], "an acknowledged request is not sent again"
    answer = coap.build(Code.CONTENT, b"1", content_format=0)
    peer.send(coap.numbered(answer, Type.CON, 0x777, request.token))
    assert [(one.mtype, one.mid) for one in peer.take()] == [(Type.ACK, 0x777)]
    assert operation.reply.values == {"/5/0/3": 1}
    peer.send(answer)
    assert [(one.mtype, one.mid) for one in peer.take()] == [(Type.ACK, 0x777)]


def test_requests_to_one_device_go_out_one_after_the_other(world, peer, device):
    operations = [device.read("/5/0/3"), device.read("/5/0/5")]
    world.wait(0)
    (first,) = peer.take()
    peer.answer(first, Code.CONTENT, b"0", content_format=0)
    (second,) = peer.take()
    assert coap.path_of(second) == "/5/0/5"
    peer.answer(second, Code.NOT_FOUND)
    assert [operation.reply.code for operation in operations] == ["2.05", "4.04"]


def test_a_reset_ends_a_request(world, peer, device):
    operation = device.read("/5/0/3")
    world.wait(0)
    peer.acknowledge(peer.take()[0], Type.RST)
    assert operation.reply.failure == "reset"


def test_an_answer_in_blocks_is_put_together(world, peer, device):
    operation = device.read("/5/0/1")
    world.wait(0)
    for number, payload in enumerate((b"c" * 16, b"d" * 16, b"e")):
        (request,) = peer.take()
        assert request.opt.block2 is None or request.opt.block2.block_number == number
        peer.answer(request, Code.CONTENT, payload, content_format=0, block2=(number, number < 2, 0))
    assert operation.reply.values == {"/5/0/1": "c" * 16 + "d" * 16 + "e"}


def test_who_is_silent_and_nobody_is_forgotten(world, peer):
    stranger = Peer(world)
    stranger.send(bytes.fromhex("40001234"))
    assert stranger.conn in world.cloud.sessions
    world.wait(coap.EXCHANGE_MS)
    assert (stranger.conn in world.cloud.sessions, peer.conn in world.cloud.sessions) == (False, True)
    world.wait(coap.EXCHANGE_MS * 2)
    assert peer.conn not in world.cloud.sessions, "its registration has expired meanwhile"


# Faults on single messages (item 58, knobs of 9.1)


@pytest.mark.parametrize(
    ("rule", "mids", "times"),
    [
        ("read:drop", 1, 0),
        ("read:duplicate", 1, 2),
        ("read:repeat=50", 2, 2),
        ("read:delay=70", 1, 1),
    ],
)
def test_l58_m_what_the_server_asks_is_lost_doubled_repeated_or_late(world, peer, device, rule, mids, times):
    world.cloud.add_fault(rule)
    device.read("/5/0/3")
    world.wait(0 if "delay" in rule else 60)
    if "delay" in rule:
        assert peer.take() == []
        world.wait(70)
    found = peer.take()
    assert len(found) == times
    assert len({one.mid for one in found}) in (mids, 0)


def test_l58_m_one_datagram_overtakes_another(world, peer, device):
    world.cloud.add_fault("read:reorder")
    device.read("/5/0/3")
    request = peer.message(Code.POST, peer.location)
    peer.send(request)
    assert [one.mid == request.mid for one in peer.take()] == [True, False]


def test_l58_m_the_network_says_that_nobody_is_there(world, peer, device):
    world.cloud.add_fault("read:unreachable")
    operation = device.read("/5/0/3")
    world.wait(0)
    assert (operation.reply.failure, peer.take()) == ("unreachable", [])


@pytest.mark.parametrize("rule", ["read:truncate=3", "read:corrupt"])
def test_l58_m_a_request_arrives_spoilt(world, peer, device, rule):
    device.read("/5/0/3")
    world.wait(0)
    whole = peer.received[-1]
    peer.answer(peer.take()[0], Code.NOT_FOUND)
    world.cloud.add_fault(rule)
    device.read("/5/0/3")
    seen = []
    world.drop = lambda data: bool(seen.append(data)) or True
    world.wait(0)
    assert len(seen[0]) == len(whole) - 3 * ("truncate" in rule)


@pytest.mark.parametrize(
    ("rule", "handled", "answers"),
    [
        ("update:drop", 0, 0),
        ("update:mute", 1, 0),
        ("update:lose", 1, 0),
        ("update:refuse=4.03", 0, 1),
        ("update:twice", 1, 2),
    ],
)
def test_l58_m_what_a_device_says_is_lost_or_refused(world, peer, rule, handled, answers):
    world.cloud.add_fault(rule)
    request = peer.message(Code.POST, peer.location)
    peer.send(request)
    assert len(world.events("updated")) == handled
    assert len(peer.take()) == answers
    peer.send(request)
    again = peer.take()
    expected = {"update:mute": 0}.get(rule, 1)
    assert len(again) == expected


def test_l58_m_an_answer_comes_separately_and_again_until_it_is_acknowledged(world, peer):
    world.cloud.add_fault("update:separate=200")
    request = peer.message(Code.POST, peer.location)
    peer.send(request)
    assert [(one.mtype, one.code) for one in peer.take()] == [(Type.ACK, Code.EMPTY)]
    world.wait(200)
    (answer,) = peer.take()
    assert (answer.mtype, answer.code, answer.token) == (Type.CON, Code.CHANGED, request.token)
    world.wait(3000)
    assert len(peer.take()) == 1
    peer.acknowledge(answer)
    world.wait(60_000)
    assert peer.take() == []


def test_l58_m_an_acknowledgement_of_the_device_is_lost(world, peer, device):
    world.cloud.add_fault("answer:drop")
    operation = device.read("/5/0/3")
    world.wait(0)
    (request,) = peer.take()
    peer.answer(request, Code.CONTENT, b"0", content_format=0)
    world.wait(3000)
    (again,) = peer.take()
    assert (again.mid, operation.reply) == (request.mid, None)


@pytest.mark.parametrize(
    "text", ["read:mute", "update:refuse", "update:refuse=9.99", "push=1:repeat=x", "register=3:drop"]
)
def test_a_rule_that_makes_no_sense_is_refused(text):
    with pytest.raises(UserError) as caught:
        Rule.parse(text)
    assert caught.value.code == "bad_fault"
