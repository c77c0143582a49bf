# SPDX-License-Identifier: MIT
"""Particle's control surface (particle.md 11), items 16 to 27: what a transfer and its reset tell the product.

Resume, faults of the flash and the rest are told at length elsewhere (test_resume.py, docs/faults.md); here it is what
the product hears of them, and the pause, which Particle does not have.
"""

import pytest

from simulator.board.errors import EspError
from simulator.board.flash import Defect
from tests.agent.events import ask, events, heard, said
from tests.agent.harness import GOOD, SECTOR, World, firmware

PRODUCT = "controls"
VERSION_2 = firmware("1.1.0", product=PRODUCT)
VERSION_3 = firmware("1.2.0", product=PRODUCT)
BLOCKS = -(-len(VERSION_2) // SECTOR)


@pytest.fixture
def boot(make_world):
    """Makes a product on line that takes its events in some way."""

    def make(watch: str = "prints", **settings) -> World:
        world = make_world(firmware("1.0.0", product=PRODUCT), settings={"watch": watch, "window": 1, **settings})
        world.wait(lambda: world.seen("attribute_response"))
        world.settle(2)
        return world

    return make


@pytest.fixture
def product(boot) -> World:
    return boot()


@pytest.fixture
def under_way(product) -> World:
    product.fault("chunkx*:delay=100")
    product.offer("1.1.0", VERSION_2)
    product.wait_flash("write", 9 * SECTOR)
    return product


def test_events_of_a_good_update_come_in_order(product):
    product.offer("1.1.0", VERSION_2)
    product.wait("UPDATED")
    assert heard(product) == [
        *("status 1", "status 3", "begin 0", "progress 2", "complete 1", "status 1", "reset_pending 0", "reset 0"),
        "status 1",  # of the new version
    ]
    assert product.log.count("event progress 2") == BLOCKS


def test_p16_the_same_image_goes_on_where_it_was_without_an_erase(under_way):
    under_way.twin.cut()
    under_way.wait("UPDATED")
    assert under_way.logged("ota resuming offset=") == 1
    assert under_way.logged("ota erasing") == 1
    assert events(under_way) == ["begin 0", "begin 0", "complete 1", "reset_pending 0", "reset 0"]


def test_p16_another_image_begins_at_its_start(under_way):
    under_way.twin.cut()
    under_way.offer("1.2.0", VERSION_3)
    under_way.wait("UPDATED")
    assert under_way.logged("ota resuming") == 0
    assert under_way.runs == ("1.2.0", "ota_1")


def test_p17_what_was_altered_meanwhile_is_fetched_anew(under_way):
    under_way.twin.cut()
    under_way.twin.flash.power_on()
    under_way.twin.flash.program(under_way.partition("ota_1").offset + 5000, b"\x00")
    under_way.wait("UPDATED")
    assert under_way.logged("ota erasing") == 2
    assert under_way.slot_holds("ota_1", VERSION_2)


def test_p18_a_loss_of_power_costs_a_block_not_half_a_minute(under_way):
    under_way.twin.cut()
    under_way.wait("UPDATED")
    assert under_way.downloaded <= len(VERSION_2) + 3 * SECTOR
    assert under_way.slot_holds("ota_1", VERSION_2)


def test_p19_an_end_before_all_is_there_is_not_applied(product):
    product.fault(f"chunk={BLOCKS - 1}x*:truncate=100")
    product.offer("1.1.0", VERSION_2)
    product.wait("FAILED")
    product.settle()
    assert events(product) == ["begin 0", "failed -1"]
    assert product.runs == ("1.0.0", "ota_0")


def test_p20_a_resumed_transfer_that_turns_out_wrong_is_begun_again_at_its_start(product):
    product.fault("chunk=5:corrupt")
    product.offer("1.1.0", VERSION_2)
    product.wait_flash("write", 9 * SECTOR)
    product.twin.cut()
    product.wait("UPDATED")
    assert product.logged("code=checksum_mismatch") == 1
    assert product.logged("ota erasing") == 2


def test_p21_silence_fails_it_in_the_end(under_way):
    under_way.fault("chunkx*:mute")
    under_way.wait("FAILED", timeout_s=3000)
    under_way.settle()
    assert events(under_way) == ["begin 0", "failed -1"]
    assert under_way.device.client["ota_error"] == under_way.errors[-1] != ""


def test_p22_another_offer_ends_the_one_under_way_and_begins(under_way):
    under_way.offer("1.2.0", VERSION_3)
    under_way.wait("UPDATED")
    assert events(under_way) == ["begin 0", "failed -1", "begin 0", "complete 1", "reset_pending 0", "reset 0"]
    assert under_way.runs == ("1.2.0", "ota_1")


def test_p23_a_chunk_without_an_update_costs_nothing(product):
    product.device.session.publish("v2/fw/response/7/chunk/0", bytes(SECTOR))
    product.settle()
    assert ask(product)["update_status"] == 1
    assert len(product.seen("connect")) == 1


def test_p24_flash_that_cannot_be_written_fails_it_with_a_code(product):
    first = product.partition("ota_1").offset
    product.offer("1.1.0", VERSION_2)
    product.wait_flash("write", 9 * SECTOR)

    class Worn(Defect):
        def change(self, kind: str, address: int, old: bytes, new: bytes) -> bytes:
            if kind == "program" and first + 10 * SECTOR <= address < first + len(VERSION_2):
                raise EspError(-1, "ESP_FAIL")
            return new

    product.twin.flash.defects.append(Worn())
    product.wait("FAILED")
    product.settle()
    assert product.errors[0].startswith("flash_write_failed")
    assert events(product) == ["begin 0", "failed -1"]
    assert product.device.client["ota_error"] == product.errors[0]


def test_p25_a_held_reset_waits_and_is_told_and_comes_with_its_release(product):
    product.call("hold", reason="pouring")
    product.offer("1.1.0", VERSION_2)
    product.wait("VERIFIED")
    product.settle()
    assert events(product) == ["begin 0", "complete 1", "reset_pending 0"]
    assert (said(product, "waiting_for_reset")[-1], said(product, "reason")[-1]) == (True, "reset held: pouring")
    told = ask(product)
    assert (told["reset_pending"], told["reset_enabled"], told["update_status"]) == (True, False, 1)
    product.pass_time(60)
    assert product.twin.story.boots == 1
    product.call("release")
    product.wait("UPDATED")
    assert events(product)[3:] == ["reset 0"]


def test_p25_a_held_reset_comes_by_itself_after_the_time_of_the_settings(boot):
    world = boot(off_s=600)
    world.call("hold")
    world.offer("1.1.0", VERSION_2)
    world.wait("VERIFIED")
    world.pass_time(500)
    assert world.twin.story.boots == 1
    world.wait("UPDATED", timeout_s=200)


def test_p25_forced_by_the_operator_is_above_a_held_reset(product):
    product.call("hold")
    product.offer("1.1.0", VERSION_2)
    product.wait("VERIFIED")
    product.settle()
    product.push(ota_forced=True)
    product.wait("UPDATED")


@pytest.mark.parametrize(("watch", "at_least_s"), [("later", 1.5), ("generator", 1.5), ("never", 29.5)])
def test_p26_the_reset_waits_for_the_product_up_to_half_a_minute(boot, watch, at_least_s):
    world = boot(watch)
    world.offer("1.1.0", VERSION_2)
    world.wait("UPDATING")
    begin = world.twin.now_ms
    world.wait_log("ota reset")
    assert at_least_s * 1000 <= world.twin.now_ms - begin < (at_least_s + 3) * 1000
    world.wait("UPDATED")


def test_p27_a_second_update_before_the_reset_is_the_only_one_that_runs(product):
    product.call("hold")
    product.offer("1.1.0", VERSION_2)
    product.wait("VERIFIED")
    product.offer("1.2.0", VERSION_3)
    product.wait("VERIFIED")
    product.call("release")
    product.wait("UPDATED")
    assert product.runs == ("1.2.0", "ota_1")
    assert events(product)[3:] == ["failed -1", "begin 0", "complete 1", "reset_pending 0", "reset 0"]


def test_p27_a_second_one_that_is_wrong_leaves_what_runs(product):
    """As Particle's own test has it (particle.md 8): neither of the two runs after the reset."""
    product.call("hold")
    product.offer("1.1.0", VERSION_2)
    product.wait("VERIFIED")
    product.offer("1.2.0", firmware("1.2.0", chip="esp32s3"))
    product.wait("FAILED")
    product.call("release")
    product.settle()
    product.twin.cut()
    product.settle(10)
    assert product.runs == ("1.0.0", "ota_0")


@pytest.mark.parametrize("watch", ["raises", "slow"])
def test_a_handler_that_raises_or_is_slow_costs_no_update(boot, watch):
    world = boot(watch)
    world.offer("1.1.0", VERSION_2)
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert "reset 0" in events(world)


def test_a_pause_stops_at_the_next_block_and_goes_on_from_there(under_way):
    under_way.call("pause")
    under_way.settle()
    chunks = len(under_way.seen("chunk"))
    under_way.pass_time(60)
    assert len(under_way.seen("chunk")) == chunks
    assert under_way.device.client["ota_reason"] == "paused"
    assert events(under_way) == ["begin 0", "pending 0"]
    under_way.call("resume")
    under_way.wait("UPDATED")
    assert under_way.logged("ota erasing") == 1
    assert under_way.downloaded <= len(VERSION_2) + 3 * SECTOR
    assert under_way.ends == ["UPDATED"]


def test_a_pause_that_meets_a_loss_of_power_is_over(under_way):
    under_way.call("pause")
    under_way.settle()
    under_way.twin.cut()
    under_way.wait("UPDATED")
    assert under_way.downloaded <= len(VERSION_2) + 4 * SECTOR


def test_what_is_paused_can_be_unassigned(under_way):
    under_way.call("pause")
    under_way.settle()
    under_way.unassign()
    under_way.call("resume")
    under_way.settle()
    assert under_way.ends == []
    assert ask(under_way)["transfer"] == {}


@pytest.mark.parametrize("method", ["ota_cancel", "cancel"])
def test_cancelled_by_the_operator_or_the_product_it_has_failed(under_way, method):
    under_way.call(method)
    under_way.wait("FAILED")
    under_way.settle()
    assert events(under_way) == ["begin 0", "failed -1"]
    assert under_way.errors == ["cancelled"]
    assert under_way.device.client["ota_error"] == "cancelled"


def test_forced_by_a_call_of_the_operator_what_waits_starts(boot):
    world = boot(disabled=1)
    world.offer("1.1.0", VERSION_2)
    world.settle()
    world.call("ota_force")
    world.wait("UPDATED")


def test_transfer_tells_how_far_it_is(under_way):
    told = ask(under_way)
    assert told["update_status"] == 3
    assert told["transfer"]["version"] == "1.1.0"
    assert 9 * SECTOR <= told["transfer"]["offset"] < told["transfer"]["size"] == len(VERSION_2)
