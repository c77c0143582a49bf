# SPDX-License-Identifier: MIT
"""Discover (lwm2m.md 1.2): what is below a path, as links."""

from ota.lwm2m import objects, tree
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
        made.append(objects.link(oid) + _notes(known, path))
    if len(path) < 3:
        made.append("</%d/0>" % oid + _notes(known, (oid, 0)))
    for rid in sorted(found.resources) if len(path) < 3 else (path[2],):
        value = found.read(rid) if "R" in found.resources[rid] else ""
        if value is not None:
            several = ";dim=%d" % len(value) if isinstance(value, list) else ""
            made.append("</%d/0/%d>" % (oid, rid) + several + _notes(known, (oid, 0, rid)))
    return _CONTENT, ",".join(made)


def _notes(known, path):
    """Rarely has a server written any."""
    if not known:
        return ""
    from ota.lwm2m import attributes

    return attributes.notes(known, path)
