# SPDX-License-Identifier: MIT
"""What the LwM2M mock asks of a device, and what it makes of notifications and of Send."""

import cbor2
import pytest
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from simulator.clouds.lwm2m import Manners, coap, formats
from simulator.clouds.lwm2m.devices import Device
from tests.clouds.lw_peer import NAME, Peer, World
from tests.clouds.test_lwm2m_formats import INSTANCE, OLD_SEND, SEND, SENML

URI = "coap://10.0.0.9/f/app.bin"


class Site:
    """A world with a device that is registered."""

    def __init__(self, **manners) -> None:
        self.world = World(manners=Manners(**{"after_register": "nothing", **manners}))
        self.peer = Peer(self.world)
        self.peer.register()
        self.device: Device = self.world.cloud.devices[NAME]

    def asked(self):
        """The one request that has come."""
        self.world.wait(0)
        (request,) = self.peer.take()
        return request

    def observed(self, path: str, payload: bytes = b"0", sequence: int = 1) -> bytes:
        """Observes it; the token."""
        self.device.observe(path)
        request = self.asked()
        assert (request.opt.observe, coap.path_of(request)[-len(path) :]) == (0, path)
        self.peer.answer(request, Code.CONTENT, payload, content_format=0, observe=sequence)
        return request.token


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.mark.parametrize("accept", [None, 0, 110, 112, 11542, 11543])
def test_l08_m_reads_in_any_format_or_in_the_clients_choice(site, accept):
    operation = site.device.read("/5/0", accept)
    request = site.asked()
    assert request.opt.accept == accept
    site.peer.answer(request, Code.CONTENT, bytes.fromhex(SENML), content_format=112)
    assert operation.reply.values == INSTANCE
    assert site.device.value("/5/0/3") == 2
    assert site.device.instances("/5/0/8") == [0, 1]


def test_l10_m_instances_that_are_gone_are_forgotten(site):
    for payload, left in (([0, 1, 2], [0, 1, 2]), ([1], [1])):
        site.device.read("/5/0/8", 112)
        records = [{-2: f"/5/0/8/{one}", 2: one} for one in payload]
        site.peer.answer(site.asked(), Code.CONTENT, cbor2.dumps(records), content_format=112)
        assert site.device.instances("/5/0/8") == left


@pytest.mark.parametrize("number", [None, 0, 110, 112, 11542])
@pytest.mark.parametrize("uri", [URI, ""])
def test_l12_l13_m_the_uri_is_written_in_any_format(site, number, uri):
    site.device.write("/5/0/1", uri, number)
    request = site.asked()
    assert (request.code, coap.path_of(request), request.opt.content_format) == (Code.PUT, "/5/0/1", number)
    assert formats.decode(number, request.payload, "/5/0/1") == {"/5/0/1": uri}


def test_l12_m_the_uri_is_posted_to_the_instance(site):
    site.device.write("/5/0", {"/5/0/1": URI}, 11542)
    request = site.asked()
    assert (request.code, coap.path_of(request)) == (Code.POST, "/5/0")
    assert formats.decode(11542, request.payload, "/5/0") == {"/5/0/1": URI}


def test_l09_m_any_bytes_as_any_format(site):
    operation = site.device.put("/5/0/1", b"x", 9999)
    request = site.asked()
    assert int(request.opt.content_format) == 9999
    site.peer.answer(request, Code.UNSUPPORTED_CONTENT_FORMAT)
    assert operation.reply.code == "4.15"


def test_l14_m_a_reset_by_one_byte(site):
    site.device.put("/5/0/0", b"\0", 42)
    request = site.asked()
    assert (request.payload, request.opt.content_format, request.opt.block1) == (b"\0", 42, None)


def test_l42_m_observations_are_ended_with_a_request_or_a_reset(site):
    token = site.observed("/5/0/3")
    assert site.device.value("/5/0/3") == 0
    site.peer.notify(token, 2, b"1")
    assert [one.mtype for one in site.peer.take()] == [Type.ACK]
    assert site.device.value("/5/0/3") == 1
    site.device.cancel_observation("/5/0/3")
    request = site.asked()
    assert (request.opt.observe, request.token, coap.path_of(request)) == (1, token, "/5/0/3")
    site.peer.answer(request, Code.CONTENT, b"1", content_format=0)
    token = site.observed("/5/0/3")
    assert site.device.cancel_observation("/5/0/3", by_reset=True) is None
    note = site.peer.notify(token, 3, b"2")
    assert [(one.mtype, one.mid) for one in site.peer.take()] == [(Type.RST, note.mid)]
    assert site.device.value("/5/0/3") == 0


def test_l42_m_what_is_out_of_order_is_old(site):
    token = site.observed("/5/0/3", sequence=5)
    for sequence, payload, value in ((7, b"2", 2), (6, b"1", 2), (7 + (1 << 23), b"1", 2), (8, b"3", 3)):
        site.peer.notify(token, sequence, payload)
        assert site.device.value("/5/0/3") == value
    site.world.wait(128_001)
    site.peer.notify(token, 1, b"0")
    assert site.device.value("/5/0/3") == 0


def test_l42_m_a_sequence_may_wrap(site):
    token = site.observed("/5/0/3", sequence=(1 << 24) - 1)
    site.peer.notify(token, 0, b"2")
    assert site.device.value("/5/0/3") == 2


def test_l42_m_a_notification_need_not_be_confirmable(site):
    token = site.observed("/5/0/3")
    site.peer.notify(token, 2, b"1", kind=Type.NON)
    assert (site.peer.take(), site.device.value("/5/0/3")) == ([], 1)


def test_l43_m_a_notification_of_the_whole_instance(site):
    token = site.observed("/5/0")
    site.peer.notify(token, 2, bytes.fromhex(SENML), 112)
    assert site.device.value("/5/0/3") == 2
    (event,) = site.world.events("notify")
    assert event["values"] == INSTANCE


def test_l43_m_a_long_notification_is_fetched_to_its_end(site):
    site.device.observe("/5/0", 112)
    request = site.asked()
    site.peer.answer(request, Code.CONTENT, bytes.fromhex(SENML), content_format=112, observe=1)
    payload = bytes.fromhex(SENML.replace("a20061330202", "a20061330203"))
    made = coap.build(Code.CONTENT, payload[:64], observe=2, content_format=112, block2=(0, True, 2))
    site.peer.send(coap.numbered(made, Type.CON, 0x999, request.token))
    site.world.wait(0)
    acknowledgement, following = site.peer.take()
    assert (acknowledgement.mtype, acknowledgement.mid) == (Type.ACK, 0x999)
    assert (following.opt.block2.block_number, following.opt.observe) == (1, None)
    site.peer.answer(following, Code.CONTENT, payload[64:], content_format=112, block2=(1, False, 2))
    assert site.device.value("/5/0/3") == 3


def test_l43_m_an_error_ends_an_observation(site):
    token = site.observed("/5/0/3")
    site.peer.send(coap.numbered(coap.build(Code.NOT_FOUND), Type.CON, 0x999, token))
    assert site.device.observations == {}


def test_l44_m_attributes_are_written_without_a_payload(site):
    site.device.attributes("/5/0/3", pmin=10, pmax=60)
    request = site.asked()
    assert (request.code, request.opt.uri_query, request.payload) == (Code.PUT, ("pmin=10", "pmax=60"), b"")
    assert request.opt.content_format is None


def test_l45_m_a_notification_is_lost_and_comes_again(site):
    token = site.observed("/5/0/3")
    site.world.cloud.add_fault("notify:drop")
    note = site.peer.notify(token, 2, b"1")
    assert (site.peer.take(), site.device.value("/5/0/3")) == ([], 0)
    site.peer.send(note)
    assert [one.mtype for one in site.peer.take()] == [Type.ACK]
    site.world.cloud.add_fault("notify:mute")
    note = site.peer.notify(token, 3, b"2")
    assert (site.peer.take(), site.device.value("/5/0/3")) == ([], 2)


@pytest.mark.parametrize("base", ["/lw/5/0/", "/5/0/"])
def test_everything_is_asked_below_the_path_that_a_device_has_its_objects_at(site, base):
    """Names in SenML begin with it since 1.2, before they need not (OMA, issue 564)."""
    site.peer.register(links='</lw>;rt="oma.lwm2m",</lw/1/0>,</lw/3/0>,</lw/5/0>')
    body = cbor2.dumps([{-2: base, 0: "3", 2: 1}, {0: "5", 2: 0}])
    operation = site.device.read("/5/0", 112)
    for number, part in enumerate((body[:16], body[16:])):
        request = site.asked()
        assert coap.path_of(request) == "/lw/5/0"
        site.peer.answer(request, Code.CONTENT, part, content_format=112, block2=(number, not number, 0))
    assert operation.reply.values == {"/5/0/3": 1, "/5/0/5": 0}
    site.device.push(bytes(100))
    request = site.asked()
    assert coap.path_of(request) == "/lw/5/0/0"
    site.peer.answer(request, Code.CHANGED)
    token = site.observed("/5/0/3")
    moved = Peer(site.world)
    moved.location = site.peer.location
    moved.update()
    moved.notify(token, 2, b"3")
    assert site.device.value("/5/0/3") == 3
    site.device.execute("/5/0/2")
    site.world.wait(0)
    assert coap.path_of(moved.take()[-1]) == "/lw/5/0/2"
    assert moved.say(body).code is Code.CHANGED
    assert site.device.value("/5/0/3") == 1


def test_l47_m_what_is_sent_is_known(site):
    assert site.peer.say(bytes.fromhex(OLD_SEND)).code is Code.CHANGED
    assert {path: site.device.value(path) for path in SEND} == SEND
    (event,) = site.world.events("sent")
    assert (event["device"], event["values"]) == (NAME, SEND)


def test_l47_m_a_temperature_is_sent(site):
    assert site.peer.say(b'[{"n":"/3303/0/5700","v":21.5}]', 110).code is Code.CHANGED
    assert site.device.value("/3303/0/5700") == 21.5


@pytest.mark.parametrize(
    ("payload", "number"), [(b"2", 0), (b"", 112), (b"\xff", 112), (bytes.fromhex(SENML), 110), (b"c10302", 11542)]
)
def test_l48_m_a_send_that_is_none_is_refused(site, payload, number):
    assert site.peer.say(payload, number).code is Code.BAD_REQUEST


def test_l48_m_a_send_of_somebody_who_is_not_registered_is_refused(site):
    assert Peer(site.world).say(bytes.fromhex(OLD_SEND)).code is Code.BAD_REQUEST
    site.world.cloud.forget_registration(site.device)
    assert site.peer.say(bytes.fromhex(OLD_SEND)).code is Code.BAD_REQUEST


@pytest.mark.parametrize("code", ["4.04", "4.00"])
def test_l48_m_a_send_is_refused_on_demand(site, code):
    site.world.cloud.add_fault(f"send:refuse={code}")
    assert site.peer.say(bytes.fromhex(OLD_SEND)).code.dotted == code
    assert site.world.events("sent") == []


def test_l53_m_notifications_from_a_new_port_are_dropped_until_an_update_comes_from_there(site):
    token = site.observed("/5/0/3")
    moved = Peer(site.world)
    moved.location = site.peer.location
    moved.notify(token, 2, b"1")
    assert (moved.take(), site.device.value("/5/0/3")) == ([], 0)
    assert len(site.world.events("stranger")) == 1
    assert moved.update().code is Code.CHANGED
    moved.notify(token, 3, b"2")
    assert site.device.value("/5/0/3") == 2
    site.peer.notify(token, 4, b"3")
    assert site.device.value("/5/0/3") == 2


def test_l53_m_a_notification_is_taken_for_one_from_another_port(site):
    token = site.observed("/5/0/3")
    site.world.cloud.add_fault("notify:moved")
    for sequence, value in ((2, 0), (3, 1)):
        site.peer.notify(token, sequence, b"1")
        assert site.device.value("/5/0/3") == value


def test_l53_m_unless_the_server_follows():
    site = Site(follows_address=True)
    token = site.observed("/5/0/3")
    moved = Peer(site.world)
    moved.notify(token, 2, b"1")
    assert [one.mtype for one in moved.take()] == [Type.ACK]
    assert site.device.value("/5/0/3") == 1


def test_a_register_ends_what_was_under_way(site):
    operation = site.device.read("/5/0/3")
    site.peer.register()
    assert operation.reply.failure == "peer is gone"


def test_nobody_is_asked_who_is_not_there(site):
    site.world.cloud.forget_registration(site.device)
    for operation in (site.device.read("/3/0"), site.device.push(b"x")):
        assert operation.reply.failure == "peer is gone"
