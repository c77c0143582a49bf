# SPDX-License-Identifier: MIT
"""SenML CBOR, content format 112 (lwm2m.md 1.6, RFC 8428 section 6, RFC 8949): written. senml_cbor_read.py reads."""


def encode(rows):
    made = [_head(4, len(rows))]
    place = None
    for oid, iid, rid, riid, letter, value in rows:
        base = b""
        if place != (oid, iid):
            place = oid, iid
            base = b"\x21" + _text("/%d/%d/" % place)
        name = "%d" % rid if riid is None else "%d/%d" % (rid, riid)
        made.append(_head(5, 3 if base else 2) + base + b"\x00" + _text(name) + _value(letter, value))
    return b"".join(made)


def _value(letter, value):
    if letter == "s":
        return b"\x03" + _text(value)
    if letter == "o":
        return b"\x08" + _head(2, len(value)) + value
    if letter == "b":
        return b"\x04\xf5" if value else b"\x04\xf4"
    return b"\x02" + (_head(0, value) if value >= 0 else _head(1, -1 - value))


def _text(text):
    data = text.encode()
    return _head(3, len(data)) + data


def _head(major, value):
    major <<= 5
    if value < 24:
        return bytes((major | value,))
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if not value >> 8 * size:
            return bytes((major | extra,)) + value.to_bytes(size, "big")
    raise ValueError("too large")
