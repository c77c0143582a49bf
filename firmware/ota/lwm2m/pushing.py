# SPDX-License-Identifier: MIT
"""The first block of a package that is pushed, and what becomes of one that will not do. See lw_push.py."""

from ota.errors import JobError
from ota.job import FIRMWARE
from ota.lwm2m import tidy
from ota.port import const, forget

_EMPTY = const(0)
_CHANGED = const(68)  # 2.04
_BAD_REQUEST = const(128)  # 4.00
_TOO_LARGE = const(141)  # 4.13
_UNSUPPORTED = const(143)  # 4.15
_UNAVAILABLE = const(163)  # 5.03
_CONTENT_FORMAT = const(12)
_BLOCK1 = const(27)
_TEXT = const(0)
_OPAQUE = const(42)
_TLV = const(11542)
_FIRMWARE = const(5)  # the object
_PACKAGE = const((5, 0, 0))


def is_nul(m):
    """Whether a whole body is one NUL in its content format: that takes all back (lwm2m.md 2.1)."""
    number = m.uint(_CONTENT_FORMAT, _OPAQUE)
    if number in (_OPAQUE, _TEXT):
        return bytes(m.payload) == (b"AA==" if number == _TEXT else b"\0")
    from ota.lwm2m import formats

    form = formats.reader(number)
    try:
        return form is not None and form.decode(m.payload, _PACKAGE, lambda oid, rid: "o") == [(_PACKAGE, b"\0")]
    except (ValueError, MemoryError, OverflowError):
        return False


def begin(cloud, m, oid):
    """The first block: EMPTY if it may be taken."""
    cloud.facts.parts = None  # of another write, which is over
    if m.start == m.end:
        return _BAD_REQUEST
    if m.uint(_CONTENT_FORMAT, _OPAQUE) not in (_TEXT, _OPAQUE, _TLV):
        return _UNSUPPORTED
    other = cloud.facts.software
    if cloud.known[FIRMWARE] if oid != _FIRMWARE else other and (other.state == 1 or other.is_ordered):
        return _UNAVAILABLE  # the other object is at work, and a push cannot wait for that
    facts, upload = cloud.facts if oid == _FIRMWARE else other, cloud.upload
    if facts and facts.state == 1 and not facts.uri and not (upload and upload.is_open):
        return _UNAVAILABLE  # all of one is there and nobody has told yet what it is worth
    if upload is None or upload.oid != oid:
        from ota.cloud.lw_push import Push

        upload = Push(cloud, 0, oid)
    if upload.judge(m.uint(_BLOCK1, 0), m.end - m.start, 0):
        return _BAD_REQUEST
    code = machine(cloud, "push", oid)
    if code != _CHANGED:
        return code
    if upload is not cloud.upload:
        room = cloud.board.spare.info()[3] if cloud.board.spare else 0
        if oid != _FIRMWARE:
            from ota.lwm2m import packages

            room = packages.room(cloud)
        upload.most = room
        cloud.upload = upload
    upload.is_text = m.uint(_CONTENT_FORMAT, _OPAQUE) == _TEXT
    return _EMPTY


def late(past, block, size):
    """A block of what is over; `past`: where that ended, and the code for what does not belong there."""
    ended_at, refused = past
    at = (block >> 4 << (block & 7) + 4) + size
    return _CHANGED if at == ended_at and not block & 8 else refused


def unwrap(cloud, upload):
    """The head of TLV in the first block; EMPTY, or why it will not do."""
    from ota.lwm2m import tlv_read

    tidy()
    try:
        rid, start, size = tlv_read.head(upload.head)
    except (ValueError, IndexError):
        rid, start, size = -1, 0, 0
    package = 0 if upload.oid == _FIRMWARE else 2
    if rid != package or not size or start == len(upload.head) or upload.head[0] >> 6 != 3:
        return refuse(cloud)
    upload.total = start + size
    upload.skip(start)
    return _TOO_LARGE if size > upload.most else _EMPTY


def refuse(cloud):
    """It is no package at all."""
    cloud.upload.close()
    if cloud.upload.oid == _FIRMWARE:
        cloud.stop()
    machine(cloud, "reset", cloud.upload.oid)
    return _BAD_REQUEST


def no_room(cloud, oid):
    """It is too large."""
    if oid == _FIRMWARE:
        cloud.stop()
    machine(cloud, "no_room", oid)


def machine(cloud, what, oid):
    """Something that changes State, and its code."""
    if oid == _FIRMWARE:
        from ota.lwm2m import firmware

        made = firmware.Firmware(cloud)
    else:
        from ota.lwm2m import software

        made = software.Software(cloud)
    try:
        return getattr(made, what)()
    finally:
        cloud.settle()


def source(cloud):
    """Of what is coming in. Raises JobError where nothing is."""
    tidy()
    if cloud.upload is None or not cloud.upload.is_open:
        raise JobError("push_ended")
    from ota.source.coap_push import CoapPush

    forget("ota.source.coap_push")
    return CoapPush(cloud.upload, cloud)
