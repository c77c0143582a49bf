# SPDX-License-Identifier: MIT
"""Notifications (RFC 7641). Every one is confirmable. What has changed while one is on its way goes out with its
repetition, or after it; so the last value always arrives, and none is told of the past.
"""

from ota.errors import TransferError
from ota.port import const, forget, ticks_ms

_PATH = const(0)
_TOKEN = const(1)
_ACCEPT = const(2)
_IS_DIRTY = const(3)
_TOLD_AT = const(4)
_TOLD = const(5)
_SZX = const(6)
_RST = const(3)
_CONTENT = const(69)  # 2.05
_OBSERVE = const(6)
_CONTENT_FORMAT = const(12)
_BLOCK2 = const(23)
_LARGEST = const(4)  # of SZX: 256 bytes go at once


def say(cloud, endpoint):
    if not _is_due(cloud):
        return False
    _compose(cloud, endpoint)
    return True


def _is_due(cloud):
    """A function of its own: what it loads must not stay for the next."""
    from ota.lwm2m import timing

    forget("ota.lwm2m.timing")
    return timing.pick(cloud)


def _compose(cloud, endpoint):
    from ota.lwm2m import rows

    facts, known = cloud.facts, cloud.facts.under_way
    known[_IS_DIRTY] = False
    known[_TOLD_AT] = ticks_ms()
    path = known[_PATH]
    code, found = rows.below(cloud, path)
    known[_TOLD] = rows.number(path, found)
    from ota.lwm2m import telling

    code, number, body = telling.told(cloud, path, known[_ACCEPT], code, found)
    out = endpoint.tell(code, known[_TOKEN])
    if code == _CONTENT:
        out.uint(_OBSERVE, telling.next_count(facts))
        out.uint(_CONTENT_FORMAT, number)
        szx = min(known[_SZX], _LARGEST)  # what was asked for, or less (RFC 7959 2.4)
        if len(body) > 16 << szx:
            out.uint(_BLOCK2, 8 | szx)
            body = body[: 16 << szx]
        out.payload(body)
    else:  # it is gone, and with it the observation (RFC 7641 4.2)
        facts.watches = [other for other in facts.watches if other is not known]
    facts.watch_ms = 0  # timing.py looks again


def again(cloud, endpoint):
    """Before a repetition: a newer value takes the place of the old one (RFC 7641 4.5.2)."""
    if cloud.facts.under_way is not None and cloud.facts.under_way[_IS_DIRTY]:
        _compose(cloud, endpoint)


def ended(cloud, m):
    facts = cloud.facts
    known, facts.under_way = facts.under_way, None
    if m is None:
        if known is not None:
            known[_IS_DIRTY] = True
        facts.watch_ms = 0
        raise TransferError("notify_unanswered")
    if m.type == _RST:
        facts.watches = [other for other in facts.watches if other is not known]
    facts.watch_ms = 0
