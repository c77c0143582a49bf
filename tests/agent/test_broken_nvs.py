# SPDX-License-Identifier: MIT
"""NVS that is erased, full of nonsense, or full: the board works on, and updates work as soon as they can."""

import pytest

from simulator.board.errors import EspError
from tests.agent.harness import World

GARBAGE = {"empty": b"", "noise": bytes(range(256)), "a stump": b"\x01\x02\x00\x00"}


def spoil_journal(world: World, value: bytes) -> None:
    """Both records of the journal become something else."""
    nvs = world.twin.chip.nvs
    namespace = nvs.open("ota")
    for key in ("journal0", "journal1"):
        nvs.set_blob(namespace, key, value)


def fill(world: World) -> int:
    """The application has written so much that nothing else fits; returns its namespace."""
    nvs = world.twin.chip.nvs
    namespace = nvs.open("app")
    for size in (2000, 500, 50, 4):
        for number in range(200):
            try:
                nvs.set_blob(namespace, f"{size}-{number}", bytes(size))
            except EspError:
                break
    return namespace


def test_a_board_without_any_nvs_contents_goes_on_living(world):
    world.settle()
    world.twin.cut()
    world.twin.flash.power_on()
    row = world.partition("nvs")
    world.twin.flash.erase(row.offset, row.size)
    connects = len(world.seen("connect"))
    world.pass_time(120)
    assert len(world.seen("connect")) == connects  # it does not know its cloud any more
    assert world.logged("ota offline") > 3
    assert not world.logged("Traceback")


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_spoiled_journal_means_nothing_is_known(world, garbage):
    world.offer("1.1.0")
    world.wait("UPDATED")
    world.settle()
    world.twin.cut()
    world.twin.flash.power_on()
    spoil_journal(world, GARBAGE[garbage])
    world.settle()
    assert world.runs == ("1.1.0", "ota_1")
    world.offer("1.2.0")
    world.wait("UPDATED")
    assert world.runs == ("1.2.0", "ota_0")
    assert not world.logged("Traceback")


@pytest.mark.parametrize("moment", ["ota erasing", "ota progress", "ota trial"])
def test_a_journal_lost_in_the_middle_still_ends_in_one_updated(world, moment):
    world.fault("chunkx*:delay=300")
    world.offer("1.1.0")
    world.wait_log(moment)
    world.twin.cut()
    world.twin.flash.power_on()
    spoil_journal(world, b"")
    world.wait("UPDATED")  # a trial that was cut is rolled back, and as nobody knows, tried again
    world.settle()
    assert world.ends == ["UPDATED"]
    assert world.runs[0] == "1.1.0"


def test_a_full_nvs_ends_the_job_with_its_reason_and_the_board_works_on(world):
    world.settle()
    fill(world)
    world.offer("1.1.0")
    world.wait("FAILED")
    world.settle()
    assert {error.split(":")[0] for error in world.errors} == {"journal_failed"}
    assert not any(world.erases("ota_1"))
    readings = len(world.told("temperature"))
    world.pass_time(60)
    assert len(world.told("temperature")) > readings + 3


def test_after_room_was_made_the_next_offer_is_installed(world):
    world.settle()
    namespace = fill(world)
    world.offer("1.1.0")
    world.wait("FAILED")
    for number in range(3):
        world.twin.chip.nvs.erase_key(namespace, f"2000-{number}")
    world.offer("1.2.0")
    world.wait("UPDATED")
    assert world.runs == ("1.2.0", "ota_1")
