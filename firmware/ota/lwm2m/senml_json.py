# SPDX-License-Identifier: MIT
"""SenML JSON, content format 110 (lwm2m.md 1.6, RFC 8428): written. senml_json_read.py reads."""

import binascii
import json


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
