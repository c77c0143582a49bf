# SPDX-License-Identifier: MIT
"""The two records of a journal (journal.py), read at a start. Loaded for that."""

import json
import struct

from ota.journal import crc
from ota.port import const

_HEAD_SIZE = const(9)  # of `head`


def find(nvs, keys, buf, head, version):
    """(sequence, facts) of the newer one that is whole; (0, {}) without any. `head`, `version`: of a record."""
    newest, found = 0, {}
    for key in keys:
        seq, facts = _read(nvs, key, buf, head, version)
        if facts is not None and seq > newest:
            newest, found = seq, facts
    return newest, found


def _read(nvs, key, buf, head, version):
    try:
        size = nvs.get_blob(key, buf)
        made, seq, told = struct.unpack_from(head, buf)
        body = bytes(memoryview(buf)[_HEAD_SIZE:size])
        if made == version and told == crc(seq, body):
            facts = json.loads(body)
            return seq, facts if isinstance(facts, dict) else None
    except (OSError, ValueError):
        pass  # no such record, or not one of ours
    return 0, None
