# SPDX-License-Identifier: MIT
"""What the two boot records mean at a boot, read and mended; a reset ends what happens here, as on a board."""

import binascii
import struct

from fakes import Nvs

from ota import bootcheck, other, quarantine
from ota.journal import Journal
from ota.otadata import ABORTED, PENDING, VALID
from ota.report import Reporter

EMPTY = b"\xff" * 32
JOB = {"id": "J1", "title": "thermo", "version": "1.1.0", "stage": "activating", "tries": 0, "slot": "ota_1"}


class Reset(Exception):
    pass


def record(seq, state):
    crc = binascii.crc32(struct.pack("<I", seq), 0xFFFFFFFF) & 0xFFFFFFFF
    return struct.pack("<I20sII", seq, b"\xff" * 20, state, crc)


class Otadata:
    def __init__(self, records, failures):
        self.records = list(records)
        self.failures = failures

    def readblocks(self, index, buf, offset):
        if self.failures:
            self.failures -= 1
            raise OSError(-1, "ESP_FAIL")
        buf[:] = self.records[index]

    def ioctl(self, op, index):
        self.records[index] = EMPTY


class Running:
    def __init__(self, number):
        self.number = number
        self.calls = []

    def info(self):
        return (0, 0x10 + self.number, 0x10000, 65536, "ota_%d" % self.number, False)

    def set_boot(self):
        self.calls.append("set_boot")

    def mark_app_valid_cancel_rollback(self):
        self.calls.append("mark_valid")


class Watchdog:
    armed = None

    def arm(self, ms):
        self.armed = ms


class Board:
    slots = 2
    slots_include_running = True
    trial_ms = 30000

    def __init__(self, number, *records, cause="power", failures=0):
        self.running = Running(number)
        self.otadata = Otadata(records, failures)
        self.reset_cause = cause
        self.nvs = Nvs()
        self.watchdog = Watchdog()
        self.spare = "the other one"

    def now(self):
        return None

    def number(self, name, default):
        return default

    def reset(self):
        raise Reset


def settled(board, **facts):
    """(whether it is on trial, journal)."""
    journal = Journal(board.nvs)
    journal.save(**facts)
    return bootcheck.settle(board, journal, Reporter(journal)), journal


def told(journal):
    return [(event["state"], event.get("error", "").split(":")[0]) for event in journal.get("outbox") or ()]


def test_bootcheck_arms_the_deadline_on_a_trial_and_when_nobody_can_know():
    for records, failures, armed in (
        ((record(1, VALID), record(2, PENDING)), 0, 30000),
        ((record(1, VALID), record(2, VALID)), 0, None),
        ((record(1, VALID), record(2, PENDING)), 2, 30000),
        ((record(1, VALID), record(2, VALID)), 2, None),  # read at the third attempt
        ((record(1, VALID), record(2, VALID)), 99, 30000),
    ):
        board = Board(1, *records, failures=failures)
        bootcheck.guard(board)
        assert board.watchdog.armed == armed


def test_bootcheck_without_records_that_can_be_read_starts_nothing_and_has_to_confirm():
    board = Board(1, EMPTY, EMPTY, failures=99)
    assert settled(board)[0]
    assert board.spare is None


def test_bootcheck_without_any_record_repairs_nothing():
    board = Board(0, EMPTY, record(2, ABORTED))
    assert not settled(board)[0]
    assert board.running.calls == []


def test_bootcheck_repairs_with_the_record_of_what_runs_if_that_counts():
    board = Board(0, record(1, VALID), record(2, VALID))
    assert not settled(board)[0]
    assert board.otadata.records == [record(1, VALID), EMPTY]
    assert board.running.calls == []


def test_bootcheck_repairs_with_a_new_record_if_there_is_none_of_what_runs():
    for first in (EMPTY, record(1, ABORTED), record(1, VALID)[:28] + bytes(4), record(4, VALID)):
        board = Board(0, first, record(4, VALID) if first != record(4, VALID) else record(2, VALID))
        assert not settled(board)[0]
        assert board.running.calls == ["set_boot", "mark_valid"]
        assert board.otadata.records[0] == first


def test_bootcheck_takes_a_slot_that_was_selected_in_this_run_for_no_fallback():
    for cause in ("soft", "deepsleep"):
        board = Board(0, record(1, VALID), record(2, PENDING), cause=cause)
        try:
            settled(board)
        except Reset:
            assert board.otadata.records[1] == record(2, PENDING)
        else:
            raise AssertionError(cause)


def test_bootcheck_tells_how_an_activated_job_has_ended():
    for number, first, second, cause, ends, on_trial in (
        (1, record(1, VALID), record(2, PENDING), "soft", [], True),
        (1, record(1, VALID), record(2, VALID), "power", [("UPDATED", "")], False),
        (0, record(1, VALID), record(2, ABORTED), "watchdog", [("FAILED", "rolled_back")], False),
        (0, record(1, VALID), record(2, PENDING), "hard", [("FAILED", "not_bootable")], False),
        (0, record(1, VALID), EMPTY, "power", [], False),
    ):
        board = Board(number, first, second, cause=cause)
        found, journal = settled(board, job=JOB)
        assert (found, told(journal)) == (on_trial, ends)
    assert journal.get("job")["stage"] == "writing"  # the last one was never selected


def test_bootcheck_of_records_that_read_otherwise_than_for_the_bootloader_ends_no_job():
    board = Board(1, record(1, VALID), record(2, PENDING)[:28] + bytes(4))
    on_trial, journal = settled(board, job=JOB)
    assert on_trial
    assert (told(journal), journal.get("job")) == ([], JOB)
    assert board.running.calls == []


def test_bootcheck_of_a_trial_touches_no_record():
    records = [record(3, ABORTED), record(2, PENDING)]
    board = Board(1, *records)
    assert settled(board, job=JOB)[0]
    assert board.otadata.records == records


def test_bootcheck_erases_the_record_of_a_rollback_once_it_was_noted():
    board = Board(0, record(1, VALID), record(2, ABORTED))
    settled(board, job=JOB)
    assert board.otadata.records == [record(1, VALID), EMPTY]


def test_bootcheck_remembers_the_last_four_jobs_that_did_not_stand_their_trial_each_once():
    journal = Journal(Nvs())
    for name, bad in (
        ("J1", ["J1"]),
        ("J2", ["J1", "J2"]),
        ("J1", ["J2", "J1"]),
        ("J3", ["J2", "J1", "J3"]),
        ("J4", ["J2", "J1", "J3", "J4"]),
        ("J5", ["J1", "J3", "J4", "J5"]),
    ):
        quarantine.fail(dict(JOB, id=name), "rolled_back", Board(0), journal, Reporter(journal))
        assert journal.get("bad") == bad


def test_bootcheck_of_a_good_way_back_keeps_what_was_left_from_being_installed_under_another_id():
    board = Board(1)
    journal = Journal(board.nvs)
    for job in (
        dict(JOB, mark="abc"),  # of a cloud with ids of its own
        dict(JOB, id="J0"),
    ):
        journal.save(job=job)
        bootcheck.succeed(job, board, journal, Reporter(journal))
        here = journal.get("slots")["ota_1"]
        left = [here[0], "it spills"]
        left.extend(here[3:])
        back = dict(JOB, id="", mark="", slot="ota_0", left=left)
        bootcheck.succeed(back, board, journal, Reporter(journal))
        assert journal.get("outbox")[-1] == {"id": job["id"], "state": "FAILED", "error": "rolled_back: it spills"}
    assert journal.get("slots") == {"ota_1": ["J0", "thermo", "1.1.0"]}
    assert journal.get("bad") == ["abc", "J0"]


def test_bootcheck_of_a_bad_way_back_keeps_what_was_there_from_being_installed():
    class Slot:
        label, size, block = "ota_0", 65536, None

        def read(self, index, block):
            pass

        def check_head(self, size):
            pass

    class Spare:
        def set_boot(self):
            pass

    for entry in (["J0", "thermo", "1.0.0", "abc"], ["abc", "thermo", "1.0.0"]):
        board = Board(1, record(2, VALID), EMPTY)
        board.spare, board.selected = Spare(), lambda: "ota_0"
        journal = Journal(board.nvs)
        journal.save(slots={"ota_0": entry, "ota_1": ["J1", "thermo", "1.1.0", "def"]})
        other.select(board, journal, Slot(), "it spills")
        job = journal.get("job")
        assert (job["left"], job["version"]) == (["J1", "it spills", "def"], "1.0.0")
        quarantine.rolled_back(job, board, journal, Reporter(journal))
        assert (journal.get("bad"), told(journal)) == (["abc"], [])


def test_bootcheck_of_software_that_crashed_keeps_it_away_once():
    class Agent:
        pass

    board = Board(0)
    for entry in (["J1", "app", "2.0.0", "abc"], ["abc", "app", "2.0.0"]):
        track, journal = Agent(), Journal(Nvs())
        track.agent, track.journal, track.reporter = Agent(), journal, Reporter(journal)
        track.agent.board, track.agent.tracks = board, [track]
        for _ in range(2):
            quarantine.crashed(track, entry)
        assert (journal.get("bad"), told(journal)) == (["abc"], [("FAILED", "rolled_back")])
        assert journal.get("outbox")[0]["id"] == entry[0]


def test_bootcheck_confirms_the_job_of_the_slot_that_runs_and_no_other():
    for number, ends in ((1, [("UPDATED", "")]), (0, [])):
        board = Board(number, record(1, VALID), record(2, PENDING))
        journal = Journal(board.nvs)
        journal.save(job=JOB)
        bootcheck.confirm(board, journal, Reporter(journal))
        assert board.running.calls == ["mark_valid"]
        assert told(journal) == ends
        assert journal.get("slots") == ({"ota_1": ["J1", "thermo", "1.1.0"]} if ends else None)


def test_bootcheck_gives_a_trial_up_with_its_reason():
    board = Board(1, record(1, VALID), record(2, PENDING))
    journal = Journal(board.nvs)
    journal.save(job=JOB)
    try:
        bootcheck.give_up(board, journal, "cloud not reached")
    except Reset:
        again = Board(0, record(1, VALID), record(2, ABORTED))
        again.nvs = board.nvs
        assert settled(again, bad=None)[1].get("outbox")[0]["error"] == "rolled_back: cloud not reached"
    else:
        raise AssertionError("no reset")
