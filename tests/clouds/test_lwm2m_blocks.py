# SPDX-License-Identifier: MIT
"""Register, Update and Send of devices whose messages are short: in blocks (RFC 7959, 2.5), to the LwM2M mock."""

import pytest
from aiocoap import Message
from aiocoap.numbers.codes import Code

from simulator.clouds.lwm2m import Manners, coap
from tests.clouds.lw_peer import LINKS, NAME, Peer, World
from tests.clouds.test_lwm2m_formats import OLD_SEND, SEND

LONG = LINKS + "".join(f",</3303/{number}>" for number in range(20))
QUERY = ("lwm2m=1.1", f"ep={NAME}", "lt=300", "b=U")
EXPONENT = 2
SIZE = 64


@pytest.fixture
def world() -> World:
    return World(manners=Manners(after_register="nothing"))


@pytest.fixture
def peer(world: World) -> Peer:
    return Peer(world)


def block(peer: Peer, number: int, text: str = LONG, path: str = "/rd", **options) -> Message:
    """The answer to one block of a Register, unless it is of something else; it has to name the block."""
    data = text.encode()
    one = (number, (number + 1) * SIZE < len(data), EXPONENT)
    options = {"uri_query": QUERY, "content_format": 40, "block1": one, **options}
    answer = peer.ask(Code.POST, path, data[number * SIZE :][:SIZE], **options)
    assert tuple(answer.opt.block1) == options["block1"]
    return answer


def whole(peer: Peer, text: str = LONG, path: str = "/rd", **options) -> list[Code]:
    """The answers to all of them."""
    return [block(peer, number, text, path, **options).code for number in range(-(-len(text) // SIZE))]


def test_a_register_in_blocks(world, peer):
    codes = whole(peer)
    assert len(codes) > 3
    assert codes == [Code.CONTINUE] * (len(codes) - 1) + [Code.CREATED]
    registration = world.cloud.devices[NAME].registration
    assert registration.instances == LONG.replace("<", "").replace(">", "").replace("/5;ver=1.1,", "").split(",")


def test_an_update_and_a_send_in_blocks(world, peer):
    peer.register()
    device = world.cloud.devices[NAME]
    assert whole(peer, path=peer.location, uri_query=("lt=900",))[-1] is Code.CHANGED
    assert (device.registration.lifetime_s, len(device.registration.instances)) == (900, 23)
    payload = bytes.fromhex(OLD_SEND)
    for number, part in enumerate((payload[:SIZE], payload[SIZE:])):
        answer = peer.ask(Code.POST, "/dp", part, content_format=112, block1=(number, not number, EXPONENT))
        assert answer.code is (Code.CHANGED if number else Code.CONTINUE)
    assert {path: device.value(path) for path in SEND} == SEND


def test_a_last_block_alone_is_all_there_is(world, peer):
    assert block(peer, 0, LINKS).code is Code.CREATED
    assert block(peer, 0, "", path="/rd/nobody", uri_query=()).code is Code.NOT_FOUND


def test_a_refusal_names_the_block_too(world, peer):
    assert whole(peer, uri_query=("lwm2m=1.1",))[-1] is Code.BAD_REQUEST


def test_a_block_that_is_missing_is_told_and_may_come_then(world, peer):
    codes = [block(peer, number).code for number in (1, 0, 2, 1)]
    assert codes == [Code.REQUEST_ENTITY_INCOMPLETE, Code.CONTINUE, Code.REQUEST_ENTITY_INCOMPLETE, Code.CONTINUE]


def test_the_first_block_begins_anew(peer):
    assert [block(peer, number).code for number in (0, 1)] == [Code.CONTINUE] * 2
    codes = whole(peer)
    assert codes == [Code.CONTINUE] * (len(codes) - 1) + [Code.CREATED]


def test_a_block_that_comes_twice_counts_once(world, peer):
    world.cloud.add_fault("registerx*:duplicate")
    for number in range(6):
        data = LONG.encode()
        one = (number, (number + 1) * SIZE < len(data), EXPONENT)
        peer.send(peer.message(Code.POST, "/rd", data[number * SIZE :][:SIZE], uri_query=QUERY, block1=one))
    assert len(world.cloud.devices[NAME].registration.instances) == 23


def test_blocks_of_two_requests_and_of_two_devices_do_not_mix(world, peer):
    other = Peer(world)
    queries = {peer: QUERY, other: (*QUERY[:1], "ep=other", *QUERY[2:])}
    for number in range(6):
        for one, query in queries.items():
            block(one, number, uri_query=query)
            block(one, number, uri_query=(*query, "x=y"), path="/dp")
    assert all(len(device.registration.instances) == 23 for device in world.cloud.devices.values())
    assert list(world.cloud.devices) == [NAME, "other"]


def test_what_is_too_long_is_told_at_once_or_when_it_is(world, peer):
    told = block(peer, 0, size1=4097)
    assert (told.code, told.opt.size1) == (Code.REQUEST_ENTITY_TOO_LARGE, 4096)
    assert whole(peer, "x" * 4096)[-2:] == [Code.CONTINUE, Code.BAD_REQUEST]
    assert whole(peer, "x" * 4097)[-2:] == [Code.CONTINUE, Code.REQUEST_ENTITY_TOO_LARGE]


@pytest.mark.parametrize(
    ("payload", "one"),
    [(b"x" * 15, (0, True, 0)), (b"x" * 17, (0, True, 0)), (b"x" * 17, (0, False, 0)), (LINKS.encode(), (0, False, 7))],
)
def test_a_block_has_the_size_that_it_says(world, peer, payload, one):
    assert peer.ask(Code.POST, "/rd", payload, uri_query=QUERY, block1=one).code is Code.BAD_REQUEST


def test_what_nobody_goes_on_with_is_forgotten(world, peer):
    peer.register(lifetime=86_400)
    block(peer, 0)
    world.wait(coap.EXCHANGE_MS - 1)
    assert block(peer, 1).code is Code.CONTINUE
    world.wait(coap.EXCHANGE_MS)
    assert block(peer, 2).code is Code.REQUEST_ENTITY_INCOMPLETE


def test_only_a_few_are_begun_at_a_time(world, peer):
    for number in range(5):
        block(peer, 0, uri_query=(*QUERY, f"x={number}"))
    codes = [block(peer, 1, uri_query=(*QUERY, f"x={number}")).code for number in range(5)]
    assert codes == [Code.REQUEST_ENTITY_INCOMPLETE, *[Code.CONTINUE] * 4]
