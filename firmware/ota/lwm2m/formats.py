# SPDX-License-Identifier: MIT
"""Content formats of LwM2M 1.1 (lwm2m.md 1.5), each in modules of its own: one writes it, and the ones here read it.

A row is (oid, iid, rid, riid or None, type, value): types are letters, see objects.py. A writer has
encode(rows) -> bytes, a reader decode(payload, path, type_of) -> [((oid, iid, rid) or four of them, value)], ValueError
for what makes no sense; `type_of(oid, rid)`: its letter, "" for none.
"""

from ota.port import const

_TEXT = const(0)
_OPAQUE = const(42)
_SENML_JSON = const(110)
_SENML_CBOR = const(112)
_TLV = const(11542)


def reader(number):
    """None for one that we do not speak."""
    if number == _SENML_CBOR:
        from ota.lwm2m import senml_cbor_read as found
    elif number == _TLV:
        from ota.lwm2m import tlv_read as found
    elif number == _SENML_JSON:
        from ota.lwm2m import senml_json_read as found
    elif number in (_TEXT, _OPAQUE):
        from ota.lwm2m import plain as found
    else:
        found = None
    return found
