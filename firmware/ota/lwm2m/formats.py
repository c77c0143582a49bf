# SPDX-License-Identifier: MIT
"""Content formats of LwM2M 1.1 (lwm2m.md 1.5), each in modules of its own: one writes it, and the ones here read it.

A row is (oid, iid, rid, riid or None, type, value): types are letters, see objects.py. A writer has
encode(rows) -> bytes, a reader decode(payload, path, type_of) -> [((oid, iid, rid) or four of them, value)], ValueError
for what makes no sense; `type_of(oid, rid)`: its letter, "" for none.
"""

from ota.port import const

TEXT, OPAQUE = const(0), const(42)
SENML_JSON, SENML_CBOR, TLV = const(110), const(112), const(11542)


def reader(number):
    """None for one that we do not speak."""
    if number == SENML_CBOR:
        from ota.lwm2m import senml_cbor_read as found
    elif number == TLV:
        from ota.lwm2m import tlv_read as found
    elif number == SENML_JSON:
        from ota.lwm2m import senml_json_read as found
    elif number in (TEXT, OPAQUE):
        from ota.lwm2m import plain as found
    else:
        found = None
    return found
