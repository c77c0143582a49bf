# SPDX-License-Identifier: MIT
"""What is below a path: (object, instance, resource, one of several values), or the first of them."""

from ota.coap.message import BAD_REQUEST, CHANGED, CONTENT, NOT_ALLOWED, NOT_FOUND, UNAUTHORIZED
from ota.lwm2m import objects
from ota.port import const

_SECURITY = const(0)


def letter(cloud, oid, rid):
    """The type of a resource, "" for one that is not there."""
    found = objects.find(cloud, oid)
    kind = found.resources.get(rid, "").rstrip("*")[-1:] if found else ""
    return "" if kind == "E" else kind


def seek(cloud, path):
    """Code of why there is no such place, CONTENT if there is."""
    if path[0] == _SECURITY:
        return UNAUTHORIZED
    found = objects.find(cloud, path[0])
    if found is None or (len(path) > 1 and path[1]):
        return NOT_FOUND
    if len(path) > 2 and path[2] not in found.resources:
        return NOT_FOUND
    if len(path) > 3 and "*" not in found.resources[path[2]]:
        return NOT_FOUND
    return CONTENT


def rows(cloud, path):
    """(code, rows as in formats.py) of what is below a path."""
    code = seek(cloud, path)
    if code != CONTENT:
        return code, []
    found = objects.find(cloud, path[0])
    made = []
    for rid in sorted(found.resources) if len(path) < 3 else (path[2],):
        kind = found.resources[rid]
        if "R" not in kind:
            if len(path) > 2:
                return NOT_ALLOWED, []
            continue
        value = found.read(rid)
        kind = kind.rstrip("*")[-1]
        if isinstance(value, list):
            made += [(path[0], 0, rid, i, kind, value[i]) for i in range(len(value))]
        elif value is not None:
            made.append((path[0], 0, rid, None, kind, value))
    if len(path) > 3:
        made = [row for row in made if row[3] == path[3]]
    return CONTENT if made else NOT_FOUND, made


def write(cloud, changes):
    """`changes`: (place, value) of each, all judged before the first is written. A code."""
    if not changes:
        return BAD_REQUEST
    for place, _ in changes:
        code = seek(cloud, place)
        if code != CONTENT:
            return code
        if "W" not in objects.find(cloud, place[0]).resources[place[2]] or len(place) > 3:
            return NOT_ALLOWED
    for place, value in changes:
        found = objects.find(cloud, place[0])
        code = found.write(place[2], value)  # pyright: ignore[reportAttributeAccessIssue]
        if code != CHANGED:
            return code
    return CHANGED


def execute(cloud, path, arguments):
    code = seek(cloud, path)
    if code != CONTENT:
        return code
    found = objects.find(cloud, path[0])
    if found.resources[path[2]] != "E":
        return NOT_ALLOWED
    return found.execute(path[2], arguments)  # pyright: ignore[reportAttributeAccessIssue]
