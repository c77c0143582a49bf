# SPDX-License-Identifier: MIT
"""What ThingsBoard's shared attributes offer, whatever carries them (thingsboard.md 2, 3.1).

Loaded to ask for them and when some come, and over MQTT forgotten again: an update needs its place.
"""

from ota.cloud.tb_common import PREFIXES, chunk_size, parse
from ota.errors import TransferError
from ota.job import FIELDS, KINDS, SOFTWARE
from ota.port import const

_TAG = const("tag")  # for people, but of software one that begins with the next
_REQUIRES = const("requires ")
_ASKED = FIELDS + (_TAG,)
_UPLOAD = ("title", "version", "size", "checksum", "algorithm")  # what every uploaded package has
_LINK = ("title", "version")  # what every package has that is a URL


def keys():
    """The names of the shared attributes to ask for, joined by commas; those of tb_control.py among them."""
    return ",".join([_name(field, kind) for kind in KINDS for field in _ASKED]) + ",ota_forced,ota_enabled"


def answered(cloud, payload):
    """The answer to a request for all of them."""
    message = parse(payload)
    if message is not None:
        for kind in KINDS:
            cloud.learn(kind, _offer(message.get("shared"), kind))


def pushed(cloud, payload):
    """A push holds only what was saved just now; `deleted` may name any keys in any order (thingsboard.md 2.4)."""
    message = parse(payload)
    if message is None:
        return
    is_partial = False
    for kind in KINDS:
        fresh = _offer(message, kind)
        if all(key in fresh for key in (_LINK if "url" in fresh else _UPLOAD)):
            cloud.learn(kind, fresh)  # a whole offer: what it does not name belongs to the one before
        elif fresh:
            is_partial = True
    deleted = message.get("deleted")
    if isinstance(deleted, list) and not is_partial:
        for kind, known in cloud.known.items():
            rest = {key: known[key] for key in known if _name(key, kind) not in deleted}
            if "title" in rest and "version" in rest:
                is_partial = is_partial or len(rest) < len(known)  # another package, of which more is to come
            else:
                cloud.learn(kind, rest)
    if is_partial:
        cloud.refresh()  # a part of an offer: act on the whole set only


def failed(cloud, payload):
    """Raises what the server calls an error, as TransferError `server_error`."""
    text = (payload or b"")[:40].lower()
    if text == b"payload_too_large":
        cloud.chunk = chunk_size(cloud.chunk // 2)
    raise TransferError("server_error", "".join([chr(c) for c in text if 32 <= c < 127]))


def _name(field, kind):
    """The attribute that tells a field of a job of this kind."""
    return PREFIXES[kind] + "_" + {"algorithm": "checksum_algorithm", "requires": _TAG}.get(field, field)


def _offer(attributes, kind):
    """The fields of one kind that attributes tell."""
    told = {}
    if isinstance(attributes, dict):
        for field in FIELDS:
            value = attributes.get(_name(field, kind))
            if value is not None:
                told[field] = value
        tag = attributes.get(_name(_TAG, kind))
        if kind == SOFTWARE and isinstance(tag, str) and tag.startswith(_REQUIRES):
            told["requires"] = tag[len(_REQUIRES) :]
    return told
