# SPDX-License-Identifier: MIT
"""Items 18 to 29 of lwm2m.md, section 9: a package pushed in blocks, by a server that is honest or not so."""

import pytest

from simulator.breakage import package
from simulator.clouds.lwm2m import Style, formats
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, LwWorld

SMALL = small_app(9_008)


def block(world: LwWorld, number: int, size: int = 1024, data: bytes = SMALL, **more) -> str:
    """One block; the code."""
    return world.code(world.device.push_block(data, number, Style(block=size, **more)))


def rest(world: LwWorld, first: int, size: int = 1024, data: bytes = SMALL) -> str:
    """The blocks from this one on."""
    code = ""
    for number in range(first, -(-len(data) // size)):
        code = block(world, number, size, data)
    return code


def holds(world: LwWorld, data: bytes = SMALL) -> None:
    """All is well with the image."""
    world.wait_state(DOWNLOADED, 0)
    assert world.slot_holds("ota_1", data)


@pytest.mark.parametrize("size", [16, 64, 256, 512, 1024])
def test_l18_blocks_of_any_size(world: LwWorld, size: int) -> None:
    world.start()
    assert world.push(SMALL, Style(block=size)) == "2.04"
    holds(world)
    assert len({event["index"] for event in world.seen("block")}) == -(-len(SMALL) // size)


def test_l18_the_size_of_blocks_may_change_where_they_fit(world: LwWorld) -> None:
    world.start()
    assert [block(world, number) for number in (0, 1)] == ["2.31"] * 2
    assert [block(world, number, 256) for number in (8, 9, 10, 11)] == ["2.31"] * 4
    assert block(world, 3, 64) == "2.31"  # that was there already
    assert rest(world, 3) == "2.04"
    holds(world)


@pytest.mark.parametrize("blocks", [8, 9])  # of those in flash there are two in the one, and a part of a third
def test_l18_the_last_block_may_be_empty(world: LwWorld, blocks: int) -> None:
    """As from who learns only after a whole block that it was the last one."""
    world.start()
    image = small_app(blocks * 1024)
    more = image + bytes(1)  # so each block of the image says that another one follows
    assert [block(world, number, data=more) for number in range(blocks)] == ["2.31"] * blocks
    assert block(world, blocks, data=image) == "2.04"
    assert block(world, blocks, data=image) == "2.04"  # its answer was lost
    holds(world, image)


def test_l19_a_block_that_comes_twice_is_answered_twice_and_written_once(world: LwWorld) -> None:
    world.start()
    for number in range(1 + len(SMALL) // 1024):
        world.cloud.add_fault(f"answer={number}:drop")
    assert world.push(SMALL) == "2.04"
    holds(world)
    assert len([event for event in world.seen("retransmit") if event["kind"] == "push"]) >= 9
    answers = [message for _, _, message in world.sent if message.opt.block1 is not None]
    by_mid: dict[int, set[bytes]] = {}
    for message in answers:
        by_mid.setdefault(message.mid, set()).add((message.code, message.opt.block1))
    assert all(len(found) == 1 for found in by_mid.values())
    assert max(world.erases("ota_1")) == 1
    assert world.writes("ota_1") == [0, 4096, 8192]


def test_l20_the_block_before_under_a_new_message_id(world: LwWorld) -> None:
    world.start()
    assert [block(world, number) for number in (0, 1, 2, 2, 1)] == ["2.31"] * 5
    assert rest(world, 3) == "2.04"
    assert block(world, 8) == "2.04"  # its answer was lost
    holds(world)


def test_l21_a_package_begins_with_block_0(world: LwWorld) -> None:
    world.start()
    assert block(world, 3) == "4.08"
    assert world.state == (0, 0)


@pytest.mark.parametrize("then", [0, 2])
def test_l22_after_a_gap_it_goes_on_or_begins_anew(world: LwWorld, then: int) -> None:
    world.start()
    assert [block(world, number) for number in (0, 1, 3)] == ["2.31", "2.31", "4.08"]
    assert rest(world, then) == "2.04"
    holds(world)


def test_l23_a_second_run_replaces_the_first(world: LwWorld) -> None:
    world.start()
    other = small_app(9_008, "1.2.0")
    assert [block(world, number) for number in range(6)] == ["2.31"] * 6
    assert rest(world, 0, data=other) == "2.04"
    holds(world, other)
    assert world.read("/5/0/7") == "1.2.0"


def test_l24_a_pause_of_a_minute_is_none_and_one_of_five_ends_it(world: LwWorld) -> None:
    world.start()
    assert [block(world, number) for number in (0, 1)] == ["2.31"] * 2
    world.pass_time(60)
    assert block(world, 2) == "2.31"
    world.pass_time(300)
    assert world.state == (0, 4)
    assert block(world, 3) == "4.08"
    assert rest(world, 0) == "2.04"
    holds(world)


def test_l25_reads_are_answered_in_the_midst_of_a_push(world: LwWorld) -> None:
    world.start()
    assert block(world, 0) == "2.31"
    assert world.state == (1, 0)
    assert block(world, 1) == "2.31"
    assert world.read("/3/0/3") == "1.0.0"
    assert rest(world, 2) == "2.04"
    holds(world)


def test_l25_updates_and_notifications_in_the_midst_of_a_push(make_world) -> None:
    """Neither may spoil the upload, nor wait for its end."""
    world = make_world(settings={"lifetime": 20})
    world.start()
    assert world.code(world.device.attributes("/5/0/3", pmax=10)) == "2.04"
    assert world.code(world.device.observe("/5/0/3")) == "2.05"
    for number in range(8):
        assert block(world, number) == "2.31"
        world.pass_time(7)
    assert rest(world, 8) == "2.04"
    assert len(world.seen("updated")) >= 3 and not world.seen("gone")
    told = world.notified()
    assert told[0] == 1 and len(told) >= 5
    holds(world)
    world.wait(lambda: world.notified()[-1] == 2)


def test_l26_a_package_that_is_too_large(world: LwWorld) -> None:
    world.start()
    room = world.partition("ota_1").size
    large = SMALL + bytes(room)
    reply = world.ask(world.device.push_block(large, 0))
    assert (reply.code, reply.message.opt.size1) == ("4.13", room)
    assert world.state == (0, 2)
    assert world.push(SMALL) == "2.04"
    holds(world)


def test_l26_an_image_that_is_too_large_to_be_pulled(world: LwWorld) -> None:
    """Size2 says so with the first block: no more than a sector of flash is asked for."""
    world.start()
    assert world.pull(data=SMALL + bytes(world.partition("ota_1").size)) == "2.04"
    world.wait_state(0, 2)
    assert len(world.fetched()) <= 4
    assert not any(world.erases("ota_1"))
    assert world.pull(data=SMALL) == "2.04"
    holds(world)


def test_l26_a_package_that_turns_out_to_be_too_large(world: LwWorld) -> None:
    world.start()
    large = small_app(16 * 1024 * 128) + bytes(1024)
    assert world.push(large, Style(tells_size=False), 3600) == "4.13"
    assert world.state == (0, 2)
    assert len(world.seen("block")) == world.partition("ota_1").size // 1024


def test_l27_a_damaged_package(world: LwWorld) -> None:
    world.start()
    damaged = bytearray(SMALL)
    damaged[5000] ^= 1
    assert world.push(bytes(damaged)) == "2.04"
    world.wait_state(0, 5)
    assert world.push(SMALL) == "2.04"
    holds(world)


@pytest.mark.parametrize("data", [b"PK" + bytes(3_000), package("wrong-chip", "1.1.0", 800_000)])
def test_l28_a_package_of_another_kind(world: LwWorld, data: bytes) -> None:
    world.start()
    world.push(data)
    world.wait_state(0, 6)


def test_l29_a_package_wrapped_in_tlv(world: LwWorld) -> None:
    world.start()
    assert world.push(SMALL, Style(format=formats.TLV)) == "2.04"
    holds(world)
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    assert world.code(world.device.put("/5/0/0", SMALL[:500], formats.SENML_CBOR)) == "4.15"
    assert world.state == (0, 0)


def test_a_package_as_text_is_base64(world: LwWorld) -> None:
    world.start()
    assert world.push(SMALL, Style(format=formats.TEXT, block=512)) == "2.04"
    holds(world)
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    for wrong in (b"AAA", b"A===", b"AA\nAAAAA", "AAA\u00e9".encode(), b"AA==AAAA"):
        assert world.code(world.device.put("/5/0/0", wrong, formats.TEXT)) == "4.00"
        assert world.state == (0, 0)
