# SPDX-License-Identifier: MIT
"""Objects by number. Each has one instance, 0 (lwm2m.md 1.3, 1.4, 2.1). Object 0 nobody may read."""

RELEASES = {1: "", 3: "", 5: "1.1", 9: "", 19: ""}  # "" is the version that goes without saying


def find(cloud, oid):
    """The object, or None.

    It has `resources`: number -> what may be done with it (R, W, E), its type in small letters (s text, o bytes, b
    boolean, i integer, t time), * for several values. read(rid) -> a value, a list of them, or None while there is
    none; write(rid, value) -> code; execute(rid, arguments) -> code.
    """
    if oid == 5:
        from ota.lwm2m import object5 as found
    elif oid == 3:
        from ota.lwm2m import object3 as found
    elif oid == 1:
        from ota.lwm2m import object1 as found
    elif oid == 9:
        from ota.lwm2m import object9 as found
    elif oid == 19:
        from ota.lwm2m import object19 as found
    else:
        return None
    return found.Object(cloud)


def link(oid):
    """An object as a link, with its version."""
    return "</%d>" % oid + (";ver=" + RELEASES[oid] if RELEASES[oid] else "")
