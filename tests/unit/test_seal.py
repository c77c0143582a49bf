# SPDX-License-Identifier: MIT
"""The SHA-256 behind an app image: believed only when it is that of the bytes, and never looked for outside of them."""

import hashlib

from ota import seal
from ota.errors import VerifyError

BLOCK = 4096


class Slot:
    """What `verify` needs of one, with these bytes in it."""

    def __init__(self, data):
        self.data = data
        self.block = bytearray(BLOCK)

    def read(self, index, block):
        piece = self.data[index * BLOCK : index * BLOCK + BLOCK]
        block[: len(piece)] = piece

    def feed(self, digest, size):
        digest.update(self.data[:size])
        yield


def image(lengths, hashed=1):
    """An app with segments of these lengths, its checksum byte and, if `hashed`, its hash."""
    data = bytes([0xE9, len(lengths)]) + bytes(21) + bytes([hashed])
    for length in lengths:
        data += bytes(4) + length.to_bytes(4, "little") + bytes(length)
    data += bytes(16 - len(data) % 16)
    return data + hashlib.sha256(data).digest() if hashed else data


def verdict(data):
    """What `verify` says of the image; "" when it is well."""
    try:
        for _ in seal.verify(Slot(data), len(data)):
            pass
    except VerifyError as error:
        return error.text()
    return ""


def test_whole_image_is_believed_wherever_its_segments_end():
    for lengths in ((64,), (4096, 4052, 8), (20000, 4, 12280)):
        assert verdict(image(lengths)) == ""


def test_image_without_a_hash_promises_nothing():
    assert verdict(image((64,), hashed=0)) == ""


def test_one_wrong_byte_is_found():
    data = bytearray(image((9000, 100)))
    for at in (32, 5000, len(data) - 33, len(data) - 1):
        data[at] ^= 1
        assert verdict(bytes(data)) == "checksum_mismatch: the image's own SHA256"
        data[at] ^= 1


def test_image_that_is_cut_short_is_refused():
    data = image((9000, 100))
    for size in (len(data) - 1, len(data) - 40, 5000, 40):
        assert verdict(data[:size]) == "checksum_mismatch: cut short"


def test_length_that_is_no_multiple_of_four_is_refused_and_not_stumbled_over():
    length = BLOCK - 38  # the next segment's length would lie across two blocks
    assert verdict(image((length, 64))) == "checksum_mismatch: segments out of step"
