# SPDX-License-Identifier: MIT
"""The seven checksums of ThingsBoard as running digests (thingsboard.md 3.2).

MD5, SHA256 and CRC32 are in the firmware. SHA384, SHA512 (`sha512.py`) and MURMUR3_* (`murmur3.py`) are
Python and slow; leave their files off the board and such a job is refused with `checksum_unsupported`.
"""

import binascii
import hashlib

from ota.errors import JobError

HEX_DIGITS = {"MD5": 32, "SHA256": 64, "SHA384": 96, "SHA512": 128, "CRC32": 8, "MURMUR3_32": 8, "MURMUR3_128": 32}


def guess(checksum):
    """The algorithm that a checksum without a name was made with, by its length; None if unclear.

    ThingsBoard 3.3 to 4.2.1 send URL packages so (thingsboard.md 3.3).
    """
    return {32: "MD5", 64: "SHA256", 96: "SHA384", 128: "SHA512"}.get(len(checksum))


class _Hash:
    def __init__(self, digest):
        self._digest = digest
        self.update = digest.update

    def text(self):
        return binascii.hexlify(self._digest.digest()).decode()


def new(algorithm):
    """A running digest: `update(buffer)`, then once `text()`, lowercase hex in the cloud's byte order.

    Raises JobError `checksum_unsupported` when this board cannot compute it.
    """
    try:
        if algorithm == "CRC32":
            from ota import crc32

            return crc32.Crc32()
        if algorithm in ("MURMUR3_32", "MURMUR3_128"):
            from ota import murmur3

            return murmur3.Murmur32() if algorithm == "MURMUR3_32" else murmur3.Murmur128()
        native = getattr(hashlib, algorithm.lower(), None)
        if native is None and algorithm in ("SHA384", "SHA512"):
            from ota import sha512

            return _Hash(sha512.Sha384() if algorithm == "SHA384" else sha512.Sha512())
        if native is None or algorithm not in HEX_DIGITS:
            raise JobError("checksum_unsupported", algorithm)
        return _Hash(native())
    except ImportError:
        raise JobError("checksum_unsupported", algorithm)
