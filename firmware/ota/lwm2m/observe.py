# SPDX-License-Identifier: MIT
"""Observations (RFC 7641, lwm2m.md 1.8): who wants to be told of what. When, is in timing.py."""

from ota.lwm2m.telling import next_count
from ota.lwm2m.timing import plan
from ota.port import const, ticks_ms

_MOST = const(12)
# of an observation
_PATH = const(0)
_TOKEN = const(1)
_ACCEPT = const(2)
_IS_DIRTY = const(3)
_TOLD_AT = const(4)


def add(facts, path, token, accept, value, szx):
    """Starts one, or renews it, with the number that is told first; its own number, 0 where there are too many.

    `szx`: of the largest blocks that it is told in.
    """
    cancel(facts, token, path)
    if len(facts.watches) >= _MOST:
        return 0
    facts.watches.append([path, token, accept, False, ticks_ms(), value, szx])
    plan(facts)
    return next_count(facts)


def cancel(facts, token, path=None):
    """That of a token, for the path may have another one by now; to begin one, also that of the path."""
    facts.watches = [known for known in facts.watches if known[_TOKEN] != token and known[_PATH] != path]
    plan(facts)


def clear(facts):
    """The server has forgotten them."""
    facts.watches = []
    facts.under_way = None
    plan(facts)


def lost(facts):
    """The line is: what was on its way is still to be said."""
    if facts.under_way is not None:
        facts.under_way[_IS_DIRTY] = True
        facts.under_way = None
    plan(facts)
