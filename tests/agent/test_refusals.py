# SPDX-License-Identifier: MIT
"""What is no app for this board is refused before the first erase."""

import random

import pytest

from simulator import breakage
from tests.agent.harness import firmware

WRONG = {
    "not_an_image": lambda: random.Random(1).randbytes(200_000),
    "not_an_app": lambda: breakage.package("full-flash-image", "1.1.0", 786_432),
    "wrong_chip": lambda: firmware("1.1.0", chip="esp32s3"),
    "slot_too_small": lambda: bytes(0x180000 + 1),
    "image_too_small": lambda: firmware("1.1.0")[:100],
}


@pytest.mark.parametrize("code", WRONG)
def test_a_wrong_file_is_refused_and_no_sector_is_erased(world, code):
    world.offer("1.1.0", WRONG[code]())
    world.wait("FAILED")
    world.settle()
    assert world.ends == ["FAILED"]
    assert world.errors[0].split(":")[0] == code
    assert not any(world.erases("ota_1"))
    assert not any(world.erases("ota_0"))
    assert world.downloaded <= 4096
    assert world.twin.story.boots == 1


def test_a_truncated_image_with_a_true_checksum_is_never_started(world):
    world.offer("1.1.0", firmware("1.1.0")[:100_000])
    world.wait("FAILED")
    world.settle()
    assert world.ends == ["FAILED"]
    assert world.errors[0].startswith("image_refused")
    assert world.twin.story.boots == 1


def test_after_a_wrong_file_a_right_one_is_installed(world):
    world.offer("1.1.0", bytes(4096))
    world.wait("FAILED")
    world.offer("1.2.0")
    world.wait("UPDATED")
    assert world.runs == ("1.2.0", "ota_1")
