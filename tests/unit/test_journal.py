# SPDX-License-Identifier: MIT
"""The facts that survive a reset: the old record or the new one, never rubbish."""

import binascii
import struct

from fakes import Nvs, raises

from ota.errors import FlashError, JobError
from ota.journal import Journal


def test_journal_of_a_new_board_knows_nothing():
    assert Journal(Nvs()).facts == {}


def test_journal_facts_survive_a_reset():
    nvs = Nvs()
    Journal(nvs).save(job={"id": "ab", "tries": 1}, last="xy")
    again = Journal(nvs)
    assert again.get("job") == {"id": "ab", "tries": 1}
    assert again.get("last") == "xy"


def test_journal_none_takes_a_fact_away():
    nvs = Nvs()
    journal = Journal(nvs)
    journal.save(job={"id": "ab"}, last="xy")
    journal.save(job=None, outbox=None)
    assert Journal(nvs).facts == {"last": "xy"}


def test_journal_writes_nothing_when_nothing_changes():
    nvs = Nvs()
    journal = Journal(nvs)
    journal.save(last="xy")
    journal.save(last="xy", bad=None)
    assert nvs.writes == 1


def test_journal_takes_turns_and_keeps_the_record_before():
    nvs = Nvs()
    journal = Journal(nvs)
    for n in range(5):
        journal.save(last=n)
    assert len(nvs.blobs) == 2
    assert Journal(nvs).get("last") == 4


def test_journal_every_flipped_bit_falls_back_to_the_record_before():
    nvs = Nvs()
    journal = Journal(nvs)
    journal.save(last="old")
    journal.save(last="new")
    newest = "journal0"
    good = nvs.blobs[newest]
    for bit in range(len(good) * 8):
        torn = bytearray(good)
        torn[bit // 8] ^= 1 << bit % 8
        nvs.blobs[newest] = bytes(torn)
        assert Journal(nvs).get("last") == "old", bit


def test_journal_every_prefix_of_a_record_falls_back_to_the_record_before():
    nvs = Nvs()
    journal = Journal(nvs)
    journal.save(last="old")
    journal.save(last="new")
    good = nvs.blobs["journal0"]
    for length in range(len(good)):
        nvs.blobs["journal0"] = good[:length]
        assert Journal(nvs).get("last") == "old", length


def test_journal_with_both_records_broken_starts_afresh_and_can_write_again():
    nvs = Nvs()
    nvs.blobs = {"journal0": b"rubbish", "journal1": b""}
    journal = Journal(nvs)
    assert journal.facts == {}
    journal.save(last="xy")
    assert Journal(nvs).get("last") == "xy"


def test_journal_of_two_records_with_the_same_number_takes_the_first_and_goes_on():
    nvs, other = Nvs(), Nvs()
    Journal(nvs).save(last="second")
    Journal(other).save(last="first")
    nvs.blobs["journal0"] = other.blobs["journal1"]
    journal = Journal(nvs)
    assert journal.get("last") == "first"
    journal.save(last="third")
    assert Journal(nvs).get("last") == "third"


def test_journal_record_of_a_later_format_is_not_ours():
    nvs = Nvs()
    Journal(nvs).save(last="xy")
    nvs.blobs["journal1"] = b"\x02" + nvs.blobs["journal1"][1:]
    assert Journal(nvs).facts == {}


def test_journal_record_that_is_whole_and_no_record_of_facts_is_not_ours():
    nvs = Nvs()
    for body in (b"[]", b"7", b'"job"', b"{", b""):
        crc = binascii.crc32(body, binascii.crc32(struct.pack("<I", 1))) & 0xFFFFFFFF
        nvs.blobs["journal1"] = struct.pack("<BII", 1, 1, crc) + body
        assert Journal(nvs).facts == {}, body


def test_journal_is_written_without_blanks_and_one_with_blanks_is_still_read():
    nvs = Nvs()
    body = b'{"job": {"id": "ab", "tries": 1}, "last": "xy"}'  # as earlier firmware wrote it
    crc = binascii.crc32(body, binascii.crc32(struct.pack("<I", 1))) & 0xFFFFFFFF
    nvs.blobs["journal1"] = struct.pack("<BII", 1, 1, crc) + body
    journal = Journal(nvs)
    assert journal.facts == {"job": {"id": "ab", "tries": 1}, "last": "xy"}
    journal.save(last="z")
    assert b" " not in nvs.blobs["journal0"][9:]
    assert Journal(nvs).facts == {"job": {"id": "ab", "tries": 1}, "last": "z"}


def test_journal_record_that_would_not_fit_is_refused_and_nothing_is_lost():
    nvs = Nvs()
    journal = Journal(nvs)
    journal.save(last="xy")
    raises(JobError, "record_too_long", lambda: journal.save(job="x" * 4000))
    assert journal.facts == Journal(nvs).facts == {"last": "xy"}


def test_journal_record_may_fill_its_place_to_the_last_byte():
    nvs = Nvs()
    journal = Journal(nvs)
    longest = "x" * (3072 - 9 - len('{"last":""}'))
    raises(JobError, "record_too_long", lambda: journal.save(last=longest + "x"))
    journal.save(last=longest)
    assert Journal(nvs).get("last") == longest


def test_journal_that_nvs_refuses_to_save_says_so_and_nothing_has_changed():
    nvs = Nvs()
    journal = Journal(nvs)
    journal.save(last="xy")
    nvs.refuses = True
    raises(FlashError, "journal_failed", lambda: journal.save(last="z"))
    assert journal.facts == {"last": "xy"}


def test_journal_keeps_what_nvs_refuses_until_the_power_goes():
    nvs = Nvs()
    journal = Journal(nvs)
    journal.save(job={"id": "ab"}, last="xy")
    nvs.refuses = True
    journal.keep(job=None, last="ab")
    assert journal.facts == {"last": "ab"}
    assert Journal(nvs).facts == {"job": {"id": "ab"}, "last": "xy"}


def test_journal_writes_what_it_kept_as_soon_as_nvs_takes_it():
    nvs = Nvs()
    journal = Journal(nvs)
    nvs.refuses = True
    journal.keep(last="ab")
    nvs.refuses = False
    journal.keep(last="ab")
    assert Journal(nvs).facts == {"last": "ab"}
    assert nvs.writes == 1


def test_journal_keeps_what_is_too_long_for_a_record():
    journal = Journal(Nvs())
    journal.keep(bad=["x" * 4000])
    journal.keep(last="xy")
    assert journal.get("last") == "xy"


class FlakyNvs(Nvs):
    """Its first calls of `name` fail."""

    def __init__(self, name, failures):
        super().__init__()
        self._name = name
        self._failures = failures

    def _may_fail(self, name):
        if name == self._name and self._failures:
            self._failures -= 1
            raise OSError(-1, "ESP_FAIL")

    def set_blob(self, key, value):
        self._may_fail("set_blob")
        super().set_blob(key, value)

    def commit(self):
        self._may_fail("commit")


def journal_saves(journal):
    journal.save(last="xy")


def test_journal_tries_three_times_to_write():
    for name in ("set_blob", "commit"):
        nvs = FlakyNvs(name, 2)
        Journal(nvs).save(last="xy")
        assert Journal(nvs).get("last") == "xy"
        journal = Journal(FlakyNvs(name, 3))
        raises(FlashError, "journal_failed", journal_saves, journal)
        assert journal.facts == {}
