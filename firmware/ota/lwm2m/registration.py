# SPDX-License-Identifier: MIT
"""Register and Update (lwm2m.md 1.1). A registration outlives a lost line, but no reset."""

from ota.errors import TransferError
from ota.lwm2m import objects
from ota.port import const, ticks_diff, ticks_ms

_RST = const(3)
_POST = const(2)
_CREATED = const(65)  # 2.01
_CHANGED = const(68)  # 2.04
_LOCATION_PATH = const(8)
_URI_PATH = const(11)
_CONTENT_FORMAT = const(12)
_URI_QUERY = const(15)
_LINKS = const(40)
_MARGIN_S = const(93)  # before the lifetime is over, but not more than half of it
_LONGEST_S = const(500000)
_PARTS_MS = const(247000)  # until nobody goes on with a body (RFC 7959 2.5)
_REFUSED = const(5)  # see ota.link: who is refused waits longer


def say(cloud, endpoint):
    facts = cloud.facts
    if facts.parts and ticks_diff(ticks_ms(), facts.parts[0]) > _PARTS_MS:
        facts.parts = None
    out = endpoint.ask(_POST)
    if facts.location is None:
        _register(cloud, out)
    else:
        for part in facts.location:
            out.option(_URI_PATH, part)
        if facts.lifetime_told != facts.lifetime:
            out.option(_URI_QUERY, b"lt=%d" % facts.lifetime)
    if facts.lifetime_told != facts.lifetime:
        facts.lifetime_told = -facts.lifetime
    facts.is_due = False
    return True


def _register(cloud, out):
    """The root announces the one format that we prefer: a list of them confuses some servers."""
    board = cloud.board
    out.option(_URI_PATH, b"rd")
    out.uint(_CONTENT_FORMAT, _LINKS)
    name = board.text("endpoint", "") or board.name
    for query in ("lwm2m=1.1", "ep=" + name, "lt=%d" % cloud.facts.lifetime, "b=U"):
        out.option(_URI_QUERY, query.encode())
    if board.number("queue", 0):
        out.option(_URI_QUERY, b"Q")
    made = '</>;rt="oma.lwm2m";ct=112'
    for oid in sorted(objects.RELEASES):
        if objects.RELEASES[oid]:
            made += "," + objects.link(oid)
        made += ",</%d/0>" % oid
    out.payload(made.encode())


def ended(cloud, m):
    facts = cloud.facts
    is_new = facts.location is None
    if m is None or (is_new and m.type == _RST):
        raise TransferError("register_unanswered" if is_new else "update_unanswered")
    if is_new:
        if m.code != _CREATED:
            is_refused = m.code >> 5 == 4
            raise TransferError("register_%d%02d" % (m.code >> 5, m.code & 31), _REFUSED if is_refused else "")
        facts.location = []
        for part in m.values(_LOCATION_PATH):  # some put all of it into one option
            facts.location += [piece for piece in part.split(b"/") if piece]
    elif m.code != _CHANGED:  # 4.04: it has forgotten us; anything else comes to the same
        from ota.lwm2m import observe

        facts.is_up = False
        facts.location = facts.sent = None
        facts.lifetime_told = 0
        observe.clear(facts)
        return
    elif facts.sends and facts.sends[0] is facts.sent:  # nobody has answered that: it is deaf to a Send
        facts.sends = facts.sends[1:]
    facts.heard_at = ticks_ms()
    facts.lifetime_told = abs(facts.lifetime_told)
    lifetime = min(facts.lifetime, _LONGEST_S)
    facts.period_ms = (lifetime - min(lifetime // 2, _MARGIN_S)) * 1000
    facts.is_up = True
