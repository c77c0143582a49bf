# SPDX-License-Identifier: MIT
"""What a Write or an Execute does, once it is known which resource is meant."""

from ota.lwm2m import objects
from ota.lwm2m.tree import seek
from ota.port import const

_CHANGED = const(68)  # 2.04
_CONTENT = const(69)  # 2.05
_BAD_REQUEST = const(128)  # 4.00
_NOT_ALLOWED = const(133)  # 4.05


def letter(cloud, oid, rid):
    """The type of a resource, "" for one that is not there."""
    found = objects.find(cloud, oid)
    kind = found.resources.get(rid, "").rstrip("*")[-1:] if found else ""
    return "" if kind == "E" else kind


def write(cloud, changes):
    """`changes`: (place, value) of each. A code; a place that will not do changes nothing, a value ends it there."""
    if not changes:
        return _BAD_REQUEST
    for place, _ in changes:
        code = seek(cloud, place)
        if code != _CONTENT:
            return code
        if "W" not in objects.find(cloud, place[0]).resources[place[2]] or len(place) > 3:
            return _NOT_ALLOWED
    for place, value in changes:
        found = objects.find(cloud, place[0])
        code = found.write(place[2], value)  # pyright: ignore[reportAttributeAccessIssue]
        if code != _CHANGED:
            return code
    return _CHANGED


def execute(cloud, path, arguments):
    code = seek(cloud, path)
    if code != _CONTENT:
        return code
    found = objects.find(cloud, path[0])
    if found.resources[path[2]] != "E":
        return _NOT_ALLOWED
    return found.execute(path[2], arguments)  # pyright: ignore[reportAttributeAccessIssue]
