# SPDX-License-Identifier: MIT
"""Something may have changed: notes it for all who observe it. notify.py looks when they are told."""

import json

from ota.port import const, ticks_ms

# of an observation, see observe.py
_PATH = const(0)
_IS_DIRTY = const(3)


def changed(facts, oid, *rids):
    """These resources may have another value, or are to be told anyway."""
    for known in facts.watches:
        path = known[_PATH]
        if path[0] == oid and (len(path) < 3 or path[2] in rids):
            known[_IS_DIRTY] = facts.has_news = True
            facts.watch_ms, facts.watch_at = 0, ticks_ms()


def publish(cloud, values):
    """Object 19 has this now."""
    cloud.data = json.dumps(values).encode()
    changed(cloud.facts, 19, 0)
