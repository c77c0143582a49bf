# SPDX-License-Identifier: MIT
"""A file server whose Size2 is wrong: it is a hint, and the last block says how long the image is (lwm2m.md 3.2)."""

from dataclasses import replace

import pytest
from aiocoap.message import Direction

from simulator.board.net import Fault, Packet
from simulator.clouds.lwm2m import coap
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, LwWorld

IMAGE = small_app(30_000)


def tells(size: int) -> Fault:
    """Every block that is fetched says that the image has so many bytes."""

    def fault(packet: Packet) -> list[Packet]:
        message = coap.parse(packet.content) if packet.to_device and isinstance(packet.content, bytes) else None
        if message is None or message.opt.size2 is None:
            return [packet]
        message.opt.size2, message.direction = size, Direction.OUTGOING
        return [replace(packet, content=message.encode())]

    return fault


@pytest.mark.parametrize("size", [100, 8_192, 20_000, 40_000])
def test_an_image_of_another_size_is_fetched_to_its_end(world: LwWorld, size: int) -> None:
    old = small_app(60_000)
    world.start()
    assert world.pull(data=old) == "2.04"  # what is not erased before would be seen
    world.wait_state(DOWNLOADED, 0)
    assert world.code(world.device.execute("/5/0/10")) == "2.04"
    world.twin.net.faults.insert(0, tells(size))
    assert world.pull(data=IMAGE) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert world.slot_holds("ota_1", IMAGE)


def test_a_download_that_has_passed_it_goes_on_after_a_cut(world: LwWorld) -> None:
    world.start()
    big = small_app(200_000)
    world.twin.net.faults.insert(0, tells(20_000))
    assert world.pull(data=big) == "2.04"
    world.wait(lambda: len(world.fetched()) > 60)
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.wait_state(DOWNLOADED, 0)
    assert world.slot_holds("ota_1", big)


def test_more_than_there_is_room_for_is_refused_at_once(world: LwWorld) -> None:
    world.start()
    world.twin.net.faults.insert(0, tells(4 << 20))
    assert world.pull(data=IMAGE) == "2.04"
    world.wait_state(0, 2)
    assert not any(world.erases("ota_1"))


def test_a_download_that_has_passed_it_goes_on_after_a_silence(world: LwWorld) -> None:
    """What lies behind the promised size is erased sector by sector, whichever line brings it."""
    world.start()
    assert world.pull(data=small_app(300_000)) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert world.code(world.device.execute("/5/0/10")) == "2.04"
    big = small_app(200_000)
    world.twin.net.faults.insert(0, tells(20_000))
    before = len(world.fetched())
    assert world.pull(data=big) == "2.04"
    world.wait(lambda: len(world.fetched()) - before > 60)
    lost = silence(5)
    world.twin.net.faults.insert(0, lost)
    world.wait_state(DOWNLOADED, 0)
    assert world.slot_holds("ota_1", big)


def silence(count: int) -> Fault:
    """So many blocks of the file do not arrive."""
    left = count

    def fault(packet: Packet) -> list[Packet]:
        nonlocal left
        message = coap.parse(packet.content) if packet.to_device and isinstance(packet.content, bytes) else None
        if left and message is not None and message.opt.block2 is not None:
            left -= 1
            return []
        return [packet]

    return fault
