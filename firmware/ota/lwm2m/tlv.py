# SPDX-License-Identifier: MIT
"""OMA TLV, content format 11542 (lwm2m.md 1.6): nested entries of kind, id, length, value. tlv_read.py reads them."""

from ota.port import const

_INSTANCE = const(0)
_ELEMENT = const(1)
_MULTIPLE = const(2)
_RESOURCE = const(3)


def encode(rows, depth):
    """Of rows of one instance; `depth`: of the path that is told, 4: one of several values by itself."""
    made = b""
    i = 0
    while i < len(rows):
        rid, riid, letter, value = rows[i][2:]
        i += 1
        if riid is None:
            made += _entry(_RESOURCE, rid, _bytes(letter, value))
            continue
        inner = _entry(_ELEMENT, riid, _bytes(letter, value))
        while i < len(rows) and rows[i][2] == rid:
            inner += _entry(_ELEMENT, rows[i][3], _bytes(*rows[i][4:]))
            i += 1
        made += inner if depth > 3 else _entry(_MULTIPLE, rid, inner)
    return _entry(_INSTANCE, 0, made) if depth < 2 else made


def _bytes(letter, value):
    if letter == "s":
        return value.encode()
    if letter == "b":
        return b"\1" if value else b"\0"
    if letter == "o":
        return value
    size = 1
    while not -1 << 8 * size - 1 <= value < 1 << 8 * size - 1:
        size *= 2
    return (value & (1 << 8 * size) - 1).to_bytes(size, "big")


def _entry(kind, number, value):
    size = len(value)
    first = kind << 6
    made = bytes((number,))
    if number > 0xFF:
        first |= 0x20
        made = bytes((number >> 8, number & 0xFF))
    if size < 8:
        first |= size
    elif size < 0x100:
        first |= 0x08
        made += bytes((size,))
    else:
        first |= 0x10
        made += bytes((size >> 8, size & 0xFF))
    return bytes((first,)) + made + value
