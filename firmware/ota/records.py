# SPDX-License-Identifier: MIT
"""The two records of a journal (journal.py), read at a start. Loaded for that."""

import json
import struct

from ota.journal import HEAD, HEAD_SIZE, LIMIT, VERSION, crc


def newest(nvs, keys):
    """(sequence, facts) of the newer one that is whole; (0, {}) without any."""
    newest, found = 0, {}
    buf = bytearray(LIMIT)
    for key in keys:
        seq, facts = _read(nvs, key, buf)
        if facts is not None and seq > newest:
            newest, found = seq, facts
    return newest, found


def _read(nvs, key, buf):
    try:
        size = nvs.get_blob(key, buf)
        version, seq, told = struct.unpack_from(HEAD, buf)
        body = bytes(memoryview(buf)[HEAD_SIZE:size])
        if version == VERSION and told == crc(seq, body):
            facts = json.loads(body)
            return seq, facts if isinstance(facts, dict) else None
    except (OSError, ValueError):
        pass  # no such record, or not one of ours
    return 0, None
