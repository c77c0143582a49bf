# SPDX-License-Identifier: MIT
"""What a server changes: Write, Write-Attributes, Execute (lwm2m.md 1.5, 1.8)."""

from ota.coap import message as coap
from ota.lwm2m import formats, tree
from ota.port import const

_MOST = const(1024)  # bytes of a write that comes in pieces


def serve(cloud, m, path, out):
    """Answers a PUT or POST; see Endpoint."""
    if m.code == coap.POST and len(path) > 2:
        return _execute(cloud, m, path)
    code = tree.seek(cloud, path)
    if code != coap.CONTENT:
        return code
    if is_about(m):
        from ota.lwm2m import attributes

        return attributes.write(cloud, path, m.values(coap.URI_QUERY))
    payload = m.payload
    block = m.uint(coap.BLOCK1, -1)
    if block >= 0:
        out.uint(coap.BLOCK1, block)
        payload = _gather(cloud.facts, block, payload)
        if isinstance(payload, int):
            return payload
    form = formats.reader(m.uint(coap.CONTENT_FORMAT, formats.TEXT))
    if form is None:
        return coap.UNSUPPORTED
    try:
        changes = form.decode(payload, path, lambda oid, rid: tree.letter(cloud, oid, rid))
    except (ValueError, MemoryError, OverflowError):
        return coap.BAD_REQUEST
    code = tree.write(cloud, changes)
    if code == coap.CHANGED and cloud.facts.watches:
        from ota.lwm2m import observe

        for place, _ in changes:
            observe.changed(cloud.facts, place[0], place[2])
    return code


def is_about(m):
    """Whether it is a Write-Attributes: a query and nothing else."""
    is_bare = m.code == coap.PUT and m.start == m.end
    return is_bare and m.has(coap.URI_QUERY) and not m.has(coap.CONTENT_FORMAT)


def _execute(cloud, m, path):
    if len(path) > 3:
        return coap.NOT_ALLOWED
    if m.uint(coap.CONTENT_FORMAT, formats.TEXT) != formats.TEXT:
        return coap.UNSUPPORTED
    return tree.execute(cloud, path, bytes(m.payload))


def _gather(facts, block, payload):
    """All of a body that comes in pieces; a code while it does not."""
    szx, at = block & 7, block >> 4 << (block & 7) + 4
    if szx == 7 or (block & 8 and len(payload) != 16 << szx):
        return coap.BAD_REQUEST
    if not at:
        facts.parts = b""
    if at != len(facts.parts):
        return coap.INCOMPLETE
    if at + len(payload) > _MOST:
        return coap.TOO_LARGE
    facts.parts += bytes(payload)
    if block & 8:
        return coap.CONTINUE
    whole, facts.parts = facts.parts, b""
    return whole
