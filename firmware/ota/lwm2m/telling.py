# SPDX-License-Identifier: MIT
"""What a Read or a notification tells, in the content format that is asked for (lwm2m.md 1.5)."""

from ota.port import const

_CONTENT = const(69)  # 2.05
_NOT_ACCEPTABLE = const(134)  # 4.06
_TEXT = const(0)
_OPAQUE = const(42)
_SENML_JSON = const(110)
_SENML_CBOR = const(112)
_TLV = const(11542)


def told(cloud, path, accept, code, rows):
    """(code, content format, bytes) of what a Read or a Notify tells; `accept` -1: whatever fits best.

    `code`, `rows`: of rows.py.
    """
    if code != _CONTENT:
        return code, 0, b""
    is_single = len(rows) == 1 and len(path) > 2 and (len(path) > 3 or rows[0][3] is None)
    if accept < 0:
        accept = _TEXT if is_single else _SENML_CBOR
    if accept == _OPAQUE and is_single and rows[0][4] == "o":
        return code, accept, rows[0][5]
    if accept not in (_SENML_JSON, _SENML_CBOR, _TLV) and not (is_single and accept == _TEXT):
        return _NOT_ACCEPTABLE, 0, b""
    if path[0] == 5 and (len(path) < 3 or path[2] in (3, 5)):
        cloud.facts.sends = cloud.facts.sends[-1:]  # the server knows better than what was before
    return code, accept, _encoded(accept, rows, len(path))


def _encoded(number, rows, depth):
    if number == _TLV:
        from ota.lwm2m import tlv

        return tlv.encode(rows, depth)
    if number == _TEXT:
        from ota.lwm2m import plain as form
    elif number == _SENML_CBOR:
        from ota.lwm2m import senml_cbor as form
    else:
        from ota.lwm2m import senml_json as form
    return form.encode(rows)


def next_count(facts):
    """Of an answer to who observes (RFC 7641 4.4)."""
    facts.count = (facts.count + 1) & 0xFFFFFF or 1
    return facts.count
