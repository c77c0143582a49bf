# SPDX-License-Identifier: MIT
"""Images on their way to a device: pushed in blocks, or fetched in blocks (items 18 to 33 of lwm2m.md 9)."""

import dataclasses

import pytest
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from simulator.clouds.lwm2m import FileManners, Style, coap
from tests.clouds.lw_peer import Peer
from tests.clouds.test_lwm2m_requests import Site

IMAGE = bytes(number * 7 % 251 for number in range(5000))


@pytest.fixture
def site() -> Site:
    return Site()


def receive(site: Site, answer=None) -> tuple[bytes, list]:
    """Takes a whole push as a device does. `answer(request)` returns another answer, or None for the usual one."""
    data, requests = bytearray(), []
    while True:
        site.world.wait(0)
        found = site.peer.take()
        if not found:
            return bytes(data), requests
        for request in found:
            requests.append(request)
            block = request.opt.block1
            special = answer(request) if answer else None
            if special is not None:
                code, options = special
                if code is Code.CONTINUE:
                    data += request.payload
                site.peer.answer(request, code, **options)
                continue
            assert block.start == len(data)
            data += request.payload
            site.peer.answer(request, Code.CONTINUE if block.more else Code.CHANGED, block1=block)


@pytest.mark.parametrize("block", [16, 64, 256, 512, 1024])
def test_l18_m_blocks_of_any_size(site, block):
    operation = site.device.push(IMAGE, Style(block=block))
    data, requests = receive(site)
    assert data == IMAGE
    assert {len(one.payload) for one in requests[:-1]} == {block}
    assert requests[0].opt.size1 == len(IMAGE)
    assert {one.opt.size1 for one in requests[1:]} == {None}
    assert {int(one.opt.content_format) for one in requests} == {42}
    assert len({one.token for one in requests}) == len(requests)
    assert operation.reply.code == "2.04"
    assert sum(event["size"] for event in site.world.events("block")) == len(IMAGE)


def test_l18_m_a_device_may_want_smaller_blocks(site):
    def smaller(request):
        number, more, _ = request.opt.block1
        return (Code.CONTINUE, {"block1": (number, more, 2)}) if number == 0 and len(request.payload) == 1024 else None

    site.device.push(IMAGE)
    data, requests = receive(site, smaller)
    assert data == IMAGE
    assert requests[1].opt.block1 == (16, True, 2)


def test_l19_m_every_acknowledgement_is_lost_once(site):
    for index in range(5):
        site.world.cloud.add_fault(f"answer={index}:drop")
    operation = site.device.push(IMAGE)
    seen = []
    for _ in range(400):
        for request in site.peer.take():
            seen.append(request)
            block = request.opt.block1
            site.peer.answer(request, Code.CONTINUE if block.more else Code.CHANGED, block1=block)
        site.world.wait(100)
    assert operation.reply.code == "2.04"
    assert [one.opt.block1.block_number for one in seen] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert [first.mid == second.mid for first, second in zip(seen[::2], seen[1::2], strict=True)] == [True] * 5


def test_l20_m_a_block_comes_again_with_a_new_message_id(site):
    site.world.cloud.add_fault("push=1:repeat=10")
    site.device.push(IMAGE[:3000])
    site.world.wait(0)
    site.peer.answer(site.peer.take()[0], Code.CONTINUE, block1=(0, True, 6))
    site.world.wait(10)
    first, again = site.peer.take()
    assert (first.payload, first.opt.block1) == (again.payload, again.opt.block1)
    assert first.mid != again.mid


def test_l21_l22_l23_m_blocks_can_be_sent_in_any_order(site):
    for number in (3, 0, 1, 0, 2):
        operation = site.device.push_block(IMAGE, number)
        request = site.asked()
        assert request.opt.block1.block_number == number
        assert request.payload == IMAGE[number * 1024 : (number + 1) * 1024]
        site.peer.answer(request, Code.REQUEST_ENTITY_INCOMPLETE)
        assert operation.reply.code == "4.08"


def test_l23_m_who_has_lost_its_place_gets_everything_again_but_only_once(site):
    operation = site.device.push(IMAGE)
    numbers = []
    for code in (Code.CONTINUE, Code.REQUEST_ENTITY_INCOMPLETE, Code.CONTINUE, Code.REQUEST_ENTITY_INCOMPLETE):
        request = site.asked()
        numbers.append(request.opt.block1.block_number)
        site.peer.answer(request, code, block1=request.opt.block1)
    assert (numbers, operation.reply.code) == ([0, 1, 0, 1], "4.08")


def test_l24_m_a_pause_between_two_blocks(site):
    site.world.cloud.add_fault("push=1:delay=60000")
    site.device.push(IMAGE)
    site.world.wait(0)
    site.peer.answer(site.peer.take()[0], Code.CONTINUE, block1=(0, True, 6))
    site.world.wait(1000)
    assert site.peer.take() == []


def test_l25_m_a_read_in_the_middle_of_a_push(site):
    site.device.push(IMAGE)
    site.world.wait(0)
    (block,) = site.peer.take()
    reading = site.device.read("/5/0/3")
    site.peer.answer(block, Code.CONTINUE, block1=(0, True, 6))
    (read,) = site.peer.take()
    assert coap.path_of(read) == "/5/0/3"
    site.peer.answer(read, Code.CONTENT, b"1", content_format=0)
    assert reading.reply.values == {"/5/0/3": 1}
    assert [one.opt.block1.block_number for one in site.peer.take()] == [1]


def test_l26_m_too_large_is_told(site):
    operation = site.device.push(IMAGE)
    request = site.asked()
    site.peer.answer(request, Code.REQUEST_ENTITY_TOO_LARGE, size1=1000)
    assert operation.reply.code == "4.13"


def test_l26_m_too_large_with_smaller_blocks_means_the_block(site):
    operation = site.device.push(IMAGE)
    site.peer.answer(site.asked(), Code.REQUEST_ENTITY_TOO_LARGE, block1=(0, True, 4))
    data, requests = receive(site)
    assert (data, len(requests[0].payload), operation.reply.code) == (IMAGE, 256, "2.04")


def test_l26_m_the_size_need_not_be_told(site):
    site.device.push(IMAGE, Style(tells_size=False))
    assert site.asked().opt.size1 is None


@pytest.mark.parametrize("code", [Code.CHANGED, Code.INTERNAL_SERVER_ERROR])
def test_l27_m_the_last_answer_is_told_as_it_is(site, code):
    operation = site.device.push(IMAGE[:10])
    site.peer.answer(site.asked(), code)
    assert operation.reply.code == code.dotted


def test_l29_m_a_package_wrapped_in_tlv(site):
    site.device.push(IMAGE, Style(format=11542))
    data, requests = receive(site)
    assert data == bytes.fromhex("d0001388") + IMAGE
    assert int(requests[0].opt.content_format) == 11542


# Fetched by CoAP


class Fetch:
    """A device that fetches a file at the door for files."""

    def __init__(self, site: Site, **manners) -> None:
        self.site, self.cloud = site, site.world.cloud
        self.cloud.files.manners = FileManners(**manners)
        self.file = self.cloud.files.add(IMAGE, "esp32-01")
        self.peer = Peer(site.world, site.world.door)

    def block(self, number: int | None = None, exponent: int = 6, **options):
        block2 = None if number is None else (number, False, exponent)
        return self.peer.ask(Code.GET, self.file.path, block2=block2, **options)


@pytest.mark.parametrize("block", [64, 256, 512, 1024])
def test_l30_m_the_server_chooses_the_size(site, block):
    fetch = Fetch(site, block=block)
    first = fetch.block()
    size = first.opt.block2.size
    assert (size, first.opt.size2, int(first.opt.content_format)) == (block, 5000, 42)
    data, number = first.payload, 0
    while len(data) < 5000:
        number += 1
        answer = fetch.block(number, first.opt.block2.size_exponent)
        assert answer.opt.etag == first.opt.etag
        data += answer.payload
    assert data == IMAGE
    assert not answer.opt.block2.more
    assert sum(event["size"] for event in site.world.events("file", device="esp32-01")) == 5000


def test_l30_m_a_smaller_block_is_served_and_a_larger_one_at_the_same_offset(site):
    fetch = Fetch(site, block=256)
    assert fetch.block(3, 2).payload == IMAGE[192:256]
    answer = fetch.block(2, 6)
    assert (answer.payload, answer.opt.block2) == (IMAGE[2048 : 2048 + 256], (8, True, 4))


@pytest.mark.parametrize(("etag", "tells_size"), [("off", False), ("on", True)])
def test_l30_m_with_and_without_etag_and_size(site, etag, tells_size):
    answer = Fetch(site, etag=etag, tells_size=tells_size).block()
    assert (answer.opt.etag is not None, answer.opt.size2 is not None) == (etag == "on", tells_size)


def test_l30_m_answers_can_be_separate(site):
    fetch = Fetch(site, separate_ms=300)
    request = fetch.peer.message(Code.GET, fetch.file.path)
    fetch.peer.send(request)
    assert [(one.mtype, one.code) for one in fetch.peer.take()] == [(Type.ACK, Code.EMPTY)]
    site.world.wait(300)
    (answer,) = fetch.peer.take()
    assert (answer.mtype, answer.token, answer.payload) == (Type.CON, request.token, IMAGE[:1024])
    fetch.peer.acknowledge(answer)
    site.world.wait(60_000)
    assert fetch.peer.take() == []


def test_l30_m_past_the_end_there_is_nothing(site):
    answer = Fetch(site).block(5)
    assert (answer.code, answer.payload, answer.opt.block2.more) == (Code.CONTENT, b"", False)


def test_l31_m_the_server_is_silent_at_one_block(site):
    fetch = Fetch(site)
    site.world.cloud.add_fault("file=2x*:drop")
    assert fetch.block(1).payload == IMAGE[1024:2048]
    for _ in range(2):
        fetch.peer.send(fetch.peer.message(Code.GET, fetch.file.path, block2=(2, False, 6)))
        assert fetch.peer.take() == []


def test_l32_m_a_file_goes_on_at_any_block_with_the_same_etag(site):
    fetch = Fetch(site)
    first = fetch.block()
    fetch.peer = Peer(site.world, site.world.door)
    again = fetch.block(3)
    assert (again.payload, again.opt.etag) == (IMAGE[3072:4096], first.opt.etag)


def test_l32_m_who_has_it_already_gets_nothing(site):
    fetch = Fetch(site)
    answer = fetch.block(etags=(fetch.block().opt.etag,))
    assert (answer.code, answer.payload) == (Code.VALID, b"")


def test_l33_m_the_etag_changes_with_the_file(site):
    fetch = Fetch(site)
    first = fetch.block()
    fetch.cloud.files.change(fetch.file, IMAGE[::-1])
    second = fetch.block(1)
    assert second.opt.etag != first.opt.etag
    assert second.payload == IMAGE[::-1][1024:2048]


def test_l33_m_the_etag_changes_in_the_middle(site):
    fetch = Fetch(site, etag="changing")
    tags = [fetch.block(number).opt.etag for number in range(5)]
    assert [tag == tags[0] for tag in tags] == [True, True, True, False, False]


def test_l15_m_a_file_that_has_expired_is_not_found(site):
    fetch = Fetch(site)
    fetch.file = fetch.cloud.files.add(IMAGE, "esp32-01", lasts_s=10)
    assert fetch.block().code is Code.CONTENT
    site.world.wait(10_000)
    assert fetch.block().code is Code.NOT_FOUND
    assert fetch.peer.ask(Code.PUT, fetch.file.path).code is Code.NOT_FOUND


def test_the_same_file_is_at_the_port_of_the_server(site):
    fetch = Fetch(site)
    assert site.peer.ask(Code.GET, fetch.file.path).payload == IMAGE[:1024]
    assert site.peer.ask(Code.PUT, fetch.file.path).code is Code.METHOD_NOT_ALLOWED


@pytest.fixture(params=["file door", "server"])
def fetch(request, site: Site) -> Fetch:
    """By either port."""
    found = Fetch(site)
    found.peer = found.peer if request.param == "file door" else site.peer
    return found


@pytest.mark.parametrize(("number", "code"), [(2051, Code.BAD_OPTION), (2050, Code.CONTENT)])
def test_l54_m_an_unknown_critical_option_is_refused_and_an_elective_one_skipped(fetch, number, code):
    request = fetch.peer.message(Code.GET, fetch.file.path)
    request.opt.add_option(coap.option(number, b"x"))
    fetch.peer.send(request)
    assert [one.code for one in fetch.peer.take()] == [code]


def test_l33_m_who_wants_the_file_as_it_was_gets_that_or_nothing(fetch):
    etag = fetch.block().opt.etag
    for wanted in ((etag,), (b"other", etag), (b"",)):
        assert fetch.block(1, if_match=wanted).payload == IMAGE[1024:2048]
    fetch.cloud.files.change(fetch.file)
    assert fetch.block(1, if_match=(etag,)).code is Code.PRECONDITION_FAILED
    assert fetch.block(1, if_none_match=True).code is Code.PRECONDITION_FAILED
    fetch.cloud.files.manners = FileManners(etag="off")
    assert fetch.block(1, if_match=(fetch.file.etag(),)).code is Code.PRECONDITION_FAILED


def test_l30_m_a_size_that_is_reserved_is_refused(fetch):
    assert fetch.block(0, 7).code is Code.BAD_REQUEST


def test_l31_m_a_block_is_refused_spoilt_or_lost(site):
    fetch = Fetch(site)
    site.world.cloud.add_fault("file=1:refuse=5.00")
    assert [fetch.block(1).code for _ in range(2)] == [Code.INTERNAL_SERVER_ERROR, Code.CONTENT]
    site.world.cloud.add_fault("file=1:corrupt")
    assert fetch.block(1).payload != IMAGE[1024:2048]
    site.world.cloud.add_fault("file=1:truncate=24")
    assert len(fetch.block(1).payload) == 1000


def test_manners_can_be_changed_at_any_time(site):
    fetch = Fetch(site, block=64)
    assert len(fetch.block().payload) == 64
    fetch.cloud.files.manners = dataclasses.replace(fetch.cloud.files.manners, block=512)
    assert len(fetch.block().payload) == 512
