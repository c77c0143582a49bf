# SPDX-License-Identifier: MIT
"""Observations (RFC 7641, lwm2m.md 1.8): who wants to be told of what, how often, and when it is due."""

from ota.port import const, ticks_diff, ticks_ms

_MOST = const(12)
_LONGEST_S = const(500000)  # ticks tell no more
# of an observation
PATH, TOKEN, ACCEPT, IS_DIRTY, TOLD_AT, TOLD = const(0), const(1), const(2), const(3), const(4), const(5)


def add(cloud, path, token, accept):
    """Starts one, or renews it; its number, 0 where there are too many."""
    facts = cloud.facts
    cancel(facts, path, token)
    if len(facts.watches) >= _MOST:
        return 0
    facts.watches.append([path, token, accept, False, ticks_ms(), value_of(cloud, path)])
    plan(facts)
    return next_count(facts)


def cancel(facts, path, token):
    facts.watches = [known for known in facts.watches if known[PATH] != path and known[TOKEN] != token]
    plan(facts)


def clear(facts):
    """The server has forgotten them."""
    facts.watches = []
    facts.under_way = None
    plan(facts)


def changed(facts, oid, *rids):
    """These resources may have another value, or are to be told anyway."""
    for known in facts.watches:
        path = known[PATH]
        if path[0] == oid and (len(path) < 3 or path[2] in rids):
            known[IS_DIRTY] = True
    plan(facts)


def lost(facts):
    """The line is: what was on its way is still to be said."""
    if facts.under_way is not None:
        facts.under_way[IS_DIRTY] = True
        facts.under_way = None
    plan(facts)


# when


def plan(facts):
    """Notes when there is something to do next."""
    facts.has_news = any(known[IS_DIRTY] for known in facts.watches)
    now = facts.watch_at = ticks_ms()
    facts.watch_ms = min([wait_ms(facts, known, now) for known in facts.watches]) if facts.watches else -1


def wait_ms(facts, known, now):
    passed = ticks_diff(now, known[TOLD_AT])
    if not 0 <= passed <= _LONGEST_S * 1000:  # it was so long ago that ticks do not tell
        known[TOLD_AT] = now - _LONGEST_S * 1000 & 0x3FFFFFFF
        passed = _LONGEST_S * 1000
    if known[IS_DIRTY]:
        wait_s = period(facts, known[PATH], "pmin", facts.pmin)
    else:
        wait_s = period(facts, known[PATH], "pmax", facts.pmax)
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


def next_count(facts):
    facts.count = (facts.count + 1) & 0xFFFFFF or 1
    return facts.count


def value_of(cloud, path):
    """What can be compared with the next one, None if it is no number."""
    if len(path) < 3:
        return None
    from ota.lwm2m import objects

    value = objects.find(cloud, path[0]).read(path[2])
    return value if isinstance(value, int) and not isinstance(value, bool) else None
