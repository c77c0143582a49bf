# SPDX-License-Identifier: MIT
"""Send (lwm2m.md 5): every State and Result of an update, in order, with what else a server wants to know beside it."""

from ota.port import const, forget

_POST = const(2)
_CHANGED = const(68)  # 2.04
_URI_PATH = const(11)
_CONTENT_FORMAT = const(12)
_SENML_CBOR = const(112)
_OTHERS = ((5, 8), (5, 9), (3, 3), (3, 19))


def say(cloud, endpoint):
    rows = _rows(cloud)
    out = endpoint.ask(_POST)
    out.option(_URI_PATH, b"dp")
    out.uint(_CONTENT_FORMAT, _SENML_CBOR)
    from ota.lwm2m import senml_cbor

    out.payload(senml_cbor.encode(rows))
    return True


def _rows(cloud):
    """What there is to tell. Its code makes room for the one that writes it."""
    from ota.lwm2m import tree

    state, result = cloud.facts.sent = cloud.facts.sends[0]
    rows = [(5, 0, 3, None, "i", state), (5, 0, 5, None, "i", result)]
    for oid, rid in _OTHERS:
        rows += tree.rows(cloud, (oid, 0, rid))[1]
    forget("ota.lwm2m.tree", "ota.lwm2m.objects", "ota.lwm2m.object3", "ota.lwm2m.object5", "ota.lwm2m.line")
    return rows


def ended(cloud, m):
    """Whatever the answer is, it is not said again: the server can read, and the next State comes. Where there is none
    the Update tells whether the server is there, see registration.py."""
    facts = cloud.facts
    if m is not None and facts.sends and facts.sends[0] is facts.sent:
        facts.sends = facts.sends[1:]
    if m is None or m.code != _CHANGED:
        facts.is_due = True  # perhaps the server has forgotten us
