# SPDX-License-Identifier: MIT
"""What a server asks, taken apart and answered (lwm2m.md 1.2, 1.5): Discover, Read, Observe, Write, Execute."""

from ota.coap import message as coap
from ota.coap.block import value as block_value
from ota.lwm2m import formats
from ota.port import const

_BLOCK = const(512)  # bytes of an answer that go at once
_SZX = const(5)
_NOWHERE = const((0xFFFF, 0, 0))
_MOST = const(1024)  # bytes of a write that comes in pieces


class Service:
    """`serve` is for an Endpoint. `package(m, out)`: answers a PUT to /5/0/0, which is a matter of its own."""

    def __init__(self, tree, observations, package):
        self._tree = tree
        self._observations = observations
        self._package = package
        self._parts = b""

    def serve(self, m, out):
        """See Endpoint."""
        path = _path(m)
        if not path or m.code > coap.DELETE or len(path) > 4:
            return coap.NOT_ALLOWED
        if m.code == coap.GET:
            return self._get(m, path, out)
        if m.code == coap.DELETE or len(path) < 2:
            return coap.NOT_ALLOWED
        if m.code == coap.POST and len(path) > 2:
            return self._execute(m, path)
        if m.code == coap.PUT and m.start == m.end and m.has(coap.URI_QUERY) and not m.has(coap.CONTENT_FORMAT):
            code = self._tree.seek(path)
            return self._observations.write(path, m.values(coap.URI_QUERY)) if code == coap.CONTENT else code
        if path == (5, 0, 0):
            return self._package(m, out)
        return self._write(m, path, out)

    def body(self, path, accept):
        """(code, content format, bytes) of what a Read or a Notify tells; `accept` -1: whatever fits best."""
        code, rows = self._tree.rows(path)
        if code != coap.CONTENT:
            return code, 0, b""
        is_single = len(rows) == 1 and len(path) > 2 and (len(path) > 3 or rows[0][3] is None)
        if accept < 0:
            accept = formats.TEXT if is_single else formats.SENML_CBOR
        if accept not in formats.STRUCTURED and not (is_single and accept == formats.TEXT):
            return coap.NOT_ACCEPTABLE, 0, b""
        made = formats.module(accept).encode(rows)
        formats.forget_all()
        if accept == formats.TLV and len(path) == 1:
            from ota.lwm2m import tlv

            made = tlv.instance(0, made)
        return code, accept, made

    def _get(self, m, path, out):
        accept = m.uint(coap.ACCEPT, -1)
        if accept == formats.LINKS:
            code, text = self._tree.links(path, self._observations.notes)
            return self._told(m, out, code, formats.LINKS, text.encode())
        code, number, body = self.body(path, accept)
        watch = m.uint(coap.OBSERVE, -1)
        if code == coap.CONTENT and watch == 0:
            seen = self._observations.add(path, m.token, accept)
            if seen:
                out.uint(coap.OBSERVE, seen)
        elif watch == 1:
            self._observations.cancel(path, m.token)
        return self._told(m, out, code, number, body)

    @staticmethod
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
            out.uint(coap.BLOCK2, block_value(at >> szx + 4, end < len(body), szx))
            body = body[at:end]
        out.payload(body)
        return code

    def _execute(self, m, path):
        if len(path) > 3:
            return coap.NOT_ALLOWED
        if m.uint(coap.CONTENT_FORMAT, formats.TEXT) != formats.TEXT:
            return coap.UNSUPPORTED
        return self._tree.execute(path, bytes(m.payload))

    def _write(self, m, path, out):
        code = self._tree.seek(path)
        if code != coap.CONTENT:
            return code
        payload = m.payload
        block = m.uint(coap.BLOCK1, -1)
        if block >= 0:
            out.uint(coap.BLOCK1, block)
            payload = self._gather(block, payload)
            if isinstance(payload, int):
                return payload
        form = formats.module(m.uint(coap.CONTENT_FORMAT, formats.TEXT))
        if form is None:
            return coap.UNSUPPORTED
        try:
            changes = form.decode(payload, path, self._tree.letter)
            formats.forget_all()
        except (ValueError, MemoryError, OverflowError):
            return coap.BAD_REQUEST
        return self._tree.write(changes)

    def _gather(self, block, payload):
        """All of a body that comes in pieces; a code while it does not."""
        szx, at = block & 7, block >> 4 << (block & 7) + 4
        if szx == 7 or (block & 8 and len(payload) != 16 << szx):
            return coap.BAD_REQUEST
        if not at:
            self._parts = b""
        if at != len(self._parts):
            return coap.INCOMPLETE
        if at + len(payload) > _MOST:
            return coap.TOO_LARGE
        self._parts += bytes(payload)
        if block & 8:
            return coap.CONTINUE
        whole, self._parts = self._parts, b""
        return whole


def _path(m):
    """Its numbers as a tuple; a place without a number is none that anybody knows."""
    parts = m.values(coap.URI_PATH)
    for part in parts:
        if not 0 < len(part) < 6 or not all(48 <= c <= 57 for c in part):
            return _NOWHERE
    return tuple([int(part) for part in parts])
