# SPDX-License-Identifier: MIT
"""The seven checksums of ThingsBoard as running digests (thingsboard.md 3.2).

MD5 and SHA256 are in the firmware; the others in `digests.py`. Leave their files off the board, and such a job is
refused with `checksum_unsupported`.
"""

import binascii
import hashlib

from ota.errors import JobError


class Hash:
    """Of a digest as hashlib has them."""

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
        if algorithm in ("SHA256", "MD5"):
            return Hash(getattr(hashlib, algorithm.lower())())
        from ota import digests

        return digests.new(algorithm)
    except (ImportError, AttributeError):
        raise JobError("checksum_unsupported", algorithm)
