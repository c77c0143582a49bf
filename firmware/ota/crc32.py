# SPDX-License-Identifier: MIT
"""CRC32 as a running digest, for ota.checksum."""

import binascii


class Crc32:
    def __init__(self):
        self._value = 0

    def update(self, data):
        self._value = binascii.crc32(data, self._value)

    def text(self):
        # Guava prints the four bytes in memory order: the reverse of what crc32 tools print.
        return binascii.hexlify((self._value & 0xFFFFFFFF).to_bytes(4, "little")).decode()
