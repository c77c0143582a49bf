# SPDX-License-Identifier: MIT
"""Faults of reliability.md, section 2, that belong to no other story; docs/faults.md has the whole list."""

from dataclasses import replace

import pytest

from simulator.board import tear
from simulator.clouds.thingsboard.checksums import checksum
from tests.agent.harness import GOOD, SECTOR, TITLE, firmware, small_app
from tests.agent.web import Web


def is_up_to_date(world) -> bool:
    """1.1.0 runs, is in flash to the last byte, and was reported as UPDATED and as nothing else."""
    return (
        set(world.ends) == {"UPDATED"}
        and world.runs == ("1.1.0", "ota_1")
        and world.slot_holds("ota_1", firmware("1.1.0"))
    )


def test_f021_cuts_within_a_second_of_every_boot_do_no_harm(world):
    world.offer()
    for number in range(50):
        world.pass_time(0.3 + number * 0.01)
        world.twin.cut()
    assert not any(world.erases("ota_0"))
    world.wait("UPDATED")
    world.settle()
    assert is_up_to_date(world)


def test_f031_a_running_slot_that_spoils_is_not_touched_by_the_update(world):
    world.offer()
    world.wait_flash("write", 9 * SECTOR)
    world.twin.flash.program(world.partition("ota_0").offset + 150_000, bytes(4))
    world.wait("UPDATED")
    assert is_up_to_date(world)
    assert not any(world.erases("ota_0"))


def test_f055_what_is_confirmed_stays_over_ten_power_cycles(world):
    world.offer()
    world.wait("UPDATED")
    for _ in range(10):
        world.settle()
        world.twin.cut()
    world.settle()
    assert world.ends == ["UPDATED"]
    assert is_up_to_date(world)


@pytest.mark.parametrize("seconds", [1, 60, 3600])
def test_f070_a_download_goes_on_when_wlan_is_back(world, seconds):
    world.offer()
    world.wait_flash("write", 9 * SECTOR)
    back = world.twin.clock.now_ms() + seconds * 1000
    world.twin.net.faults.append(lambda packet: [replace(packet, at=max(packet.at, back))])  # as TCP does in the end
    world.twin.board.site.is_up = False
    world.pass_time(seconds - 0.5)
    assert world.ends == [] and not world.logged("ota downloaded")
    world.twin.board.site.is_up = True
    world.wait("UPDATED", 1200)
    assert is_up_to_date(world)
    assert world.logged("ota erasing") == 1  # and so not from the start


@pytest.mark.parametrize("size", [3 * SECTOR, 3 * SECTOR - 112])
@pytest.mark.parametrize("error", [-1, 1])
def test_f131_a_size_that_is_wrong_by_one_never_boots(world, size, error):
    package = world.cloud.add_package(TITLE, "1.1.0", small_app(size))
    world.device.packages["FIRMWARE"] = package  # assigned without the queue, which would write its own size
    world.device.shared.update(package.attributes()[0] | {"fw_size": package.size + error})
    world.wait("FAILED", 3600)
    world.settle(300)
    assert world.ends == ["FAILED"]
    assert "VERIFIED" not in world.states
    assert world.twin.story.boots == 1


@pytest.mark.parametrize("moment", ["erasing", "progress", "downloaded", "verified", "trial", "confirmed"])
def test_f175_ctrl_d_in_any_state_changes_nothing(world, moment):
    world.fault("chunkx*:delay=300")
    world.offer()
    world.wait_log("ota " + moment)
    world.twin.board.soft_reset()
    world.wait(lambda: world.logged("ota reported state=UPDATED"))
    world.settle()
    assert is_up_to_date(world)
    assert list(dict.fromkeys(world.states)) == [*GOOD]


def test_f196_an_acknowledgement_lost_over_twenty_boots_is_one_updated(world):
    world.offer()
    world.wait("UPDATING")
    world.fault("telemetryx*:mute")
    world.wait("UPDATED")
    for _ in range(20):
        world.twin.cut()
        world.settle()
    world.clear_faults()
    world.wait(lambda: world.logged("ota reported state=UPDATED"))
    world.twin.cut()
    told = len(world.ends)
    world.settle(30)
    assert len(world.ends) == told > 10
    assert is_up_to_date(world)


def test_f020_a_hundred_cuts_at_the_same_place_wear_one_sector_and_then_it_goes_on(world):
    world.offer()
    world.wait_flash("write", 4 * SECTOR)
    target = world.partition("ota_1").offset + 5 * SECTOR
    cuts = []

    def cut(kind: str, address: int, size: int):
        if (kind, address) != ("program", target) or len(cuts) == 100:
            return None
        cuts.append(address)
        return tear.prefix(0.5)

    world.twin.flash.on_op = cut
    world.wait("UPDATED", 3600)
    assert len(cuts) == 100
    assert is_up_to_date(world)
    assert world.erases("ota_1")[5] <= 101
    assert max(world.erases("ota_1")[:5]) <= 101


@pytest.mark.parametrize("index", [0, 3, 20])
def test_f122_chunks_out_of_order_are_put_where_they_belong(world, index):
    world.fault(f"chunk={index}:delay=300")
    world.offer()
    world.wait("UPDATED")
    assert is_up_to_date(world)
    came = [event["index"] for event in world.seen("chunk")]
    assert index == 0 or came != sorted(came)  # the first one is asked for alone


class Moody(Web):
    """Fails every second time; its other answers end early."""

    def _answer(self, request: str) -> bytes:
        self.status = None if len(self.requests) % 2 else "500 Internal Server Error"
        return super()._answer(request)


def test_f099_a_web_server_that_fails_every_second_time_is_outlasted(world):
    data = firmware("1.1.0")
    web = Moody(data)
    web.cuts = [0, 50_000, 0, 40_000]  # every other answer has no body to cut
    world.twin.net.serve("files.example", 80, web)
    world.offer(
        url="http://files.example/1.1.0.bin", size=len(data), algorithm="SHA256", checksum=checksum("SHA256", data)
    )
    world.wait("UPDATED", 1200)
    assert is_up_to_date(world)
    starts = [0, 0, 12 * SECTOR, 12 * SECTOR, 21 * SECTOR]
    assert web.requests == [start for start in starts for _ in range(2)]
