# SPDX-License-Identifier: MIT
"""What a boot finds of the one before in NVS, see records.py. Loaded then."""

from ota.job import FIRMWARE
from ota.port import const

_LINK_LOST = const(4)
_DEFERRED = const(11)
_DOWNLOADING = const(1)
_DOWNLOADED = const(2)
_UPDATING = const(3)
_PUSH = const(1)
_LIFETIME_S = const(300)


def recall(cloud):
    """What a boot finds of the one before."""
    facts, kept, board = cloud.facts, cloud.journal.facts, cloud.board
    facts.is_mute = kept.get("mute", not board.number("send", 1))
    facts.lifetime = kept.get("lt") or board.number("lifetime", _LIFETIME_S)
    kept = kept.get("fw")
    if not isinstance(kept, dict):
        return
    cloud.number = kept["n"]
    facts.uri, facts.way, facts.state, facts.result = kept["uri"], kept["way"], kept["state"], kept["result"]
    facts.severity, facts.max_defer, facts.has_terms = kept["terms"]
    known = cloud.known[FIRMWARE] = kept["job"] or {}
    cloud.is_ordered = facts.state == _DOWNLOADED and facts.result == _DEFERRED
    if facts.state == _DOWNLOADING and facts.way == _PUSH:
        from ota.lwm2m import firmware

        cloud.known[FIRMWARE] = {}
        firmware.Firmware(cloud).failed(_LINK_LOST)
    elif facts.state in (_DOWNLOADED, _UPDATING):
        cloud.whole = known["id"]
        facts.name, facts.version = known["title"], known["version"]
