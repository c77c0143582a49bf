# SPDX-License-Identifier: MIT
"""Content formats of LwM2M 1.1 (lwm2m.md 1.5), each in a module of its own that is loaded when it is used.

A row is (oid, iid, rid, riid or None, type, value): types are letters, see tree.py. Each of the modules has
encode(rows) -> bytes, and decode(payload, path, type_of) -> [((oid, iid, rid) or four of them, value)], ValueError for
what makes no sense; `type_of(oid, rid)`: its letter, "" for none.
"""

from ota.port import const, forget

TEXT, LINKS, OPAQUE = const(0), const(40), const(42)
SENML_JSON, SENML_CBOR, TLV = const(110), const(112), const(11542)
STRUCTURED = (SENML_JSON, SENML_CBOR, TLV)


def module(number):
    """The module of a format; None for one that we do not speak."""
    if number == SENML_CBOR:
        from ota.lwm2m import senml_cbor as found
    elif number == TLV:
        from ota.lwm2m import tlv as found
    elif number == SENML_JSON:
        from ota.lwm2m import senml_json as found
    elif number in (TEXT, OPAQUE):
        from ota.lwm2m import plain as found
    else:
        found = None
    return found


def forget_all():
    """What was used makes room: a download needs it more, and an import is quick."""
    forget("ota.lwm2m.senml_cbor", "ota.lwm2m.senml_json", "ota.lwm2m.tlv", "ota.lwm2m.plain")


def number(value):
    """An integer that another form brought as a number or a text. Raises ValueError."""
    whole = int(value)
    if isinstance(value, bool) or (not isinstance(value, str) and whole != value):
        raise ValueError("no integer")
    return whole


def fit(value, letter):
    """A value of SenML, as its type wants it. Raises ValueError."""
    if letter in "it":
        if isinstance(value, str):
            raise ValueError("no number")
        return number(value)
    if letter == "b":
        if not isinstance(value, bool):
            raise ValueError("no boolean")
        return value
    if not isinstance(value, bytes if letter == "o" else str):
        raise ValueError("no " + letter)
    return value


def names(base, name):
    """The numbers of a path that comes in two parts, with or without the slash between them. Raises ValueError."""
    parts = [part for part in (base + name).split("/") if part]
    if not all(part.isdigit() and len(part) < 6 for part in parts):
        raise ValueError("no path")
    return tuple([int(part) for part in parts])
