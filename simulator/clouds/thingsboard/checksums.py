# SPDX-License-Identifier: MIT
"""The seven checksums in the server's own text: lowercase hex of the bytes in Guava's order (thingsboard.md 3.2)."""

import hashlib
import zlib
from collections.abc import Callable

import mmh3

ALGORITHMS: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data).hexdigest(),
    "SHA256": lambda data: hashlib.sha256(data).hexdigest(),
    "SHA384": lambda data: hashlib.sha384(data).hexdigest(),
    "SHA512": lambda data: hashlib.sha512(data).hexdigest(),
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "little").hex(),
    "MURMUR3_32": lambda data: mmh3.hash(data, signed=False).to_bytes(4, "little").hex(),
    "MURMUR3_128": lambda data: mmh3.hash128(data, signed=False).to_bytes(16, "little").hex(),
}


def checksum(algorithm: str, data: bytes) -> str:
    """Hex text of full width; KeyError for a name that is not in ALGORITHMS."""
    return ALGORITHMS[algorithm](data)
