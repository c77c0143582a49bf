# SPDX-License-Identifier: MIT
"""A package that a server pushes to /5/0/0 (lwm2m.md 3.1): each block is answered when the source has room for the
next. Loaded with the first block of one, until all is there."""

from ota.coap import message as coap
from ota.coap.block import Upload
from ota.coap.endpoint import IGNORE
from ota.errors import JobError
from ota.lwm2m import tidy
from ota.port import const, forget

_TEXT, _OPAQUE, _TLV = const(0), const(42), const(11542)


class Push(Upload):
    """`has_block1`: it comes in blocks at all. `owed`: code of an answer that could not go yet."""

    def __init__(self, cloud, most):
        super().__init__(most)
        self._cloud = cloud
        self.has_block1 = False
        self.owed = 0

    def tick(self):
        """Says what could not be said before; nothing of it stays when it is over but what a late block is told."""
        if self.owed:
            self.answer(self.owed)
        elif not self.is_open:
            self._cloud.past = self.ended_at, self.refused
            self._cloud.upload = None
            forget("ota.cloud.lw_push", "ota.coap.block", "ota.coap.base64")

    def answer_block(self, is_last):
        """There is room for another block."""
        self.answer(coap.CHANGED if is_last else coap.CONTINUE)

    def answer(self, code):
        self.owed = 0
        endpoint = self._cloud.endpoint
        if endpoint is not None and not endpoint.answer(code, self._echo):
            self.owed = code

    def drop(self, refused):
        """Nothing more of it is taken; `refused`: the code for who tries."""
        if self.is_open:
            if self.is_waiting:
                self.answer(coap.BAD_REQUEST)
            self.close(refused)

    def _echo(self, out):
        if self.has_block1:
            out.uint(coap.BLOCK1, self.echo)


def take(cloud, m, out):
    """Answers a PUT to /5/0/0; EMPTY: when its block is in flash."""
    block = m.uint(coap.BLOCK1, 0)
    size, size1 = m.end - m.start, m.uint(coap.SIZE1, 0)
    if size == 1 and not block >> 3 and m.payload[0] == 0:
        _echo(m, out, block)
        return _of_machine(cloud, "reset")
    upload = cloud.upload
    if upload is not None and upload.is_waiting:
        return IGNORE  # it comes before the answer to the last one
    code = coap.EMPTY if block >> 4 else _begin(cloud, m)
    if code == coap.EMPTY:
        upload = cloud.upload
        code = upload.judge(block, size, size1) if upload else _late(cloud, block, size)
    if code == coap.EMPTY:
        code = _put(cloud, m, block, size1)
    if code == coap.EMPTY:
        upload.has_block1 = m.has(coap.BLOCK1)
        return code
    _echo(m, out, block & ~8 if code >= coap.BAD_REQUEST else block)
    if code == coap.TOO_LARGE:
        out.uint(coap.SIZE1, upload.most)
        cloud.stop()
        _of_machine(cloud, "no_room")
    return code


def _begin(cloud, m):
    """The first block: EMPTY if it may be taken."""
    if m.start == m.end:
        return coap.BAD_REQUEST
    if m.uint(coap.CONTENT_FORMAT, _OPAQUE) not in (_TEXT, _OPAQUE, _TLV):
        return coap.UNSUPPORTED
    code = _of_machine(cloud, "push")
    if code != coap.CHANGED:
        return code
    if cloud.upload is None:
        cloud.upload = Push(cloud, cloud.board.spare.info()[3] if cloud.board.spare else 0)
    cloud.upload.is_text = m.uint(coap.CONTENT_FORMAT, _OPAQUE) == _TEXT
    return coap.EMPTY


def _late(cloud, block, size):
    """A block of what is over."""
    ended_at, refused = cloud.past
    at = (block >> 4 << (block & 7) + 4) + size
    return coap.CHANGED if at == ended_at and not block & 8 else refused


def _put(cloud, m, block, size1):
    """Takes the block; EMPTY, or why it will not do."""
    upload = cloud.upload
    if not upload.put(block, m.payload):
        return coap.TOO_LARGE
    if not block >> 4:
        upload.total = size1
        if m.uint(coap.CONTENT_FORMAT, _OPAQUE) == _TLV:
            return _unwrap(cloud, upload)
    if upload.is_text:
        from ota.coap import base64

        if not base64.decode(upload):
            return _refuse(cloud)
    return coap.EMPTY


def _unwrap(cloud, upload):
    """The head of TLV in the first block; EMPTY, or why it will not do."""
    from ota.lwm2m import tlv_read

    tidy()
    try:
        rid, start, size = tlv_read.head(upload.head)
    except (ValueError, IndexError):
        rid, start, size = -1, 0, 0
    if rid or upload.head[0] >> 6 != 3:
        return _refuse(cloud)
    upload.total = size
    upload.skip(start)
    return coap.TOO_LARGE if size > upload.most else coap.EMPTY


def _refuse(cloud):
    """It is no package at all."""
    cloud.upload.close()
    cloud.stop()
    _of_machine(cloud, "reset")
    return coap.BAD_REQUEST


def _of_machine(cloud, what):
    """Something that changes State, and its code."""
    from ota.lwm2m import firmware

    try:
        return getattr(firmware.Firmware(cloud), what)()
    finally:
        tidy()


def _echo(m, out, block):
    if m.has(coap.BLOCK1):
        out.uint(coap.BLOCK1, block)


def source(cloud):
    """Of what is coming in. Raises JobError where nothing is."""
    if cloud.upload is None or not cloud.upload.is_open:
        raise JobError("push_ended")
    from ota.source.coap_push import CoapPush

    forget("ota.source.coap_push")
    return CoapPush(cloud.upload, cloud)
