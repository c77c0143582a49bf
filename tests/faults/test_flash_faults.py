# SPDX-License-Identifier: MIT
"""Each kind of flash defect: the device meets it, and lives with it (reliability.md F025-F038, G5)."""

import itertools
import random

import pytest

from simulator.board.errors import EspError
from simulator.board.flash import SECTOR, Flash
from simulator.campaign import stories
from simulator.campaign.case import Case
from simulator.campaign.fault_cases import MOMENTS_MS, flash_cases
from simulator.campaign.flash_faults import KINDS, Noop, Slow, Stuck, Weak
from simulator.campaign.run import Run, execute
from simulator.errors import UserError

UP = "later=1300:flash="  # the board has left the bench
ENDS = {
    # at any sector of the spare slot, what becomes of the update for ever broken, and broken once
    "program-error": ("failed", "updated"),
    "erase-error": ("failed", "updated"),
    "read-error": ("failed", "updated"),
    "noop-program": ("failed", "updated"),
}


def played(line: str) -> tuple[Run, str]:
    """The run of a case, and how it ended; nothing may be violated."""
    case = Case.parse(line)
    record = execute(case).record()
    assert not record["violations"], record
    run = Run(case)
    run.play()
    return run, record["end"]


@pytest.mark.parametrize("sector", range(5))
@pytest.mark.parametrize("kind", ENDS)
def test_flash_defect_of_the_spare_slot_is_met_and_fails_the_update(kind, sector):
    run, end = played(f"update {UP}{kind}:spare+{sector}")
    assert run.twin.flash.defects[0].hits
    assert end == ENDS[kind][0]


@pytest.mark.parametrize("sector", range(5))
@pytest.mark.parametrize("kind", ENDS)
def test_flash_defect_that_happens_once_does_not_stop_the_update(kind, sector):
    run, end = played(f"update {UP}{kind}:spare+{sector}:1")
    assert run.twin.flash.defects[0].hits == 1
    assert end == ENDS[kind][1]


def test_flash_that_erases_nothing_under_an_old_image_is_noticed():
    run, end = played(f"fallback {UP}noop-erase:spare+1")
    assert run.twin.flash.defects[0].hits
    assert end == "failed"


@pytest.mark.parametrize("value", [0, 1])
def test_flash_bit_that_sticks_in_the_image_is_never_activated(value):
    ends = set()
    for bit in (0, 1, 77, 4095, 20_001, 32_767):
        _, end = played(f"update {UP}stuck-{value}:spare+1:{bit}")
        wanted = stories.image("1.1.0")[SECTOR + bit // 8] >> bit % 8 & 1
        assert end == ("updated" if wanted == value else "failed")  # a bit that is as it should be hurts nobody
        ends.add(end)
    assert "failed" in ends


def test_flash_bit_that_is_weak_never_leaves_the_board_without_an_image():
    assert {played(f"update seed={seed} {UP}weak:spare+1:1")[1] for seed in range(8)} <= {"failed", "updated"}
    assert played(f"update {UP}weak:spare+1:1")[0].twin.flash.defects[0].hits


def test_flash_that_is_slow_costs_time_and_no_watchdog():
    fast, slow = Run(Case("update")), Run(Case("update", faults=("flash=slow:all:10",)))
    assert (fast.play().end, slow.play().end) == ("updated", "updated")
    assert slow.twin.clock.now_ms() > fast.twin.clock.now_ms() + 1000


@pytest.mark.parametrize("kind", ["program-error", "erase-error", "noop-program"])
@pytest.mark.parametrize("record", [0, 1])
def test_flash_boot_record_that_cannot_be_written_fails_the_update_once(kind, record):
    """An activation that did not take was once tried again and again, one download each."""
    run, end = played(f"update {UP}{kind}:otadata+{record}")
    assert run.twin.story.slot == ("ota_1" if end == "updated" else "ota_0")
    assert run.twin.story.states.count("downloading") == 1


@pytest.mark.parametrize("record", [0, 1])
def test_flash_boot_record_that_cannot_be_read_keeps_the_board_on_line(record):
    """The agent once repeated its first step for ever and never heard of any offer."""
    run, end = played(f"update flash=read-error:otadata+{record}")
    assert (end, run.twin.story.error) == ("failed", "no_spare_slot")
    assert not any("Traceback" in line for line in run.twin.story.lines)


def test_flash_boot_record_that_is_read_at_the_third_attempt_is_good_enough():
    assert played("update flash=read-error:otadata+0:2")[1] == "updated"


def test_flash_boot_record_that_was_not_read_as_written_never_starts_an_image_that_is_told_to_have_failed():
    """It read well at the next boot, whose bootloader started the image; and at once the agent confirmed it."""
    run, end = played(f"update seed=2 {UP}weak:otadata+1:1")
    assert (end, run.twin.story.error) == ("failed", "not_selected: the boot record was not written")
    assert run.twin.story.slot == "ota_0"


def test_flash_boot_record_that_reads_otherwise_after_the_start_of_a_trial_confirms_nothing():
    """The agent once took the running image for a fallback of the bootloader, and confirmed it at once."""
    played(f"update seed=1 {UP}weak:otadata+1:1")


def test_flash_of_the_journal_that_fails_once_is_tried_again():
    assert played(f"update {UP}program-error:nvs+0:1")[1] == "updated"


def test_flash_of_the_journal_that_fails_for_ever_is_a_failed_update_and_a_report():
    run, end = played(f"update {UP}program-error:nvs+0")
    assert (end, run.twin.story.slot) == ("failed", "ota_0")
    assert "journal_failed" in run.twin.story.error


def test_flash_of_the_journal_that_fails_while_nothing_is_installed_is_said_and_survived():
    """An answer that could not be noted once ended in a traceback, later in a new connection, again and again."""
    run, _ = played(f"chain seed=1 {UP}program-error:nvs+2")
    assert any("warning code=journal_failed" in line for line in run.twin.story.lines)
    assert not any("offline" in line for line in run.twin.story.lines)


@pytest.mark.parametrize("story", ["update", "rollback", "chain"])
@pytest.mark.parametrize("ms", MOMENTS_MS)
def test_flash_of_nvs_that_takes_nothing_any_more_never_keeps_the_board_from_its_cloud(story, ms):
    run, end = played(f"{story} later={ms}:flash=program-error:nvs")
    assert end != "stuck"
    assert not any("offline" in line for line in run.twin.story.lines)


def test_flash_of_nvs_that_keeps_the_chip_from_starting_it_leaves_a_board_that_comes_back():
    """The new image once ended in the REPL, without the deadline that brings the old one back."""
    run, _ = played(f"chain {UP}erase-error:nvs+1:2")
    assert run.twin.flash.defects[0].hits == 2
    assert any("nvs_unusable" in line for line in run.twin.story.lines)
    assert any("failed error=rolled_back" in line for line in run.twin.story.lines)
    assert run.twin.story.version == "1.3.0"


def test_flash_cases_cover_every_kind_at_every_sector():
    lines = [str(case) for case in flash_cases()]
    sectors = {"spare": 16, "running": 16, "otadata": 2, "nvs": 6}
    for kind in KINDS:
        for area, count in sectors.items():
            for number in range(count):
                assert any(f"flash={kind}:{area}+{number}" in line for line in lines)


def test_flash_cases_strike_where_an_update_reads_or_writes():
    """The running slot is never touched by an update, and NVS is read before anything can go wrong."""
    struck = set()
    for case in itertools.islice(flash_cases(), 0, None, 5):
        run = Run(case)
        run.play()
        defect = run.twin.flash.defects[-1]
        kind, place = case.faults[0].split("flash=")[1].split(":")[:2]
        struck.update({(place.split("+")[0], kind)} if defect.hits else ())
    assert {area for area, _ in struck} == {"spare", "otadata", "nvs", "files"}
    assert {kind for area, kind in struck if area == "spare"} == set(KINDS)


@pytest.mark.parametrize(
    "text", ["melted:spare+0", "weak", "weak:spare+0:x", "weak:kitchen+0", "weak:spare+-1", "slow:all:3:3"]
)
def test_flash_fault_that_makes_no_sense_is_a_user_error(text):
    with pytest.raises(UserError, match="flash="):
        Run(Case("update", faults=(f"flash={text}",)))


def test_flash_fault_behind_the_end_of_its_area_is_a_user_error():
    with pytest.raises(UserError, match="there are 2 sectors"):
        Run(Case("update", faults=("flash=weak:otadata+2",)))


def test_defect_noop_inside_a_block_erase_leaves_its_own_sector_alone():
    flash = Flash(65536)
    flash.program(0, bytes(65536))
    flash.defects.append(Noop("erase", 3 * SECTOR, 4 * SECTOR, None))
    flash.erase(0, 65536)
    assert flash.read(0, 65536) == b"\xff" * 3 * SECTOR + bytes(SECTOR) + b"\xff" * 12 * SECTOR


def test_defect_stuck_bit_survives_erase_and_program():
    flash = Flash(65536)
    flash.defects += [Stuck(0, SECTOR, 8, 0), Stuck(0, SECTOR, 17, 1)]
    flash.erase(0, SECTOR)
    assert flash.read(0, 4) == b"\xff\xfe\xff\xff"
    flash.program(0, bytes(4))
    assert flash.read(0, 4) == b"\x00\x00\x02\x00"


def test_defect_weak_bit_reads_both_ways():
    flash = Flash(65536)
    flash.defects.append(Weak(0, SECTOR, 5, random.Random(1)))
    assert {flash.read(0, 1) for _ in range(20)} == {b"\xff", b"\xdf"}


def test_defect_read_error_is_for_the_driver_only():
    run = Run(Case("update", faults=("flash=read-error:0",)))
    assert run.twin.flash.read(0, 4) == b"\xff" * 4
    with pytest.raises(EspError, match="ESP_FAIL"):
        run.twin.flash.fetch(0, 4)


def test_defect_slow_takes_its_factor():
    flash = Flash(65536)
    flash.defects.append(Slow(flash, 0, SECTOR, 4))
    flash.erase(0, SECTOR)
    assert flash.clock.now_ms() == pytest.approx(4 * flash.timing.sector_erase_ms)
