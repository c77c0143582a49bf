# SPDX-License-Identifier: MIT
"""What a server changes: Write, Write-Attributes, Execute (lwm2m.md 1.5, 1.8)."""

from ota.lwm2m import changing, tree
from ota.port import const, forget, ticks_ms

_TEXT = const(0)
_POST = const(2)
_PUT = const(3)
_CHANGED = const(68)  # 2.04
_CONTENT = const(69)  # 2.05
_CONTINUE = const(95)  # 2.31
_BAD_REQUEST = const(128)  # 4.00
_NOT_ALLOWED = const(133)  # 4.05
_INCOMPLETE = const(136)  # 4.08
_TOO_LARGE = const(141)  # 4.13
_UNSUPPORTED = const(143)  # 4.15
_CONTENT_FORMAT = const(12)
_URI_QUERY = const(15)
_BLOCK1 = const(27)
_MOST = const(1024)  # bytes of a write that comes in pieces


def serve(cloud, m, path, out):
    """Answers a PUT or POST; see Endpoint."""
    if m.code == _POST and len(path) > 2:
        return _execute(cloud, m, path)
    is_bare = is_about(m)
    if len(path) < 2 and not is_bare:
        return _NOT_ALLOWED
    code = tree.seek(cloud, path)
    if code != _CONTENT:
        return code
    if is_bare:
        from ota.lwm2m import attributes

        return attributes.write(cloud, path, m.values(_URI_QUERY))
    payload = m.payload
    block = m.uint(_BLOCK1, -1)
    if block >= 0:
        out.uint(_BLOCK1, block)
        payload = _gather(cloud.facts, path, block, payload)
        if isinstance(payload, int):
            return payload
    else:
        cloud.facts.parts = None  # nobody goes on with what came before
    form = _reader(m.uint(_CONTENT_FORMAT, _TEXT))
    if form is None:
        return _UNSUPPORTED
    try:
        changes = form.decode(payload, path, lambda oid, rid: changing.letter(cloud, oid, rid))
    except (ValueError, MemoryError, OverflowError):
        return _BAD_REQUEST
    code = changing.write(cloud, changes)
    if code == _CHANGED and cloud.facts.watches:
        from ota.lwm2m import news

        for place, _ in changes:
            news.changed(cloud.facts, place[0], place[2])
    return code


def _reader(number):
    from ota.lwm2m import formats

    forget("ota.lwm2m.formats")
    return formats.reader(number)


def is_about(m):
    """Whether it is a Write-Attributes: a query and nothing else."""
    is_bare = m.code == _PUT and m.start == m.end
    return is_bare and m.has(_URI_QUERY) and not m.has(_CONTENT_FORMAT)


def _execute(cloud, m, path):
    if len(path) > 3:
        return _NOT_ALLOWED
    if m.uint(_CONTENT_FORMAT, _TEXT) != _TEXT:
        return _UNSUPPORTED
    return changing.execute(cloud, path, bytes(m.payload))


def _gather(facts, path, block, payload):
    """All of a body for `path` that comes in pieces; a code while it does not."""
    szx, at = block & 7, block >> 4 << (block & 7) + 4
    if szx == 7 or (block & 8 and len(payload) != 16 << szx):
        return _BAD_REQUEST
    have = facts.parts[1] if at and facts.parts and facts.parts[2] == path else b""
    if at != len(have):
        return _INCOMPLETE
    facts.parts = None
    if at + len(payload) > _MOST:
        return _TOO_LARGE
    have += bytes(payload)
    if block & 8:
        facts.parts = ticks_ms(), have, path
        return _CONTINUE
    return have
