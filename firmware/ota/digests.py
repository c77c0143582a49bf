# SPDX-License-Identifier: MIT
"""Checksums that are rarely asked for, as running digests: see ota.checksum.

SHA384, SHA512 (`sha512.py`) and MURMUR3_* (`murmur3.py`) are Python and slow.
"""

import hashlib

from ota.checksum import Hash
from ota.errors import JobError


def new(algorithm):
    """A running digest. Raises JobError for a name that is none, ImportError where it was left off the board."""
    if algorithm == "CRC32":
        from ota import crc32

        return crc32.Crc32()
    if algorithm == "MURMUR3_32" or algorithm == "MURMUR3_128":
        from ota import murmur3

        return murmur3.Murmur32() if algorithm == "MURMUR3_32" else murmur3.Murmur128()
    if algorithm != "SHA384" and algorithm != "SHA512":
        raise JobError("checksum_unsupported", algorithm)
    native = getattr(hashlib, algorithm.lower(), None)
    if native is not None:
        return Hash(native())
    from ota import sha512

    return Hash(sha512.Sha384() if algorithm == "SHA384" else sha512.Sha512())
