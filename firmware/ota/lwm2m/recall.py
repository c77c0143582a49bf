# SPDX-License-Identifier: MIT
"""What a boot finds of the one before in NVS, see records.py. Loaded then."""

from ota.errors import JobError
from ota.job import FIRMWARE, Job
from ota.port import const

_LINK_LOST = const(4)
_DEFERRED = const(11)
_DOWNLOADING = const(1)
_DOWNLOADED = const(2)
_UPDATING = const(3)
_PUSH = const(1)
_INITIAL = const(0)
_FAILED = const(8)
_MOST_JOBS = const(0x3FFFFFFF)
_MOST_DEFER = const(31536000)
_LIFETIME_S = const(300)
_MOST_S = const(0x7FFFFFFF)  # as object1.py takes it


def recall(cloud):
    """What a boot finds of the one before. Nothing that may be in NVS keeps a board from starting: what makes no sense
    is as if it had never been.
    """
    facts, kept, board = cloud.facts, cloud.journal.facts, cloud.board
    is_mute = kept.get("mute")
    facts.is_mute = is_mute if isinstance(is_mute, bool) else not board.number("send", 1)
    lifetime = number(board.number("lifetime", _LIFETIME_S), 1, _MOST_S, _LIFETIME_S)
    facts.lifetime = number(kept.get("lt"), 1, _MOST_S, lifetime)
    firmware, software = kept.get("fw"), kept.get("sw")
    if isinstance(firmware, dict):
        _recall_firmware(cloud, facts, firmware)
    if isinstance(software, dict):
        from ota.lwm2m import packages

        packages.recall(cloud, software)


def _recall_firmware(cloud, facts, kept):
    """A State that needs a job and has none is over."""
    cloud.number = number(kept.get("n"), 0, _MOST_JOBS, 0)
    facts.uri = kept["uri"] if isinstance(kept.get("uri"), str) else ""
    facts.way = number(kept.get("way"), 0, _PUSH, facts.way)
    facts.state = number(kept.get("state"), 0, _UPDATING, facts.state)
    facts.result = number(kept.get("result"), 0, _DEFERRED, facts.result)
    _recall_terms(facts, kept.get("terms"))
    known = cloud.known[FIRMWARE] = job(kept.get("job"))
    if facts.state and not known:
        from ota.lwm2m import firmware

        firmware.Firmware(cloud).failed(_FAILED if facts.state == _UPDATING else _INITIAL)
    cloud.is_ordered = facts.state == _DOWNLOADED and facts.result == _DEFERRED
    if facts.state == _DOWNLOADING and facts.way == _PUSH:
        from ota.lwm2m import firmware

        cloud.known[FIRMWARE] = {}
        firmware.Firmware(cloud).failed(_LINK_LOST)
    elif facts.state in (_DOWNLOADED, _UPDATING):
        cloud.whole = known["id"]
        facts.name, facts.version = known["title"], known["version"]


def _recall_terms(facts, kept):
    if isinstance(kept, list) and len(kept) == 3 and isinstance(kept[2], bool):
        facts.severity = number(kept[0], 0, 2, facts.severity)
        facts.max_defer = number(kept[1], 0, _MOST_DEFER, facts.max_defer)
        facts.has_terms = kept[2]


def job(kept):
    """What books.py knows of a job; nothing unless it makes a whole one."""
    if not isinstance(kept, dict):
        return {}
    known = {name: kept.get(name) for name in ("id", "title", "version", "size", "tag", "url")}
    try:
        Job(known, True)
    except JobError:
        return {}
    return known if known["id"] and isinstance(known["id"], str) and isinstance(known["tag"], str) else {}


def number(value, least, most, default):
    is_one = isinstance(value, int) and not isinstance(value, bool)
    return value if is_one and least <= value <= most else default
