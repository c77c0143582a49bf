# SPDX-License-Identifier: MIT
"""The first 4 KiB decide whether anything is erased."""

from fakes import raises

from ota import image
from ota.errors import JobError

ESP32 = 0
ESP32_S3 = 9


def head(magic=0xE9, segments=1, chip=ESP32, descriptor=b"\x32\x54\xcd\xab"):
    block = bytearray(4096)
    block[0] = magic
    block[1] = segments
    block[12] = chip
    block[32:36] = descriptor
    return block


def test_image_app_for_this_chip_passes():
    image.check(head(), 4096, ESP32)
    image.check(head(chip=ESP32_S3, segments=16), 1 << 20, ESP32_S3)
    image.check(head(), 304, ESP32)  # the smallest


def test_image_that_is_none_is_refused():
    raises(JobError, "not_an_image", image.check, head(magic=0x7F), 4096, ESP32)
    raises(JobError, "not_an_image", image.check, head(segments=0), 4096, ESP32)
    raises(JobError, "not_an_image", image.check, head(segments=17), 4096, ESP32)
    raises(JobError, "not_an_image", image.check, bytearray(b"\xff" * 4096), 4096, ESP32)


def test_image_for_another_chip_is_refused():
    raises(JobError, "wrong_chip", image.check, head(chip=ESP32_S3), 4096, ESP32)
    later = head()
    later[13] = 1  # the higher byte of its number
    raises(JobError, "wrong_chip", image.check, later, 4096, ESP32)


def test_image_of_bootloader_or_whole_flash_is_refused():
    error = raises(JobError, "not_an_app", image.check, head(descriptor=b"\x50\x00\x00\x00"), 4096, ESP32)
    assert ".app-bin" in error.detail


def test_image_shorter_than_the_smallest_app_is_refused():
    raises(JobError, "image_too_small", image.check, head(), 303, ESP32)
