# SPDX-License-Identifier: MIT
"""After a cut the download goes on where it was: at most one sector and one chunk come again."""

import pytest

from simulator.board import tear
from tests.agent.harness import SECTOR, firmware

DATA = firmware("1.1.0")
BLOCKS = -(-len(DATA) // SECTOR)


def ends_well(world, extra: int) -> None:
    """One UPDATED, the right bytes, and at most `extra` bytes more than the image."""
    world.wait("UPDATED")
    world.settle()
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.1.0", "ota_1")
    assert world.slot_holds("ota_1", DATA)
    assert world.downloaded <= len(DATA) + extra


@pytest.mark.parametrize("chunk", [1024, 4096, 8192, 65536])
@pytest.mark.parametrize("block", [1, 17, BLOCKS - 1])
def test_power_cut_while_writing_fetches_one_sector_and_what_was_under_way(make_world, chunk, block):
    world = make_world(settings={"chunk": chunk, "window": 1})
    world.offer()
    world.wait_flash("write", block * SECTOR)
    world.twin.cut()
    ends_well(world, SECTOR + 2 * chunk)


@pytest.mark.parametrize("chunk", [1024, 8192, 65536])
@pytest.mark.parametrize("block", [1, 17, BLOCKS - 1])
def test_link_lost_while_writing_fetches_one_sector_and_what_was_under_way(make_world, chunk, block):
    world = make_world(settings={"chunk": chunk, "window": 1})
    world.offer()
    world.wait_flash("write", block * SECTOR)
    world.device.session.close(0x83, "restart")
    ends_well(world, SECTOR + 2 * chunk)
    assert world.logged("ota erasing") == 1


@pytest.mark.parametrize("block", [0, 5, BLOCKS - 1])
def test_power_cut_while_erasing_costs_the_first_chunk_again(world, block):
    world.offer()
    world.wait_flash("erase", block * SECTOR)
    world.twin.cut()
    ends_well(world, 2 * SECTOR)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_sector_torn_in_the_midst_of_programming_is_fetched_again(world, share):
    world.offer()
    world.wait_flash("write", 5 * SECTOR)
    target = world.partition("ota_1").offset + 6 * SECTOR

    def cut(kind: str, address: int, size: int):
        return tear.prefix(share) if (kind, address) == ("program", target) else None

    world.twin.flash.on_op = cut
    world.wait(lambda: world.twin.why == "power_cut")
    world.twin.flash.on_op = None
    ends_well(world, 6 * SECTOR)


@pytest.mark.parametrize("moment", ["ota downloaded", "ota verified", "ota updating"])
def test_power_cut_with_all_bytes_in_flash_fetches_almost_nothing_again(world, moment):
    world.offer()
    world.wait_log(moment)
    world.twin.cut()
    ends_well(world, 2 * SECTOR)


def test_three_cuts_in_one_download_add_up(world):
    world.offer()
    for block in (3, 12, 25):
        world.wait_flash("write", block * SECTOR)
        world.twin.cut()
    ends_well(world, 3 * 6 * SECTOR)
    assert max(world.erases("ota_1")) <= 2


def test_another_image_with_the_same_name_starts_anew(world):
    """Title and version are the same, size and checksum are not."""
    package = world.offer("1.1.0", firmware("1.1.0", "import time\nwhile True:\n    time.sleep(1)\n"))
    world.wait_flash("write", 9 * SECTOR)
    world.twin.cut()
    world.cloud.packages.remove(package)
    world.unassign()
    world.offer("1.1.0")
    world.wait("UPDATED")
    assert world.slot_holds("ota_1", DATA)
    assert world.logged("ota resuming") == 0


def test_flash_that_does_not_keep_what_was_written_is_found_before_activation(world):
    """The bytes came right and were counted right: only reading flash back can tell."""
    world.offer()
    world.wait_flash("write", 9 * SECTOR)
    world.twin.flash.program(world.partition("ota_1").offset + 5000, bytes(4))
    world.wait("UPDATED")
    assert world.logged("code=flash_mismatch") == 1
    assert world.ends == ["UPDATED"]
    assert world.slot_holds("ota_1", DATA)


def test_a_spoiled_sector_behind_the_cut_is_found_by_the_digest(world):
    """A bit that falls over in what was written before the cut costs a download, never truth."""
    world.offer()
    world.wait_flash("write", 9 * SECTOR)
    world.twin.cut()
    world.twin.flash.power_on()
    world.twin.flash.program(world.partition("ota_1").offset + 5000, b"\x00")
    world.wait("UPDATED")
    assert world.ends == ["UPDATED"]
    assert world.slot_holds("ota_1", DATA)


def test_link_lost_while_flash_is_read_back_is_connected_again(world):
    world.offer()
    world.wait_flash("write", 30 * SECTOR)
    world.twin.cut()
    world.wait_log("ota downloading")
    world.device.session.close(0x83, "restart")
    ends_well(world, 3 * SECTOR + 4 * 4096)
    assert not world.logged("Traceback")
