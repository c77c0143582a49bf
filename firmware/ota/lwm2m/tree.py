# SPDX-License-Identifier: MIT
"""Objects by path. Each has one instance, 0 (lwm2m.md 1.3, 1.4, 2.1).

An object has `oid`, `release` (its version, "" for the one that goes without saying) and `resources`: number -> what
may be done with it (R, W, E), its type in small letters (s text, o bytes, b boolean, i integer, t time), * for several
values. read(rid) -> a value, a list of them, or None while there is none; write(rid, value) -> code;
execute(rid, arguments) -> code.
"""

from ota.coap.message import BAD_REQUEST, CHANGED, CONTENT, NOT_ALLOWED, NOT_FOUND, UNAUTHORIZED
from ota.port import const

_SECURITY = const(0)


class Tree:
    """`objects`: those that a server may know of."""

    def __init__(self, objects):
        self.objects = {found.oid: found for found in objects}

    def letter(self, oid, rid):
        """The type of a resource, "" for one that is not there."""
        found = self.objects.get(oid)
        letter = found.resources.get(rid, "").rstrip("*")[-1:] if found else ""
        return "" if letter == "E" else letter

    def seek(self, path):
        """Code of why there is no such place, CONTENT if there is."""
        if path[0] == _SECURITY:
            return UNAUTHORIZED
        found = self.objects.get(path[0])
        if found is None or (len(path) > 1 and path[1]):
            return NOT_FOUND
        if len(path) > 2 and path[2] not in found.resources:
            return NOT_FOUND
        if len(path) > 3 and "*" not in found.resources[path[2]]:
            return NOT_FOUND
        return CONTENT

    def rows(self, path):
        """(code, rows as in formats.py) of what is below a path."""
        code = self.seek(path)
        if code != CONTENT:
            return code, []
        found = self.objects[path[0]]
        made = []
        for rid in sorted(found.resources) if len(path) < 3 else (path[2],):
            kind = found.resources[rid]
            if "R" not in kind:
                if len(path) > 2:
                    return NOT_ALLOWED, []
                continue
            value = found.read(rid)
            letter = self.letter(path[0], rid)
            if isinstance(value, list):
                made += [(path[0], 0, rid, i, letter, value[i]) for i in range(len(value))]
            elif value is not None:
                made.append((path[0], 0, rid, None, letter, value))
        if len(path) > 3:
            made = [row for row in made if row[3] == path[3]]
        return CONTENT if made else NOT_FOUND, made

    def links(self, path, notes):
        """(code, what Discover answers); `notes(path)`: attributes of a place, as text."""
        code = self.seek(path)
        if code != CONTENT:
            return code, ""
        found = self.objects[path[0]]
        made = []
        if len(path) == 1:
            made.append(link(found) + notes(path))
        if len(path) < 3:
            made.append("</%d/0>" % found.oid + notes((found.oid, 0)))
        for rid in sorted(found.resources) if len(path) < 3 else (path[2],):
            value = found.read(rid) if "R" in found.resources[rid] else ""
            if value is not None:
                several = ";dim=%d" % len(value) if isinstance(value, list) else ""
                made.append("</%d/0/%d>" % (found.oid, rid) + several + notes((found.oid, 0, rid)))
        return CONTENT, ",".join(made)

    def write(self, changes):
        """`changes`: (place, value) of each, all judged before the first is written. A code."""
        if not changes:
            return BAD_REQUEST
        for place, _ in changes:
            code = self.seek(place)
            if code != CONTENT:
                return code
            if "W" not in self.objects[place[0]].resources[place[2]] or len(place) > 3:
                return NOT_ALLOWED
        for place, value in changes:
            code = self.objects[place[0]].write(place[2], value)
            if code != CHANGED:
                return code
        return CHANGED

    def execute(self, path, arguments):
        code = self.seek(path)
        if code != CONTENT:
            return code
        found = self.objects[path[0]]
        if found.resources[path[2]] != "E":
            return NOT_ALLOWED
        return found.execute(path[2], arguments)


def link(found):
    """An object as a link, with its version."""
    return "</%d>" % found.oid + (";ver=" + found.release if found.release else "")
