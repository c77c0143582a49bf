# SPDX-License-Identifier: MIT
"""What a server pushes to /5/0/0 or /9/0/2 (lwm2m.md 3.1): each block is answered when the source has room for the
next. Loaded with the first block of one, until all is there."""

from ota.coap.block import Upload
from ota.coap.endpoint import IGNORE
from ota.port import const, forget

_EMPTY = const(0)
_IN_WORK = const(-1)
_CHANGED = const(68)  # 2.04
_CONTINUE = const(95)  # 2.31
_BAD_REQUEST = const(128)  # 4.00
_TOO_LARGE = const(141)  # 4.13
_CONTENT_FORMAT = const(12)
_BLOCK1 = const(27)
_SIZE1 = const(60)
_OPAQUE = const(42)
_TLV = const(11542)
_SMALL = const(64)  # bytes of a body that may be a reset
_FIRMWARE = const(5)


class Push(Upload):
    """Of object `oid`. `has_block1`: it comes in blocks at all. `owed`: code of an answer that could not go yet.

    That to the last block goes out when all is verified or refused, `settle`: who has it finds State as it is to be.
    """

    def __init__(self, cloud, most, oid):
        super().__init__(most)
        self._cloud = cloud
        self.oid = oid
        self.has_block1 = False
        self.owed = 0

    def tick(self):
        """Says what could not be said before; nothing of it stays when it is over but what a late block is told."""
        if self.owed > 0:
            self.answer(self.owed)
        elif not (self.is_open or self.owed):
            self._cloud.past = self.ended_at, self.refused
            self._cloud.upload = None
            forget("ota.cloud.lw_push", "ota.coap.block", "ota.coap.base64")

    def answer_block(self, is_last):
        """There is room for another block."""
        if is_last:
            self.owed = _IN_WORK
        else:
            self.answer(_CONTINUE)

    def answer(self, code):
        self.owed = 0
        endpoint = self._cloud.endpoint
        if endpoint is not None and not endpoint.answer(code, self._echo):
            self.owed = code

    def drop(self, refused):
        """Nothing more of it is taken; `refused`: the code for who tries.

        Another answer may be in the making, so that to the last block goes out with the next `tick`.
        """
        self.settle()
        if self.is_open:
            if self.is_waiting:
                self.owed = self.owed or _BAD_REQUEST
            self.close(refused)

    def settle(self):
        """State tells what it was worth."""
        if self.owed < 0:
            self.owed = _CHANGED

    def _echo(self, out):
        if self.has_block1:
            out.uint(_BLOCK1, self.echo)


def take(cloud, m, out, oid):
    """Answers a PUT of a package to object `oid`; EMPTY: when its block is in flash."""
    block = m.uint(_BLOCK1, 0)
    size, size1 = m.end - m.start, m.uint(_SIZE1, 0)
    upload = cloud.upload
    if oid == _FIRMWARE and 0 < size <= _SMALL and not block >> 3 and _rare().is_nul(m):
        code = _rare().machine(cloud, "reset", oid)
    elif upload is not None and (upload.is_waiting or (upload.owed and block >> 4)):
        return IGNORE  # it comes before the answer to the last one
    else:
        code = _EMPTY if block >> 4 else _rare().begin(cloud, m, oid)
        if code == _EMPTY:
            upload = cloud.upload
            is_its = upload is not None and upload.oid == oid
            code = upload.judge(block, size, size1) if is_its else _rare().late(cloud.past, block, size)
        if code == _EMPTY:
            code = _put(cloud, m, block)
        if code == _EMPTY:
            upload.has_block1 = m.has(_BLOCK1)
            upload.owed = 0 if upload.is_waiting else _IN_WORK  # a last block may be empty
            return code
    if m.has(_BLOCK1):
        out.uint(_BLOCK1, block & ~8 if code >= _BAD_REQUEST else block)
    if code == _TOO_LARGE:
        out.uint(_SIZE1, upload.most)
        _rare().no_room(cloud, oid)
    return code


def _put(cloud, m, block):
    """Takes the block; EMPTY, or why it will not do."""
    upload = cloud.upload
    if not upload.put(block, m.payload):
        return _TOO_LARGE
    if not block >> 4 and m.uint(_CONTENT_FORMAT, _OPAQUE) == _TLV:
        code = _rare().unwrap(cloud, upload)
        if code:
            return code
    if upload.is_last and upload.total and upload.received != upload.total:
        return _rare().refuse(cloud)
    if upload.is_text:
        from ota.coap import base64

        if not base64.decode(upload):
            return _rare().refuse(cloud)
    return _EMPTY


def _rare():
    """What is not of every block."""
    from ota.lwm2m import pushing

    forget("ota.lwm2m.pushing")
    return pushing
