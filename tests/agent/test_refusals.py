# SPDX-License-Identifier: MIT
"""What is no app for this board is refused: before the first erase, or at the latest before it could ever start.

Item P28 of particle.md 11: wrong platform, wrong checksum, addresses out of range. Its too new dependency is P29's.
"""

import random
import struct

import pytest

from simulator import breakage
from simulator.board.image import HEADER, MAX_SIZE
from tests.agent.harness import firmware

WRONG = {
    "not_an_image": lambda: random.Random(1).randbytes(200_000),
    "not_an_app": lambda: breakage.package("full-flash-image", "1.1.0", 1_048_576),
    "wrong_chip": lambda: firmware("1.1.0", chip="esp32s3"),
    "slot_too_small": lambda: bytes(0x180000 + 1),
    "image_too_small": lambda: firmware("1.1.0")[:100],
}


@pytest.mark.parametrize("code", WRONG)
def test_p28_a_wrong_file_is_refused_and_no_sector_is_erased(world, code):
    world.offer("1.1.0", WRONG[code]())
    world.wait("FAILED")
    world.settle()
    assert world.ends == ["FAILED"]
    assert world.errors[0].split(":")[0] == code
    assert not any(world.erases("ota_1"))
    assert not any(world.erases("ota_0"))
    assert world.downloaded <= 4096
    assert world.twin.story.boots == 1


def damaged(how: str) -> bytes:
    """An image that was damaged before anybody took its checksum for the cloud."""
    data = bytearray(firmware("1.1.0"))
    if how == "truncated":
        return bytes(data[:100_000])
    if how == "flipped bit":
        data[300_000] ^= 1
    else:
        struct.pack_into("<I", data, HEADER.size + 4, MAX_SIZE)  # bytes of its first segment
    return bytes(data)


@pytest.mark.parametrize("how", ["truncated", "flipped bit", "segment beyond the slot"])
def test_p28_a_damaged_image_with_a_true_checksum_is_never_started(world, how):
    world.offer("1.1.0", damaged(how))
    world.wait("FAILED")
    world.settle()
    assert world.ends == ["FAILED"]
    assert world.errors[0].startswith("image_refused")
    assert world.twin.story.boots == 1
    assert world.runs == ("1.0.0", "ota_0")


def test_after_a_wrong_file_a_right_one_is_installed(world):
    world.offer("1.1.0", bytes(4096))
    world.wait("FAILED")
    world.offer("1.2.0")
    world.wait("UPDATED")
    assert world.runs == ("1.2.0", "ota_1")
