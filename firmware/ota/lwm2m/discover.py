# SPDX-License-Identifier: MIT
"""Discover (lwm2m.md 1.2): what is below a path, as links."""

from ota.lwm2m import objects, tree
from ota.lwm2m.attributes import notes
from ota.port import const

_CONTENT = const(69)  # 2.05


def links(cloud, path):
    """(code, text); what there is no value of is not told."""
    code = tree.seek(cloud, path)
    if code != _CONTENT:
        return code, ""
    oid, known = path[0], cloud.facts.notes
    found = objects.find(cloud, oid)
    made = []
    if len(path) == 1:
        made.append(objects.link(oid) + notes(known, path))
    if len(path) < 3:
        made.append("</%d/0>" % oid + notes(known, (oid, 0)))
    for rid in sorted(found.resources) if len(path) < 3 else (path[2],):
        value = found.read(rid) if "R" in found.resources[rid] else ""
        if value is not None:
            several = ";dim=%d" % len(value) if isinstance(value, list) else ""
            made.append("</%d/0/%d>" % (oid, rid) + several + notes(known, (oid, 0, rid)))
    return _CONTENT, ",".join(made)
