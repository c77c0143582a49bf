# SPDX-License-Identifier: MIT
"""The seven checksums against text that ThingsBoard's own library printed (thingsboard.md 3.2)."""

import hashlib
import sys

from fakes import raises

import ota
from ota import checksum, digests, offer
from ota.errors import JobError

PAT7 = bytes((7 * i + 3) % 256 for i in range(1000))
GUAVA = (
    # data, CRC32, MURMUR3_32, MURMUR3_128, MD5
    (b"123456789", "2639f4cb", "82f3feb4", "a4cc66db5e64843c05a11e3ac7faf899", "25f9e794323b453885f5181f1b624d0b"),
    (b"a", "43beb7e8", "b269253c", "897859f6655555855a890e51483ab5e6", "0cc175b9c0f1b6a831c399e269772661"),
    (PAT7, "462abc17", "221155ea", "49aadcbaef89f70a6b54bbd9b9a1d80b", "10046f077f2082ac19676b8079f1cb1a"),
    (b"fw147", "8a348600", "b1551abe", "63c7aa036f90973d270e166b20ecbef5", "ad5f05ae5945ec25f5bba478d16ba02a"),
    (b"fw64", "d66c1fc6", "ac2a6400", "1d16c3c4f1841ddf45e418417562d0af", "53bc7fc728ace54877628ffa9a4b09e8"),
)
NAMES = ("CRC32", "MURMUR3_32", "MURMUR3_128", "MD5")
SHA512_ABC = (
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
)
SHA384_ABC = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"


def digest(algorithm, data, step):
    running = checksum.new(algorithm)
    for start in range(0, len(data), step):
        running.update(memoryview(data)[start : start + step])
    return running.text()


def test_checksum_text_equals_guava_a13():
    for row in GUAVA:
        for name, expected in zip(NAMES, row[1:]):
            assert digest(name, row[0], 4096) == expected, (name, row[0])


def test_checksum_does_not_depend_on_how_the_bytes_arrive():
    for step in (1, 3, 7, 16, 129):
        for name, expected in zip(NAMES, GUAVA[2][1:]):
            assert digest(name, PAT7, step) == expected, (name, step)


def test_checksum_sha256_is_the_usual_hex():
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest("SHA256", b"abc", 2) == expected


def test_checksum_sha384_and_sha512_published_vectors():
    assert digest("SHA384", b"abc", 64) == SHA384_ABC
    assert digest("SHA512", b"abc", 64) == SHA512_ABC


def test_checksum_sha512_in_python_agrees_at_every_padding_length():
    from ota.sha512 import Sha512

    lengths = range(300) if hasattr(hashlib, "sha512") else ()
    for length in lengths:
        ours = Sha512()
        ours.update(PAT7[:length])
        assert ours.digest() == hashlib.sha512(PAT7[:length]).digest(), length


def test_checksum_sha512_in_python_published_vectors():
    from ota import sha512

    for cls, expected in ((sha512.Sha384, SHA384_ABC), (sha512.Sha512, SHA512_ABC)):
        ours = cls()
        ours.update(b"abc")
        assert "".join("%02x" % b for b in ours.digest()) == expected


def test_checksum_unknown_algorithm_is_refused_with_a_code():
    for name in ("SHA1", "CRC16", "", "update"):
        try:
            checksum.new(name)
        except JobError as error:
            assert error.code == "checksum_unsupported"
        else:
            raise AssertionError(name)


def test_checksum_that_the_firmware_was_built_without_is_refused_or_made_in_python():
    class Sha256Only:
        sha256 = hashlib.sha256

    original = checksum.hashlib
    checksum.hashlib = digests.hashlib = Sha256Only
    try:
        raises(JobError, "checksum_unsupported", checksum.new, "MD5")
        for name, expected in (("SHA384", SHA384_ABC), ("SHA512", SHA512_ABC)):
            assert digest(name, b"abc", 3) == expected
    finally:
        checksum.hashlib = digests.hashlib = original


def test_checksum_whose_file_was_left_off_the_board_is_refused_with_a_code():
    for name, module in (("MURMUR3_32", "ota.murmur3"), ("MURMUR3_128", "ota.murmur3"), ("CRC32", "ota.crc32")):
        found, path = sys.modules.pop(module, None), ota.__path__
        leaf = module.split(".")[1]
        if hasattr(ota, leaf):
            delattr(ota, leaf)
        ota.__path__ = "/nowhere" if isinstance(path, str) else []
        try:
            raises(JobError, "checksum_unsupported", checksum.new, name)
        finally:
            ota.__path__ = path
            if found:
                sys.modules[module] = found
                setattr(ota, leaf, found)


def test_checksum_guess_only_what_the_length_tells():
    assert offer.guess("0" * 64) == "SHA256"
    assert offer.guess("0" * 32) == "MD5"
    assert offer.guess("0" * 8) is None
