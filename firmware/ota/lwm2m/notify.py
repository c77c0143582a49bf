# SPDX-License-Identifier: MIT
"""Notifications (RFC 7641). Every one is confirmable. What has changed while one is on its way goes out with its
repetition, or after it; so the last value always arrives, and none is told of the past.
"""

from ota.coap import message as coap
from ota.errors import TransferError
from ota.lwm2m import reading
from ota.lwm2m.observe import ACCEPT, IS_DIRTY, PATH, TOKEN, TOLD, TOLD_AT, next_count, period, plan, value_of, wait_ms
from ota.port import const, ticks_ms

_BLOCK = const(512)


def say(cloud, endpoint):
    facts = cloud.facts
    now = ticks_ms()
    for known in facts.watches:
        if not wait_ms(facts, known, now) and (known[IS_DIRTY] or period(facts, known[PATH], "pmax", facts.pmax)):
            if known[IS_DIRTY] and not _is_worth(cloud, known):
                known[IS_DIRTY] = False
                continue
            facts.watches.remove(known)  # the others' turn comes first next time
            facts.watches.append(known)
            facts.under_way = known
            _compose(cloud, endpoint)
            return True
    plan(facts)
    return False


def _is_worth(cloud, known):
    """Whether a change is one that is to be told."""
    path = known[PATH]
    steps = [period(cloud.facts, path, name, None) for name in ("gt", "lt", "st")]
    if steps == [None] * 3:
        return True
    from ota.lwm2m import attributes

    return attributes.is_worth(steps, known[TOLD], value_of(cloud, path))


def _compose(cloud, endpoint):
    facts, known = cloud.facts, cloud.facts.under_way
    known[IS_DIRTY] = False
    known[TOLD_AT] = ticks_ms()
    known[TOLD] = value_of(cloud, known[PATH])
    code, number, body = reading.told(cloud, known[PATH], known[ACCEPT])
    out = endpoint.tell(code, known[TOKEN])
    if code == coap.CONTENT:
        out.uint(coap.OBSERVE, next_count(facts))
        out.uint(coap.CONTENT_FORMAT, number)
        if len(body) > _BLOCK:
            out.uint(coap.BLOCK2, 8 | 5)
            body = body[:_BLOCK]
        out.payload(body)
    else:  # it is gone, and with it the observation (RFC 7641 4.2)
        facts.watches = [other for other in facts.watches if other is not known]
    plan(facts)


def again(cloud, endpoint):
    """Before a repetition: a newer value takes the place of the old one (RFC 7641 4.5.2)."""
    if cloud.facts.under_way is not None and cloud.facts.under_way[IS_DIRTY]:
        _compose(cloud, endpoint)


def ended(cloud, m):
    facts = cloud.facts
    known, facts.under_way = facts.under_way, None
    if m is None:
        if known is not None:
            known[IS_DIRTY] = True
        plan(facts)
        raise TransferError("notify_unanswered")
    if m.type == coap.RST:
        facts.watches = [other for other in facts.watches if other is not known]
    plan(facts)
