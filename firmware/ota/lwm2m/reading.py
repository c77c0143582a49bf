# SPDX-License-Identifier: MIT
"""A Read, or the beginning and end of an observation, and what a notification tells (lwm2m.md 1.2, 1.5)."""

from ota.coap import message as coap
from ota.port import const, forget

_BLOCK = const(512)  # bytes of an answer that go at once
_SZX = const(5)
_TEXT, _LINKS, _SENML_JSON, _SENML_CBOR, _TLV = const(0), const(40), const(110), const(112), const(11542)


def get(cloud, m, path, out):
    """Answers a GET; see Endpoint."""
    accept = m.uint(coap.ACCEPT, -1)
    if accept == _LINKS:
        from ota.lwm2m import discover

        code, text = discover.links(cloud, path)
        return _told(m, out, code, _LINKS, text.encode())
    code, number, body = told(cloud, path, accept)
    watch = m.uint(coap.OBSERVE, -1)
    if watch >= 0:
        from ota.lwm2m import observe

        if watch == 1:
            observe.cancel(cloud.facts, path, m.token)
        elif not watch and code == coap.CONTENT:
            seen = observe.add(cloud, path, m.token, accept)
            if seen:
                out.uint(coap.OBSERVE, seen)
    return _told(m, out, code, number, body)


def told(cloud, path, accept):
    """(code, content format, bytes) of what a Read or a Notify tells; `accept` -1: whatever fits best."""
    code, rows = _rows(cloud, path)
    if code != coap.CONTENT:
        return code, 0, b""
    is_single = len(rows) == 1 and len(path) > 2 and (len(path) > 3 or rows[0][3] is None)
    if accept < 0:
        accept = _TEXT if is_single else _SENML_CBOR
    if accept not in (_SENML_JSON, _SENML_CBOR, _TLV) and not (is_single and accept == _TEXT):
        return coap.NOT_ACCEPTABLE, 0, b""
    if path[0] == 5 and (len(path) < 3 or path[2] in (3, 5)):
        cloud.facts.sends = cloud.facts.sends[-1:]  # the server knows better than what was before
    return code, accept, _encoded(accept, rows, len(path) == 1)


def _rows(cloud, path):
    """What there is to tell. Its code makes room for the one that writes it."""
    from ota.lwm2m import tree

    made = tree.rows(cloud, path)
    forget("ota.lwm2m.tree", "ota.lwm2m.objects", "ota.lwm2m.object%d" % path[0])
    return made


def _encoded(number, rows, is_object):
    if number == _TLV:
        from ota.lwm2m import tlv

        made = tlv.encode(rows)
        return tlv.instance(0, made) if is_object else made
    if number == _TEXT:
        from ota.lwm2m import plain as form
    elif number == _SENML_CBOR:
        from ota.lwm2m import senml_cbor as form
    else:
        from ota.lwm2m import senml_json as form
    return form.encode(rows)


def _told(m, out, code, number, body):
    """An answer with a body, or the part of it that was asked for."""
    if code != coap.CONTENT:
        return code
    out.uint(coap.CONTENT_FORMAT, number)
    block = m.uint(coap.BLOCK2, -1)
    if block >= 0 or len(body) > _BLOCK:
        block = max(block, 0) if m.has(coap.BLOCK2) else _SZX
        szx = min(block & 7, _SZX)
        at = block >> 4 << (block & 7) + 4
        if block & 7 == 7 or (at and at >= len(body)):
            return coap.BAD_REQUEST
        end = at + (16 << szx)
        out.uint(coap.BLOCK2, coap.block(at >> szx + 4, end < len(body), szx))
        body = body[at:end]
    out.payload(body)
    return code
