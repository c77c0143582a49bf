# SPDX-License-Identifier: MIT
"""SenML JSON, content format 110 (lwm2m.md 1.6, RFC 8428)."""

import binascii
import json

from ota.lwm2m.formats import fit, names


def encode(rows):
    made = []
    place = None
    for oid, iid, rid, riid, letter, value in rows:
        base = ""
        if place != (oid, iid):
            place = oid, iid
            base = '"bn":"/%d/%d/",' % place
        name = "%d" % rid if riid is None else "%d/%d" % (rid, riid)
        made.append('{%s"n":"%s",%s}' % (base, name, _value(letter, value)))
    return ("[" + ",".join(made) + "]").encode()


def _value(letter, value):
    if letter == "o":
        text = binascii.b2a_base64(value).decode().strip().rstrip("=")
        return '"vd":"%s"' % text.replace("+", "-").replace("/", "_")
    if letter == "s":
        return '"vs":' + json.dumps(value)
    if letter == "b":
        return '"vb":' + ("true" if value else "false")
    return '"v":%d' % value


def decode(payload, path, type_of):
    try:
        records = json.loads(bytes(payload))
    except RuntimeError:  # nested too deep
        raise ValueError("nested")
    if not isinstance(records, list):
        raise ValueError("no list")
    found = []
    base = ""
    for record in records:
        if not isinstance(record, dict):
            raise ValueError("no record")
        base = record.get("bn", base)
        name = record.get("n", "")
        if not isinstance(base, str) or not isinstance(name, str):
            raise ValueError("no name")
        place = names(base, name)
        if not 3 <= len(place) <= 4 or place[: len(path)] != path:
            raise ValueError("another path")
        found.append((place, fit(_told(record), type_of(place[0], place[2]))))
    return found


def _told(record):
    for label in ("v", "vs", "vb"):
        if label in record:
            return record[label]
    text = record.get("vd")
    if not isinstance(text, str):
        raise ValueError("no value")
    text = text.replace("-", "+").replace("_", "/")
    return binascii.a2b_base64(text + "=" * (-len(text) % 4))
