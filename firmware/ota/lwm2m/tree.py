# SPDX-License-Identifier: MIT
"""What is below a path: (object, instance, resource, one of several values), or the first of them."""

from ota.lwm2m import objects
from ota.port import const

_CONTENT = const(69)  # 2.05
_UNAUTHORIZED = const(129)  # 4.01
_NOT_FOUND = const(132)  # 4.04
_NOT_ALLOWED = const(133)  # 4.05
_SECURITY = const(0)


def seek(cloud, path):
    """Code of why there is no such place, 2.05 if there is."""
    if path[0] == _SECURITY:
        return _UNAUTHORIZED
    found = objects.find(cloud, path[0])
    if found is None or (len(path) > 1 and path[1]):
        return _NOT_FOUND
    if len(path) > 2 and path[2] not in found.resources:
        return _NOT_FOUND
    if len(path) > 3 and "*" not in found.resources[path[2]]:
        return _NOT_FOUND
    return _CONTENT


def rows(cloud, path):
    """(code, rows as in formats.py) of what is below a path."""
    code = seek(cloud, path)
    if code != _CONTENT:
        return code, []
    found = objects.find(cloud, path[0])
    made = []
    for rid in sorted(found.resources) if len(path) < 3 else (path[2],):
        kind = found.resources[rid]
        if "R" not in kind:
            if len(path) > 2:
                return _NOT_ALLOWED, []
            continue
        value = found.read(rid)
        kind = kind.rstrip("*")[-1]
        if isinstance(value, list):
            made += [(path[0], 0, rid, i, kind, value[i]) for i in range(len(value))]
        elif value is not None:
            made.append((path[0], 0, rid, None, kind, value))
    if len(path) > 3:
        made = [row for row in made if row[3] == path[3]]
    return _CONTENT if made else _NOT_FOUND, made
