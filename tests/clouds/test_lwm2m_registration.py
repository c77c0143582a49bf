# SPDX-License-Identifier: MIT
"""Who may register with the LwM2M mock, in the manners of three servers, and what happens then (items 1 to 7)."""

import pytest
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from simulator.clouds.lwm2m import Manners, coap
from simulator.clouds.rainmaker.pki import Authority
from tests.clouds.lw_peer import LINKS, NAME, Peer, World

QUERY = ("lwm2m=1.1", f"ep={NAME}", "lt=300", "b=U")
QUIET = Manners(after_register="nothing")


def world_of(**manners) -> World:
    return World(manners=Manners(**{"after_register": "nothing", **manners}))


@pytest.fixture
def world() -> World:
    return World(manners=QUIET)


@pytest.fixture
def peer(world: World) -> Peer:
    return Peer(world)


def test_l01_m_the_reference_register_gets_a_random_location(world, peer):
    payload = '</>;rt="oma.lwm2m";ct=112,</1/0>,</3/0>,</5>;ver=1.1,</5/0>'
    head = bytes.fromhex("41020101a1b272641128396c776d326d3d312e310b65703d65737033322d3031066c743d3330300362") + b"=U"
    peer.send(head + b"\xff" + payload.encode())
    (answer,) = peer.take()
    assert (answer.mtype, answer.mid, answer.token, answer.code) == (Type.ACK, 0x0101, b"\xa1", Code.CREATED)
    first, second = answer.opt.location_path
    assert first == "rd"
    assert len(second) == 5
    registration = world.cloud.devices[NAME].registration
    assert (registration.objects, registration.formats) == ({1: "", 3: "", 5: "1.1"}, (112,))
    assert registration.instances == ["/1/0", "/3/0", "/5/0"]
    assert peer.register().opt.location_path[1] != second


def test_l01_m_the_location_can_be_one_option_with_a_slash():
    peer = Peer(world_of(location="joined"))
    (where,) = peer.register().opt.location_path
    assert where.startswith("rd/")
    assert peer.update().code is Code.CHANGED


@pytest.mark.parametrize("code", ["4.00", "4.03", "4.12"])
def test_l02_m_a_register_is_refused_as_often_as_wanted(world, peer, code):
    world.cloud.add_fault(f"registerx2:refuse={code}")
    assert [peer.register().code.dotted for _ in range(3)] == [code, code, "2.01"]


# (what is asked, and the answers of Coiote, Leshan and wakaama)
RULES = [
    ("no ep", {"uri_query": ("lwm2m=1.1", "lt=60")}, "4.00 4.03 4.00"),
    ("no version", {"uri_query": (f"ep={NAME}", "lt=60")}, "4.00 4.00 4.00"),
    ("version 1.2", {"uri_query": (f"ep={NAME}", "lwm2m=1.2")}, "2.01 4.12 4.12"),
    ("version 2.0", {"uri_query": (f"ep={NAME}", "lwm2m=2.0")}, "4.12 4.12 4.12"),
    ("no lifetime, no binding", {"uri_query": (f"ep={NAME}", "lwm2m=1.1")}, "2.01 2.01 2.01"),
    ("b=UQ", {"uri_query": (*QUERY[:3], "b=UQ")}, "2.01 4.00 2.01"),
    ("Q=1", {"uri_query": (*QUERY, "Q=1")}, "2.01 4.00 4.00"),
    ("bare Q", {"uri_query": (*QUERY, "Q")}, "2.01 2.01 2.01"),
    ("no objects", {"links": ""}, "4.00 4.00 4.00"),
    ("no format of the content", {"content_format": None}, "2.01 2.01 2.01"),
    ("a list of formats", {"links": '</>;ct="0 42 110 112 11542",' + LINKS}, "2.01 2.01 4.00"),
    ("a format nobody needs", {"links": "</>;ct=11542," + LINKS}, "2.01 2.01 4.00"),
    ("the format of SenML CBOR", {"links": "</>;ct=112," + LINKS}, "2.01 2.01 2.01"),
    ("a sloppy list", {"links": "</>;ct=110,112,11543;hb,<1/0>,<3/0>"}, "2.01 2.01 2.01"),
    ("objects below another path", {"links": '</lw>;rt="oma.lwm2m";ct=110,</lw/1/0>,</lw/5/0>'}, "2.01 2.01 2.01"),
    ("what is no object below it", {"links": '</lw>;rt="oma.lwm2m",</lw/1/0>,</lw/x>'}, "4.00 4.00 4.00"),
    ("150 characters", {"name": "e" * 150}, "2.01 2.01 2.01"),
    ("151 characters", {"name": "e" * 151}, "4.00 4.00 4.00"),
    ("the longest lifetime", {"uri_query": (*QUERY[:2], "lt=4294967295")}, "2.01 2.01 2.01"),
    ("a lifetime that is longer", {"uri_query": (*QUERY[:2], "lt=4294967296")}, "4.00 4.00 4.00"),
    ("a lifetime that is none", {"uri_query": (*QUERY[:2], "lt=soon")}, "4.00 4.00 4.00"),
    ("what are no links", {"links": "hello"}, "4.00 4.00 4.00"),
]


@pytest.mark.parametrize(("manners", "index"), [("coiote", 0), ("leshan", 1), ("wakaama", 2)])
@pytest.mark.parametrize(("what", "said", "codes"), RULES, ids=[what for what, _, _ in RULES])
def test_l02_m_each_server_lets_in_whom_it_would(manners, index, what, said, codes):
    assert Peer(world_of(registration=manners)).register(**said).code.dotted == codes.split()[index]


def test_l02_m_objects_below_another_path(world, peer):
    peer.register(links='</sensors/2>,</lw>;rt="oma.lwm2m";ct=110,</lw/1/0>,</lw/5>;ver=1.1,</lw/5/0>,</3/0>')
    registration = world.cloud.devices[NAME].registration
    assert (registration.objects, registration.instances) == ({1: "", 5: "1.1"}, ["/1/0", "/5/0"])
    assert (registration.root, registration.formats) == (("lw",), (110,))
    peer.update(links=LINKS)
    assert (registration.root, registration.instances) == ((), ["/1/0", "/3/0", "/5/0"])


@pytest.mark.parametrize(("manners", "code"), [("leshan", Code.BAD_REQUEST), ("wakaama", Code.CREATED)])
def test_l02_m_a_register_that_is_not_confirmable(manners, code):
    peer = Peer(world_of(registration=manners))
    peer.send(peer.message(Code.POST, "/rd", LINKS.encode(), Type.NON, uri_query=QUERY))
    assert [(one.mtype, one.code) for one in peer.take()] == [(Type.NON, code)]


def test_l02_m_a_name_that_was_proved_is_the_name(world):
    assert Peer(world, identity=NAME).register(uri_query=("lwm2m=1.1",)).code is Code.CREATED
    assert Peer(world, identity="another").register().code is Code.FORBIDDEN


def test_l02_m_a_key_may_have_a_name_of_its_own(world):
    world.cloud.add_device(NAME, b"secret", "key-7")
    assert Peer(world, identity="key-7").register().code is Code.CREATED
    assert Peer(world, identity="key-7").register(uri_query=("lwm2m=1.1",)).code is Code.CREATED
    assert Peer(world, identity="key-7").register(name="key-7").code is Code.FORBIDDEN
    assert Peer(world, identity=NAME).register(name="another").code is Code.FORBIDDEN
    assert Peer(world).register(name="another").code is Code.CREATED


def test_l02_m_a_server_with_a_guest_list():
    world = World(manners=QUIET, is_closed=True)
    world.cloud.add_device(NAME)
    assert Peer(world).register().code is Code.CREATED
    assert Peer(world).register(name="stranger").code is Code.FORBIDDEN


def test_l03_m_a_device_is_forgotten_on_command(world, peer):
    peer.register()
    device = world.cloud.devices[NAME]
    device.observe("/5/0/3")
    world.wait(0)
    peer.answer(peer.take()[0], Code.CONTENT, b"0", content_format=0, observe=1)
    world.cloud.forget_registration(device)
    assert (device.is_registered, device.observations) == (False, {})
    assert peer.update().code is Code.NOT_FOUND
    assert peer.register().code is Code.CREATED
    assert peer.update().code is Code.CHANGED


def test_l04_m_a_registration_expires_unless_it_is_prolonged(world, peer):
    peer.register(lifetime=60)
    device = world.cloud.devices[NAME]
    world.wait(59_000)
    assert peer.update().code is Code.CHANGED
    world.wait(59_999)
    assert device.is_registered
    world.wait(1)
    assert (device.is_registered, len(world.events("gone", why="expired"))) == (False, 1)
    assert peer.update().code is Code.NOT_FOUND


def test_l04_m_an_update_says_only_what_has_changed(world, peer):
    peer.register(lifetime=60)
    peer.update("lt=900")
    registration = world.cloud.devices[NAME].registration
    assert (registration.lifetime_s, registration.binding) == (900, "U")
    peer.update(links="</3/0>,</5/0>")
    assert registration.objects == {3: "", 5: ""}
    assert [event["changed"] for event in world.events("updated")] == [["lt"], ["objects"]]


def test_l04_m_who_says_good_bye_is_gone(world, peer):
    peer.register()
    assert peer.ask(Code.DELETE, peer.location).code is Code.DELETED
    assert peer.ask(Code.DELETE, peer.location).code is Code.NOT_FOUND
    assert not world.cloud.devices[NAME].is_registered


def good_bye(world, peer):
    peer.ask(Code.DELETE, peer.location)


def silence(world, peer):
    world.wait(20_000)


def forgotten(world, peer):
    world.cloud.forget_registration(world.cloud.devices[NAME])


@pytest.mark.parametrize("end", [good_bye, silence, forgotten])
def test_l04_m_what_was_asked_gets_no_answer_once_the_device_is_gone(world, peer, end):
    peer.register(lifetime=20)
    asked = [world.cloud.devices[NAME].read(path) for path in ("/5/0/3", "/5/0/5")]
    world.wait(0)
    end(world, peer)
    assert [operation.reply and operation.reply.failure for operation in asked] == ["peer is gone"] * 2
    peer.take()
    world.wait(120_000)
    assert peer.take() == []


def test_l05_m_the_trigger_of_an_update_is_answered_first_and_obeyed_then(world, peer):
    peer.register()
    device = world.cloud.devices[NAME]
    for order in ("answer update", "update answer"):
        operation = device.execute("/1/0/8")
        world.wait(0)
        (request,) = peer.take()
        assert (request.code, coap.path_of(request), request.payload) == (Code.POST, "/1/0/8", b"")
        for what in order.split():
            if what == "answer":
                peer.answer(request, Code.CHANGED)
            else:
                peer.update()
        assert operation.reply.code == "2.04"
    assert [event["device"] for event in world.events("too_early")] == [NAME], "the second time"


def test_l03_m_a_device_is_forgotten_in_the_middle_of_its_update(world, peer):
    peer.register()
    world.cloud.add_fault("update:forget")
    assert [peer.update().code for _ in range(2)] == [Code.NOT_FOUND, Code.NOT_FOUND]
    world.cloud.add_fault("register:forget")
    assert peer.register().code is Code.CREATED


def test_l02_m_the_name_in_a_certificate_is_the_name(world):
    for name, code in ((NAME, Code.CREATED), ("another", Code.FORBIDDEN)):
        peer = Peer(world, certificate=Authority().node(name).der)
        assert peer.register().code is code


def test_l06_m_the_lifetime_is_written_after_a_register():
    world = world_of(lifetime_s=900)
    peer = Peer(world)
    peer.register()
    world.wait(0)
    (request,) = peer.take()
    assert (request.code, coap.path_of(request), request.payload) == (Code.PUT, "/1/0/1", b"900")
    peer.answer(request, Code.CHANGED)
    peer.update("lt=900")
    assert world.cloud.devices[NAME].registration.lifetime_s == 900


def test_l07_m_everything_is_discovered_and_read_after_a_register():
    world = world_of(after_register="all", accept=112)
    peer = Peer(world)
    peer.register(links="</0/0>," + LINKS)
    asked = []
    for _ in range(6):
        world.wait(0)
        (request,) = peer.take()
        asked.append((coap.path_of(request), int(request.opt.accept)))
        peer.answer(request, Code.CONTENT, b"", content_format=40)
    world.wait(0)
    assert asked == [("/1", 40), ("/1/0", 112), ("/3", 40), ("/3/0", 112), ("/5", 40), ("/5/0", 112)]
    assert peer.take() == []


@pytest.mark.parametrize(("extent", "paths"), [("device", ["/3/0"]), ("nothing", [])])
def test_l07_m_or_less_is(extent, paths):
    world = world_of(after_register=extent, accept=None)
    peer = Peer(world)
    peer.register()
    world.wait(0)
    found = peer.take()
    assert [coap.path_of(one) for one in found] == paths
    assert [one.opt.accept for one in found] == [None] * len(paths)


def test_l07_m_new_objects_in_an_update_are_looked_at(world):
    world = world_of(after_register="device")
    peer = Peer(world)
    peer.register()
    world.wait(0)
    peer.answer(peer.take()[0], Code.NOT_FOUND)
    peer.update()
    world.wait(0)
    assert peer.take() == []
    peer.update(links=LINKS)
    world.wait(0)
    assert [coap.path_of(one) for one in peer.take()] == ["/3/0"]


def test_l47_m_the_server_can_turn_send_on_and_off(world):
    for value, text in ((True, b"1"), (False, b"0")):
        world = world_of(mute_send=value)
        peer = Peer(world)
        peer.register()
        world.wait(0)
        (request,) = peer.take()
        assert (coap.path_of(request), request.payload) == ("/1/0/23", text)
