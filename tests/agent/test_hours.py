# SPDX-License-Identifier: MIT
"""Rules about time, as a maker puts them into NVS or a cloud gives them with its jobs: downloads and resets wait."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.agent.harness import GOOD, SECTOR, World, firmware

EPOCH_2000 = 946_684_800  # unix seconds at the chip's second 0
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
NIGHT = "02:00-04:00"
_TIME = "104k"  # local time and who decides when, with line numbers


def unix(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def set_clock(world: World, text: str) -> None:
    """Somebody sets the board's clock, right or wrong; UTC."""
    world.twin.chip.set_time(unix(text) - EPOCH_2000)


def clock_s(world: World) -> int:
    return world.twin.chip.time() + EPOCH_2000


@pytest.fixture
def offered(make_world) -> Callable[..., World]:
    """Makes a board with these settings, set to `clock` when it is switched on, and offers it version 1.1.0."""

    def make(clock: str = "", product: str = "controls", **settings: int | str) -> World:
        world = make_world(firmware("1.0.0", product=product), settings=settings, heap=_TIME)
        if clock:
            set_clock(world, clock)
        world.wait(lambda: world.seen("attribute_response"))
        world.offer("1.1.0", firmware("1.1.0", product=product))
        return world

    return make


def rests(world: World, seconds: float = 20) -> None:
    """The board waits: it runs on, is on line, asks for nothing and leaves its flash alone."""
    world.settle()
    flash, states = world.twin.flash, len(world.states)
    before = sum(flash.programs), sum(flash.erases)
    world.pass_time(seconds)
    assert (sum(flash.programs), sum(flash.erases)) == before
    assert len(world.states) == states
    assert world.device.session is not None


def test_window_in_nvs_holds_the_download_back_and_opens_on_the_second(offered):
    world = offered("2026-01-15 00:59:00", when=NIGHT, tz=BERLIN)  # 01:59 in Berlin
    rests(world)
    assert world.states == []
    assert world.logged(f"ota idle reason=waiting_for_window until={unix('2026-01-15 01:00')}") == 1
    world.wait("DOWNLOADING")
    assert 0 <= clock_s(world) - unix("2026-01-15 01:00") <= 1
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert world.logged("reason=waiting") == 1


def test_window_that_is_open_changes_nothing(offered):
    world = offered("2026-01-15 02:00:00", when=NIGHT)
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert world.logged("reason=waiting") == 0


def test_window_is_in_utc_unless_the_board_is_told_its_time_zone(offered):
    world = offered("2026-07-15 01:59:50", when=NIGHT)
    rests(world, 2)
    world.wait("UPDATED")


def test_download_may_finish_after_its_window_and_the_reset_waits_for_its_own(offered):
    """F164. The reset comes in the very second in which its window opens."""
    world = offered("2026-01-15 01:59:55", when="01:00-01:59; reboot 02:01-02:02")
    world.fault("chunkx*:delay=200")
    world.wait("VERIFIED")
    assert clock_s(world) > unix("2026-01-15 02:00")
    rests(world)
    assert world.twin.story.boots == 1
    assert world.logged("ota idle reason=waiting_for_reboot_window") == 1
    world.wait("UPDATING")
    assert 0 <= clock_s(world) - unix("2026-01-15 02:01") <= 1
    world.wait("UPDATED")
    assert world.states == [*GOOD]


def test_force_is_above_windows_before_the_download_and_before_the_reset(offered):
    world = offered("2026-01-15 12:00", when=NIGHT)
    rests(world)
    world.call("force")
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    held = offered("2026-01-15 12:00", when="12:00-12:30; reboot 02:00-03:00")
    held.wait("VERIFIED")
    rests(held)
    held.call("force")
    held.wait("UPDATED")


def test_force_is_for_one_job(offered):
    world = offered("2026-01-15 12:00", when=NIGHT)
    rests(world, 1)
    world.fault("chunkx*:delay=200")
    world.call("force")
    world.wait("DOWNLOADING")
    world.call("cancel")
    world.wait("FAILED")
    world.offer("1.2.0", firmware("1.2.0", product="controls"))
    rests(world)
    assert world.states == ["DOWNLOADING", "FAILED"]


def test_what_waits_for_its_window_can_be_called_off(offered):
    world = offered("2026-01-15 01:59:50", when=NIGHT)
    rests(world, 1)
    world.unassign()
    world.pass_time(30)
    assert world.states == []


def test_what_waits_for_the_reset_can_be_called_off(offered):
    world = offered("2026-01-15 02:00", when="02:00-04:00; reboot 05:00-06:00")
    world.wait("VERIFIED")
    rests(world)
    world.call("cancel")
    world.wait("FAILED")
    set_clock(world, "2026-01-15 05:30")
    world.pass_time(10)
    assert world.errors == ["cancelled"]
    assert world.twin.story.boots == 1


def test_power_cut_in_mid_download_goes_on_in_the_next_window(offered):
    world = offered("2026-01-15 02:00", when=NIGHT)
    world.wait_flash("write", 6 * SECTOR)
    world.twin.cut()
    world.pass_time(0.1)
    set_clock(world, "2026-01-15 04:01")
    rests(world)
    set_clock(world, "2026-01-16 01:59:58")
    world.wait("UPDATED")
    assert world.logged("ota resuming") == 1


def test_unknown_clock_opens_no_window_until_somebody_sets_it(offered):
    world = offered(when=NIGHT)
    rests(world)
    assert world.states == []
    assert world.logged("ota idle reason=clock_unknown") == 1
    set_clock(world, "2026-01-15 03:00")
    world.wait("UPDATED", timeout_s=30)


@pytest.mark.parametrize("later_s", [0, 30])
def test_unknown_clock_is_asked_for_at_once_and_every_five_minutes(make_world, later_s):
    world = make_world(firmware("1.0.0", product="controls"), settings={"when": "mo-su", "step_ms": 1000})
    world.twin.net.tells_time = not later_s
    world.offer("1.1.0", firmware("1.1.0", product="controls"))
    world.pass_time(later_s)
    assert world.states == []
    world.twin.net.tells_time = True
    world.wait("DOWNLOADING", timeout_s=310 if later_s else 20)
    world.wait("UPDATED")


def test_clock_that_jumps_into_the_window_opens_it(offered):
    world = offered("2026-01-15 12:00", when=NIGHT)
    rests(world)
    set_clock(world, "2026-01-20 03:00")
    world.wait("UPDATED", timeout_s=30)


def test_clock_that_jumps_back_into_the_window_opens_it_too(offered):
    """F159. It waits for tomorrow; but it is yesterday, and the window is open."""
    world = offered("2026-01-15 12:00", when=NIGHT)
    rests(world)
    set_clock(world, "2026-01-14 02:30")
    world.wait("UPDATED", timeout_s=30)


def test_clock_that_is_forgotten_while_waiting_opens_nothing(offered):
    world = offered("2026-01-15 01:59:30", when=NIGHT)
    rests(world, 5)
    set_clock(world, "2000-01-01 02:00")
    world.pass_time(60)
    assert world.states == []
    assert world.logged("ota idle reason=clock_unknown") == 1
    assert world.logged("Traceback") == 0


@pytest.mark.parametrize(
    ("settings", "trouble"),
    [
        ({"when": "2:00-4:00"}, "bad_when: 2:00-4:00"),
        ({"when": "from 2062-01-01"}, "when_too_long"),
        ({"when": "until 2025-12-31"}, "when_too_long"),
        ({"when": "mo-su", "tz": "Europe/Berlin"}, "bad_tz: Europe/Berlin"),
    ],
)
def test_rule_that_would_cut_the_board_off_does_not_count_and_is_told(offered, settings, trouble):
    world = offered("2026-01-15 12:00", **settings)
    world.wait("UPDATED")
    assert set(world.errors) == {trouble}
    assert world.logged("ota warning code=" + trouble.partition(":")[0]) >= 1


def test_job_that_is_not_valid_yet_waits(offered):
    world = offered("2026-01-15 12:00", "valid", valid_from=unix("2026-01-15 12:01"))
    rests(world)
    world.wait("DOWNLOADING")
    assert 0 <= clock_s(world) - unix("2026-01-15 12:01") <= 1
    world.wait("UPDATED")


def test_validity_that_ends_in_mid_download_ends_the_job_before_it_is_activated(offered):
    world = offered("2026-01-15 12:00", "valid", valid_until=unix("2026-01-15 12:00:20"))
    world.fault("chunkx*:delay=1000")
    world.wait("FAILED")
    assert clock_s(world) - unix("2026-01-15 12:00:20") <= 7
    assert world.states == ["DOWNLOADING", "FAILED"]
    assert world.errors == ["validity_over"]
    world.clear_faults()
    world.twin.cut()
    world.pass_time(30)
    assert world.runs == ("1.0.0", "ota_0")
    assert world.ends == ["FAILED"]


def test_validity_that_ends_while_the_reset_waits_ends_the_job(offered):
    world = offered(
        "2026-01-15 12:00", "valid", valid_until=unix("2026-01-15 12:01"), when="12:00-12:59; reboot 02:00-03:00"
    )
    world.wait("VERIFIED")
    world.wait("FAILED")
    assert 0 <= clock_s(world) - unix("2026-01-15 12:01:01") <= 1
    assert world.errors == ["validity_over"]
    set_clock(world, "2026-01-16 02:30")
    world.pass_time(10)
    assert world.twin.story.boots == 1


def test_validity_that_is_over_is_refused_without_a_download(offered):
    world = offered("2026-01-15 12:00", "valid", valid_until=unix("2026-01-15 11:59:59"))
    world.wait("FAILED")
    assert world.errors == ["validity_over"]
    assert not world.seen("chunk_request")


def test_clock_that_jumps_over_the_end_of_a_validity_ends_the_job(offered):
    world = offered("2026-01-15 12:00", "valid", valid_until=unix("2026-01-15 13:00"))
    world.fault("chunkx*:delay=1000")
    world.wait("DOWNLOADING")
    set_clock(world, "2036-01-15 12:00")
    world.wait("FAILED", timeout_s=20)
    assert world.errors == ["validity_over"]


def test_clock_that_is_forgotten_in_mid_download_stops_nothing_but_the_reset(offered):
    world = offered("2026-01-15 12:00", "valid", valid_until=unix("2026-01-15 13:00"))
    world.wait("DOWNLOADING")
    set_clock(world, "2000-01-01 00:00")
    world.wait("VERIFIED")
    rests(world)
    set_clock(world, "2026-01-15 12:30")
    world.wait("UPDATED")
