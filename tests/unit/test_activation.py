# SPDX-License-Identifier: MIT
"""What is not certainly selected is told as failed, so it must never start."""

from fakes import Partition, raises

from ota import activation
from ota.errors import FlashError, VerifyError
from ota.slot import BLOCK, Slot


class Track:
    def __init__(self, partition, selected):
        self.slot = Slot(partition)
        self.slot._verified = True
        self._selected = selected

    def selected(self):
        return self._selected


def test_activation_that_is_certain_leaves_the_image_alone():
    partition = Partition(fill=0x55)
    activation.activate(Track(partition, "ota_1"))
    assert partition.booted
    assert partition.erases == []


def test_activation_that_failed_takes_the_image_away():
    refusing = Partition(fill=0x55)
    refusing.refuse = "set_boot"
    for partition, family, code in (
        (refusing, VerifyError, "image_refused"),
        (Partition(fill=0x55), FlashError, "not_selected"),
    ):
        raises(family, code, activation.activate, Track(partition, "ota_0"))
        assert bytes(partition.data[:BLOCK]) == b"\xff" * BLOCK
        assert partition.erases == [0]
