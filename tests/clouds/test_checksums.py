# SPDX-License-Identifier: MIT
"""M24: all seven checksums in the server's text, against what the server's own library printed (thingsboard.md 3.2)."""

import hashlib

import pytest

from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.checksums import ALGORITHMS, checksum
from simulator.errors import UserError

PAT7 = bytes((7 * i + 3) % 256 for i in range(1000))
VECTORS = {
    b"123456789": (
        "2639f4cb",
        "82f3feb4",
        "a4cc66db5e64843c05a11e3ac7faf899",
        "25f9e794323b453885f5181f1b624d0b",
    ),
    b"a": ("43beb7e8", "b269253c", "897859f6655555855a890e51483ab5e6", "0cc175b9c0f1b6a831c399e269772661"),
    PAT7: ("462abc17", "221155ea", "49aadcbaef89f70a6b54bbd9b9a1d80b", "10046f077f2082ac19676b8079f1cb1a"),
    b"fw147": ("8a348600", "b1551abe", "63c7aa036f90973d270e166b20ecbef5", "ad5f05ae5945ec25f5bba478d16ba02a"),
    b"fw64": ("d66c1fc6", "ac2a6400", "1d16c3c4f1841ddf45e418417562d0af", "53bc7fc728ace54877628ffa9a4b09e8"),
}


def test_m24_checksums_equal_the_servers_text():
    names = ("CRC32", "MURMUR3_32", "MURMUR3_128", "MD5")
    for data, texts in VECTORS.items():
        assert tuple(checksum(name, data) for name in names) == texts
    for name in ("SHA256", "SHA384", "SHA512"):
        assert checksum(name, PAT7) == hashlib.new(name.lower(), PAT7).hexdigest()
    assert len(ALGORITHMS) == 7


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_m24_package_offers_its_checksum_in_the_attributes(algorithm):
    package = ThingsBoard().add_package("t", "1", data=b"fw147", algorithm=algorithm)
    values, _ = package.attributes()
    assert values["fw_checksum"] == checksum(algorithm, b"fw147")
    assert values["fw_checksum_algorithm"] == algorithm


def test_upload_with_the_checksum_of_another_notation_is_refused():
    with pytest.raises(UserError) as refused:
        ThingsBoard().add_package("t", "1", data=b"123456789", algorithm="CRC32", checksum="cbf43926")
    assert refused.value.code == "wrong_checksum"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"data": b"x", "algorithm": "SHA1"}, "bad_algorithm"),
        ({"data": b""}, "empty_package"),
        ({"data": b"x", "url": "http://h/f"}, "bad_package"),
        ({}, "bad_package"),
        ({"data": b"x", "type": "BOOTLOADER"}, "bad_package"),
        ({"data": b"x", "tag": "t" * 256}, "bad_package"),
    ],
)
def test_package_that_the_server_refuses_is_refused(fields, code):
    with pytest.raises(UserError) as refused:
        ThingsBoard().add_package("t", "1", **fields)
    assert refused.value.code == code


def test_package_with_title_and_version_of_another_is_refused():
    cloud = ThingsBoard()
    cloud.add_package("t", "1", data=b"x")
    with pytest.raises(UserError, match="already"):
        cloud.add_package("t", "1", data=b"y", type="SOFTWARE")
