# SPDX-License-Identifier: MIT
"""SenML CBOR read, see senml_cbor.py."""

import struct

from ota.lwm2m.senml import fit, place_of
from ota.port import const

_BASE = const(-2)
_NAME = const(0)
_NUMBER = const(2)
_TEXT = const(3)
_BOOLEAN = const(4)
_DATA = const(8)
_DEPTH = const(4)
_MOST = const(64)  # items of a list or a map


def decode(payload, path, type_of):
    reader = _Reader(bytes(payload))
    records = reader.item(0)
    if not isinstance(records, list) or reader.at != len(reader.data):
        raise ValueError("no list")
    found = []
    base = ""
    for record in records:
        if not isinstance(record, dict):
            raise ValueError("no record")
        base = record.get(_BASE, base)
        place = place_of(base, record.get(_NAME, ""), path)
        for label in (_NUMBER, _TEXT, _BOOLEAN, _DATA):
            if label in record:
                found.append((place, fit(record[label], type_of(place[0], place[2]))))
                break
        else:
            raise ValueError("no value")
    return found


class _Reader:
    """Items one after the other, each of a bounded depth and size. ValueError for what is cut short or unknown."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def _take(self, size):
        part = self.data[self.at : self.at + size]
        if len(part) != size:
            raise ValueError("cut short")
        self.at += size
        return part

    def item(self, depth):
        first = self._take(1)[0]
        major, low = first >> 5, first & 31
        if major == 7:
            return self._simple(low)
        if low > 27:
            raise ValueError("no length")
        value = low if low < 24 else int.from_bytes(self._take(1 << low - 24), "big")
        if major < 2:
            return -1 - value if major else value
        if major < 4:
            part = self._take(value)
            return part.decode() if major == 3 else part
        if major == 6:
            return self.item(depth + 1) if depth < _DEPTH else self._refuse()
        if depth >= _DEPTH or value > _MOST:
            self._refuse()
        if major == 4:
            return [self.item(depth + 1) for _ in range(value)]
        made = {}
        for _ in range(value):
            key = self.item(_DEPTH)
            made[key] = self.item(depth + 1)
        return made

    def _simple(self, low):
        if low in (20, 21):
            return low == 21
        if low in (22, 23):
            return None
        if low == 26:
            return struct.unpack(">f", self._take(4))[0]
        if low == 27:
            return struct.unpack(">d", self._take(8))[0]
        return self._refuse()

    def _refuse(self):
        raise ValueError("not SenML")
