# SPDX-License-Identifier: MIT
"""A Read, or the beginning and end of an observation (lwm2m.md 1.2, 1.5)."""

from ota.port import const

_CONTENT = const(69)  # 2.05
_BAD_REQUEST = const(128)  # 4.00
_OBSERVE = const(6)
_CONTENT_FORMAT = const(12)
_ACCEPT = const(17)
_BLOCK2 = const(23)
_BLOCK = const(512)  # bytes of an answer that go at once
_SZX = const(5)
_LINKS = const(40)


def get(cloud, m, path, out):
    """Answers a GET; see Endpoint."""
    accept = m.uint(_ACCEPT, -1)
    if accept == _LINKS:
        from ota.lwm2m import discover

        code, text = discover.links(cloud, path)
        return _told(m, out, code, _LINKS, text.encode())
    from ota.lwm2m import rows

    code, found = rows.below(cloud, path)
    value = rows.number(path, found)
    from ota.lwm2m import telling

    code, number, body = telling.told(cloud, path, accept, code, found)
    watch = m.uint(_OBSERVE, -1)
    if watch >= 0:
        from ota.lwm2m import observe

        if watch == 1:
            observe.cancel(cloud.facts, m.token)
        elif not watch and code == _CONTENT:
            seen = observe.add(cloud.facts, path, m.token, accept, value, m.uint(_BLOCK2, _SZX) & 7)
            if seen:
                out.uint(_OBSERVE, seen)
    return _told(m, out, code, number, body)


def _told(m, out, code, number, body):
    """An answer with a body, or the part of it that was asked for."""
    if code != _CONTENT:
        return code
    out.uint(_CONTENT_FORMAT, number)
    block = m.uint(_BLOCK2, -1)
    if block >= 0 or len(body) > _BLOCK:
        block = max(block, 0) if m.has(_BLOCK2) else _SZX
        szx = min(block & 7, _SZX)
        at = block >> 4 << (block & 7) + 4
        if block & 7 == 7 or (at and at >= len(body)):
            return _BAD_REQUEST
        end = at + (16 << szx)
        out.uint(_BLOCK2, at >> szx + 4 << 4 | (8 if end < len(body) else 0) | szx)
        body = body[at:end]
    out.payload(body)
    return code
