# SPDX-License-Identifier: MIT
"""Faults of reliability.md, groups E and G, that are seen on the wire; docs/faults.md has the whole list."""

import pytest

from simulator.clouds.thingsboard.checksums import checksum
from tests.agent.harness import GOOD, SECTOR, firmware
from tests.agent.web import Web

DATA = firmware("1.1.0")
LINK = {"url": "http://files.example/1.1.0.bin", "size": len(DATA), "algorithm": "SHA256"}
PAGE = b"<html><body>Please sign in to the Wi-Fi of this hotel</body></html>\n" * 100
_NO_WILL = 0xC2  # flags of a CONNECT: user name, password, clean, and nothing else


def serve(world) -> Web:
    web = Web(DATA)
    world.twin.net.serve("files.example", 80, web)
    return web


def links(world) -> dict:
    """Every connection of the board from now on, by number."""
    found = {}

    def look(packet):
        found[packet.link.number] = packet.link
        return [packet]

    world.twin.net.faults.append(look)
    return found


def is_well(world) -> bool:
    return world.states == [*GOOD] and world.runs == ("1.1.0", "ota_1")


@pytest.mark.parametrize("seconds", [8, 300])
def test_f069_a_server_that_takes_nothing_is_waited_for_and_then_left(world, seconds):
    world.offer()
    world.wait_flash("write", 9 * SECTOR)
    world.twin.net.is_taking = False
    world.pass_time(seconds)
    assert bool(world.logged("code=link_lost")) == (seconds > 10)
    world.twin.net.is_taking = True
    world.wait("UPDATED", 600)
    assert is_well(world)
    assert world.logged("ota erasing") == 1


def test_f071_another_address_in_mid_transfer_is_another_connection_and_the_same_offset(world):
    known = links(world)
    world.offer()
    world.wait_flash("write", 9 * SECTOR)
    dead = max(known)  # what goes to the old address, or comes from it, is lost without a word
    world.twin.net.faults.append(lambda packet: [packet] if packet.link.number > dead else [])
    world.wait("UPDATED", 600)
    assert is_well(world)
    assert world.logged("ota erasing") == 1
    assert world.downloaded <= len(DATA) + 8 * SECTOR


def test_f076_a_page_of_a_portal_is_not_the_package_and_the_download_begins_when_it_is_gone(world):
    web = serve(world)
    web.data = PAGE
    world.offer(**LINK, checksum=checksum("SHA256", DATA))
    world.wait(lambda: len(web.requests) == 3)
    assert not any(world.erases("ota_1"))
    web.data = DATA
    world.wait("UPDATED", 600)
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.1.0", "ota_1")


def test_f076_a_page_that_does_not_tell_its_length_is_no_image(world):
    web = serve(world)
    web.data, web.framing = PAGE, "chunked"
    world.offer(**LINK, checksum=checksum("SHA256", DATA))
    world.wait("FAILED", 600)
    assert world.errors[0].startswith("not_an_image")
    assert not any(world.erases("ota_1"))
    assert world.runs == ("1.0.0", "ota_0")


def test_f079_no_connection_is_left_open(world):
    known = links(world)
    web = serve(world)
    web.cuts = [2 * SECTOR] * 20  # each answer ends too early
    world.offer(**LINK, checksum=checksum("SHA256", DATA))
    for rule in ("mute", "close", "refuse=3") * 4:
        world.wait(lambda: world.device.session is not None)
        world.fault("connect:" + rule)
        world.device.session.close(0x83, "maintenance")
        world.pass_time(1)
    world.wait(lambda: world.ends == ["UPDATED"], 3600)
    world.settle()
    assert len(known) > 40
    assert [link.state for link in known.values() if link.state != "gone"] == ["open"]


def test_f119_the_board_leaves_no_will_behind(world):
    said = bytearray()

    def look(packet):
        if not packet.to_device and isinstance(packet.content, bytes):
            said.extend(packet.content)
        return [packet]

    world.twin.net.faults.append(look)
    world.wait(lambda: world.seen("attribute_response"))
    assert said[9] == _NO_WILL


def test_f125_a_late_chunk_of_the_boot_before_is_dropped(world):
    world.offer()
    world.wait_flash("write", 4 * SECTOR)
    old = world.seen("chunk_request")[-1]["request_id"]
    world.twin.cut()
    world.wait(lambda: len(world.seen("connect")) == 2)
    asked = len(world.seen("chunk_request"))
    world.wait(lambda: len(world.seen("chunk_request")) > asked)
    assert world.seen("chunk_request")[-1]["request_id"] != old
    for index in range(4, 16):
        world.device.session.publish(f"v2/fw/response/{old}/chunk/{index}", bytes(SECTOR))
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_1")
    assert world.slot_holds("ota_1", DATA)
    assert world.ends == ["UPDATED"]
