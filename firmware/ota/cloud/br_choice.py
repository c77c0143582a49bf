# SPDX-License-Identifier: MIT
"""Which release is for this device: what the maker's messages say, and what follows from them (docs/broker.md). Pure.

A message is refused as a whole by a JobError with a code. Unknown keys are ignored.
"""

import json

from ota.errors import JobError
from ota.job import FIELDS, FIRMWARE, SOFTWARE, Job
from ota.port import const

# How much a place says, particle.md section 6: a higher one wins whatever the versions are.
DEFAULT = const(0)
GROUP = const(1)
LOCKED = const(2)
DEVICE = const(3)  # of a development device, which takes nothing else

_GROUPS = const(8)
_NAME = const(32)  # longest name of a product, a group or a device
_SMALLEST_CHUNK = const(512)
_LARGEST_CHUNK = const(65536)
_TERMS = const(("severity", "max_defer", "spread", "requires"))


def is_name(name):
    """Whether a text can be one level of a topic: ASCII, no blanks."""
    return isinstance(name, str) and 0 < len(name) <= _NAME and all("!" <= c <= "~" and c not in "/+#$" for c in name)


class Config:
    """What is special about one device: `is_development`, `groups`, `locked` (kind -> fields or None)."""

    def __init__(self, payload=None):
        """`payload`: bytes of the message; none or empty for a device about which nothing is special."""
        told = parse(payload) if payload else {}
        self.is_development = _flag(told, "development")
        self.groups = [] if told.get("groups") is None else told["groups"]
        if not isinstance(self.groups, list) or len(self.groups) > _GROUPS or not all(map(is_name, self.groups)):
            raise JobError("bad_groups")
        self.locked = {}
        for kind, name in ((FIRMWARE, "locked"), (SOFTWARE, "software_locked")):
            self.locked[kind] = _release(told[name], kind) if told.get(name) is not None else None


def places(config, base, own):
    """Where releases for this device may be: topic -> (kind, rank). A locked one is in `config` and nowhere else.

    `base`, `own`: what topics of the product and of the device begin with.
    """
    found = {}
    for kind, name in ((FIRMWARE, "release"), (SOFTWARE, "software/release")):
        if config.is_development:
            found[own + name] = (kind, DEVICE)
        elif not config.locked[kind]:
            found[base + name] = (kind, DEFAULT)
            for group in config.groups:
                found["%sgroup/%s/%s" % (base, group, name)] = (kind, GROUP)
    return found


def release(payload, kind):
    """The fields of a release, fit for Job. `payload`: its message, None if that was too long."""
    return _release(parse(payload), kind)


def is_immediate(payload):
    """Whether a message on a release topic is for now: by its own word, or as it takes a release back."""
    if not payload:
        return payload is not None
    try:
        return _flag(parse(payload), "immediate")
    except JobError:
        return True  # to be refused now


def wins(rank, fields, other_rank, other):
    """Whether a release is to be taken instead of another one. Neither may come from a topic of the other's."""
    if rank != other_rank:
        return rank > other_rank
    if "refused" in fields or "refused" in other:
        return "refused" in other and "refused" not in fields
    from ota.versions import key

    mine, its = key(fields["version"]), key(other["version"])
    return mine > its if mine != its else _tie(fields) > _tie(other)


def refused(payload, code):
    """Fields of a release that is none, which keep lower places from being asked instead."""
    from ota.offer import fingerprint

    return {"title": "?", "version": "?", "refused": code, "id": fingerprint((payload,))}


def parse(payload):
    """The JSON object that a message is."""
    if payload is None:
        raise JobError("too_long")
    try:
        told = json.loads(payload)
    except (ValueError, RuntimeError):  # RuntimeError: nested too deep
        told = None
    if not isinstance(told, dict) or payload.rstrip()[-1:] != b"}":  # MicroPython's json takes half an object, too
        raise JobError("bad_json")
    return told


def _flag(told, name):
    value = told.get(name, False)
    if not isinstance(value, bool):
        raise JobError("bad_" + name)
    return value


def _release(told, kind):
    if not isinstance(told, dict):
        raise JobError("bad_release")
    _flag(told, "immediate")
    fields = {name: told[name] for name in FIELDS if told.get(name) is not None}
    job = Job(fields, False, kind)
    if any(told.get(name) is not None for name in _TERMS):
        from ota import terms

        terms.read(told)
        fields.update({name: told.get(name) for name in terms.FIELDS})
    chunk = told.get("chunk_size")
    if (chunk is None) == (job.url is None):
        raise JobError("bad_place", "url or chunk_size")
    if chunk is not None:
        if isinstance(chunk, bool) or not isinstance(chunk, int) or not _SMALLEST_CHUNK <= chunk <= _LARGEST_CHUNK:
            raise JobError("bad_chunk_size")
        if job.algorithm != "SHA256":
            raise JobError("bad_algorithm", "chunks are found by SHA256")
        fields["chunk_size"] = chunk
    return fields


def _tie(fields):
    """So that two releases that are as high are not taken by turns."""
    return (fields["version"], fields["checksum"])
