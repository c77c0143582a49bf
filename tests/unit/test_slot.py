# SPDX-License-Identifier: MIT
"""The spare slot: erased first, then append-only; found again after a cut; verified from flash."""

import binascii
import hashlib

from fakes import Nvs, Partition, raises, run

from ota.errors import FlashError, JobError, VerifyError
from ota.host import Staged
from ota.journal import Journal
from ota.slot import BLOCK, Slot

IMAGE = bytes((i * 31 + i // 256) & 0xFF for i in range(3 * BLOCK + 100))


class Job:
    def __init__(self, data):
        self.size = len(data)
        self.algorithm = "SHA256"
        self.checksum = binascii.hexlify(hashlib.sha256(data).digest()).decode()


def write(slot, data, blocks=99):
    while slot.offset < len(data) and blocks:
        part = data[slot.offset : slot.offset + BLOCK]
        slot.block[: len(part)] = part
        slot.commit(len(part))
        blocks -= 1


def written(partition=None):
    slot = Slot(partition or Partition(fill=0x55))
    run(slot.erase(len(IMAGE)))
    write(slot, IMAGE)
    return slot


def test_slot_erases_what_the_image_needs_and_no_more_one_sector_a_step():
    partition = Partition(fill=0x55)
    assert run(Slot(partition).erase(len(IMAGE))) == 4
    assert partition.erases == [0, 1, 2, 3]
    run(Slot(partition).erase(2 * BLOCK))
    assert partition.erases == [0, 1, 2, 3, 0, 1]


def test_slot_image_lands_in_flash_and_verifies():
    partition = Partition(fill=0x55)
    slot = written(partition)
    assert bytes(partition.data[: len(IMAGE)]) == IMAGE
    assert bytes(partition.data[len(IMAGE) : 4 * BLOCK]) == b"\xff" * (BLOCK - 100)
    run(slot.verify(Job(IMAGE)))
    slot.activate()
    assert partition.booted


def test_slot_image_larger_than_the_slot_is_refused_before_any_erase():
    partition = Partition(size=2 * BLOCK)
    slot = Slot(partition)
    raises(JobError, "slot_too_small", run, slot.erase(2 * BLOCK + 1))
    assert partition.erases == []
    assert run(slot.erase(2 * BLOCK)) == 2


def test_slot_one_wrong_bit_in_flash_is_never_activated():
    partition = Partition()
    slot = written(partition)
    partition.data[BLOCK + 7] ^= 1
    raises(VerifyError, "flash_mismatch", run, slot.verify(Job(IMAGE)))
    raises(VerifyError, "not_verified", slot.activate)
    assert not partition.booted


def test_slot_write_or_erase_after_verify_takes_the_verdict_back():
    slot = written()
    for change in (lambda: slot.put(3, b"x", 200), lambda: slot.erase_block(15)):
        run(slot.verify(Job(IMAGE)))
        change()
        raises(VerifyError, "not_verified", slot.activate)


def test_slot_flash_may_fail_twice():
    class Flaky(Partition):
        failures = 0

        def _maybe_refuse(self, name):
            self.failures += 1
            if self.failures % 3:
                raise OSError(-1, "ESP_FAIL")

    partition = Flaky(fill=0x55)
    run(written(partition).verify(Job(IMAGE)))
    assert bytes(partition.data[: len(IMAGE)]) == IMAGE


def test_slot_found_after_a_cut_at_every_block():
    for blocks in range(5):
        partition = Partition(fill=0x55)
        slot = Slot(partition)
        run(slot.erase(len(IMAGE)))
        write(slot, IMAGE, blocks)
        again = Slot(partition)
        run(again.find(len(IMAGE)))
        assert again.offset == max(0, min(blocks, 4) - 1) * BLOCK  # the last block is never trusted
        write(again, IMAGE)
        run(again.verify(Job(IMAGE)))


def test_slot_torn_last_block_is_erased_and_written_again():
    partition = Partition(fill=0x55)
    slot = Slot(partition)
    run(slot.erase(len(IMAGE)))
    write(slot, IMAGE, 2)
    partition.data[2 * BLOCK + 5] = 0x00
    again = Slot(partition)
    run(again.find(len(IMAGE)))
    assert again.offset == 2 * BLOCK
    assert partition.erases[-1] == 2
    write(again, IMAGE)
    run(again.verify(Job(IMAGE)))


def test_slot_block_of_ff_in_the_image_costs_no_more_than_a_repeat():
    image = b"\x01" * BLOCK + b"\xff" * BLOCK + b"\x02" * BLOCK
    for blocks in range(4):
        partition = Partition()
        slot = Slot(partition)
        run(slot.erase(len(image)))
        write(slot, image, blocks)
        again = Slot(partition)
        run(again.find(len(image)))
        assert again.offset <= blocks * BLOCK
        write(again, image)
        run(again.verify(Job(image)))


def test_slot_flash_that_refuses_becomes_an_error_with_a_code():
    partition = Partition()
    slot = Slot(partition)
    partition.refuse = "ioctl"
    raises(FlashError, "flash_erase_failed", run, slot.erase(BLOCK))
    partition.refuse = "writeblocks"
    raises(FlashError, "flash_write_failed", slot.commit, BLOCK)
    partition.refuse = "readblocks"
    raises(FlashError, "flash_read_failed", run, slot.verify(Job(b"x" * BLOCK)))


def test_slot_image_that_the_chip_refuses_is_an_error_with_a_code():
    partition = Partition()
    slot = written(partition)
    run(slot.verify(Job(IMAGE)))
    partition.refuse = "set_boot"
    raises(VerifyError, "image_refused", slot.activate)


def test_slot_with_an_image_for_another_chip_holds_no_image_of_ours_any_more():
    journal = Journal(Nvs())
    journal.save(slots={"ota_0": ["J2", "thermo", "1.1.0"], "ota_1": ["J1", "thermo", "1.0.0"]})
    run(Staged(Partition(), bytearray(BLOCK), journal).erase(BLOCK))
    assert journal.get("slots") == {"ota_0": ["J2", "thermo", "1.1.0"], "ota_1": None}
