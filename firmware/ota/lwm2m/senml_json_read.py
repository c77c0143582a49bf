# SPDX-License-Identifier: MIT
"""SenML JSON read, see senml_json.py."""

import binascii
import json

from ota.lwm2m.senml import fit, place_of


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
        place = place_of(base, record.get("n", ""), path)
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
