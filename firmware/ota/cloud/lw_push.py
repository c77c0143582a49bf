# SPDX-License-Identifier: MIT
"""A package that a server pushes to /5/0/0 (lwm2m.md 3.1). Loaded with the first block of one."""

from ota.coap import message as coap
from ota.coap.block import Upload
from ota.coap.endpoint import IGNORE
from ota.errors import JobError
from ota.lwm2m import formats
from ota.lwm2m.firmware import NO_FLASH


def take(cloud, m, out):
    """Answers a PUT to /5/0/0; EMPTY: when its block is in flash."""
    block = m.uint(coap.BLOCK1, 0)
    size, size1 = m.end - m.start, m.uint(coap.SIZE1, 0)
    if size == 1 and not block >> 3 and m.payload[0] == 0:
        _echo(m, out, block)
        return cloud.machine.reset()
    upload = cloud.upload
    if upload is not None and upload.is_waiting:
        return IGNORE  # it comes before the answer to the last one
    code = _begin(cloud, m) if not block >> 4 else coap.EMPTY
    if code == coap.EMPTY:
        upload = cloud.upload
        code = upload.judge(block, size, size1) if upload else coap.INCOMPLETE
    if code == coap.EMPTY and not upload.put(block, m.payload):
        code = coap.TOO_LARGE
    if code == coap.EMPTY and not block >> 4:
        code = _unwrap(cloud, m, size1)
    if code == coap.EMPTY:
        cloud.has_block1 = m.has(coap.BLOCK1)
        return code
    _echo(m, out, block & ~8 if code >= coap.BAD_REQUEST else block)
    if code == coap.TOO_LARGE:
        out.uint(coap.SIZE1, upload.most)
        cloud.stop()
        cloud.machine.failed(NO_FLASH)
    return code


def _begin(cloud, m):
    """The first block: EMPTY if it may be taken."""
    if m.start == m.end:
        return coap.BAD_REQUEST
    if m.uint(coap.CONTENT_FORMAT, formats.OPAQUE) not in (formats.OPAQUE, formats.TLV):
        return coap.UNSUPPORTED
    if cloud.upload is None:
        cloud.upload = Upload(cloud.board.spare.info()[3] if cloud.board.spare else 0)
    code = cloud.machine.push()
    return coap.EMPTY if code == coap.CHANGED else code


def _unwrap(cloud, m, size1):
    """What the first block says of all; EMPTY, or why it will not do."""
    upload = cloud.upload
    upload.total = size1
    if m.uint(coap.CONTENT_FORMAT, formats.OPAQUE) == formats.TLV:
        from ota.lwm2m import tlv

        formats.forget_all()
        try:
            rid, start, size = tlv.head(upload.head)
        except (ValueError, IndexError):
            rid, start, size = -1, 0, 0
        if rid or upload.head[0] >> 6 != 3:
            cloud.stop()
            cloud.machine.reset()
            return coap.BAD_REQUEST
        upload.total = size
        upload.skip(start)
        if size > upload.most:
            return coap.TOO_LARGE
    return coap.EMPTY


def _echo(m, out, block):
    if m.has(coap.BLOCK1):
        out.uint(coap.BLOCK1, block)


def source(cloud):
    """Of what is coming in. Raises JobError where nothing is."""
    if cloud.upload is None or not cloud.upload.is_open:
        raise JobError("push_ended")
    from ota.source.coap_push import CoapPush

    return CoapPush(cloud)
