# SPDX-License-Identifier: MIT
"""OMA TLV read, see tlv.py."""

from ota.port import const

_INSTANCE = const(0)
_ELEMENT = const(1)
_MULTIPLE = const(2)
_RESOURCE = const(3)


def decode(payload, path, type_of):
    data = bytes(payload)
    found = []
    for kind, number, value in _entries(data):
        if kind == _INSTANCE:
            if len(path) > 1 and path[1] != number:
                raise ValueError("another instance")
            for inner in _entries(value):
                _resource(found, (path[0], number), inner, type_of)
        elif len(path) < 2:
            raise ValueError("no instance")
        elif kind == _ELEMENT and len(path) > 2:
            found.append((path[:3] + (number,), _value(value, type_of(path[0], path[2]))))
        else:
            _resource(found, path[:2], (kind, number, value), type_of)
    if len(path) > 2:
        for place, _ in found:
            if place[2] != path[2]:
                raise ValueError("another resource")
    return found


def head(payload):
    """(id, bytes of the head, bytes of the value) of an entry whose end need not be there. ValueError."""
    first = payload[0]
    wide = 2 if first & 0x20 else 1
    n = first >> 3 & 3
    start = 1 + wide + n
    if len(payload) < start:
        raise ValueError("cut short")
    number = size = 0
    for i in range(1, 1 + wide):
        number = number << 8 | payload[i]
    for i in range(1 + wide, start):
        size = size << 8 | payload[i]
    return number, start, size if n else first & 7


def _entries(data):
    at = 0
    while at < len(data):
        number, start, size = head(data[at : at + 6])
        if at + start + size > len(data):
            raise ValueError("cut short")
        yield data[at] >> 6, number, data[at + start : at + start + size]
        at += start + size


def _resource(found, path, entry, type_of):
    kind, rid, value = entry
    letter = type_of(path[0], rid)
    if kind == _MULTIPLE:
        for inner, riid, part in _entries(value):
            if inner != _ELEMENT:
                raise ValueError("no element")
            found.append((path + (rid, riid), _value(part, letter)))
    elif kind == _RESOURCE:
        found.append((path + (rid,), _value(value, letter)))
    else:
        raise ValueError("no resource")


def _value(data, letter):
    if letter == "b":
        if data not in (b"\0", b"\1"):
            raise ValueError("no boolean")
        return data == b"\1"
    if letter and letter in "it":
        if len(data) not in (1, 2, 4, 8):
            raise ValueError("no integer")
        value = int.from_bytes(data, "big")
        return value - (1 << 8 * len(data)) if data[0] & 0x80 else value
    return data.decode() if letter == "s" else data
