# SPDX-License-Identifier: MIT
"""Who of the observers is to be told next, and when (lwm2m.md 1.8)."""

from ota.port import const, ticks_diff, ticks_ms

_LONGEST_S = const(500000)  # ticks tell no more
# of an observation, see observe.py
_PATH = const(0)
_IS_DIRTY = const(3)
_TOLD_AT = const(4)
_TOLD = const(5)


def pick(cloud):
    """Whether somebody is to be told now; that is `under_way` then. Else notes when to look again."""
    facts = cloud.facts
    now = ticks_ms()
    for known in facts.watches:
        if not wait_ms(facts, known, now) and (known[_IS_DIRTY] or period(facts, known[_PATH], "pmax", facts.pmax)):
            if known[_IS_DIRTY] and not _is_worth(cloud, known):
                known[_IS_DIRTY] = False
                continue
            facts.watches.remove(known)  # the others' turn comes first next time
            facts.watches.append(known)
            facts.under_way = known
            return True
    plan(facts)
    return False


def _is_worth(cloud, known):
    """Whether a change is one that is to be told."""
    path = known[_PATH]
    steps = [period(cloud.facts, path, name, None) for name in ("gt", "lt", "st")]
    if steps == [None] * 3:
        return True
    from ota.lwm2m import attributes, rows

    return attributes.is_worth(steps, known[_TOLD], rows.number(path, rows.below(cloud, path)[1]))


def plan(facts):
    """Notes when there is something to do next."""
    facts.has_news = any(known[_IS_DIRTY] for known in facts.watches)
    now = facts.watch_at = ticks_ms()
    facts.watch_ms = min([wait_ms(facts, known, now) for known in facts.watches]) if facts.watches else -1


def wait_ms(facts, known, now):
    passed = ticks_diff(now, known[_TOLD_AT])
    if not 0 <= passed <= _LONGEST_S * 1000:  # it was so long ago that ticks do not tell
        known[_TOLD_AT] = now - _LONGEST_S * 1000 & 0x3FFFFFFF
        passed = _LONGEST_S * 1000
    if known[_IS_DIRTY]:
        wait_s = period(facts, known[_PATH], "pmin", facts.pmin)
    else:
        wait_s = period(facts, known[_PATH], "pmax", facts.pmax)
        if not wait_s:
            return _LONGEST_S * 1000
    return max(min(wait_s, _LONGEST_S) * 1000 - passed, 0)


def period(facts, path, name, default):
    """An attribute; what is written nearest to the place counts."""
    for n in range(len(path), 0, -1):
        value = facts.notes.get(path[:n], {}).get(name)
        if value is not None:
            return value
    return default
