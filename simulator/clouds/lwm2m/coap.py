# SPDX-License-Identifier: MIT
"""CoAP messages on aiocoap's codec: read with care, built with few words. Nothing of aiocoap's network is used."""

import re
from typing import Any

from aiocoap import Message, error
from aiocoap.numbers.codes import Code
from aiocoap.numbers.optionnumbers import OptionNumber
from aiocoap.numbers.types import Type
from aiocoap.optiontypes import OpaqueOption

CON, NON, ACK, RST = Type.CON, Type.NON, Type.ACK, Type.RST
GET, POST, PUT, DELETE, EMPTY = Code.GET, Code.POST, Code.PUT, Code.DELETE, Code.EMPTY
CREATED, DELETED, VALID, CHANGED, CONTENT, CONTINUE = (
    *(Code.CREATED, Code.DELETED, Code.VALID),
    *(Code.CHANGED, Code.CONTENT, Code.CONTINUE),
)

# RFC 7252, section 4.8: how long to wait for an acknowledgement at first, how often to ask again, when a message id
# may be used anew.
ACK_MS, ACK_RANDOM, RETRANSMISSIONS = 2000, 1.5, 4
EXCHANGE_MS, NON_MS = 247_000, 145_000
RESERVED_SIZE = 7  # of a block, as an exponent (RFC 7959, 2.2)
_LONGEST_TOKEN = 8
# The critical ones: If-Match, Uri-Host, If-None-Match, Uri-Port, Uri-Path, Uri-Query, Accept, Block2, Block1.
_KNOWN = {1, 3, 5, 7, 11, 15, 17, 23, 27}
_CODE = re.compile(r"([245])\.([0-3][0-9])")


def parse(data: bytes) -> Message | None:
    """None for what is no message."""
    if len(data) >= 4 and data[0] & 15 > _LONGEST_TOKEN:
        return None
    try:
        message = Message.decode(data)
    except (error.Error, ValueError, AttributeError):
        return None
    return message if message.code is not EMPTY or len(data) == 4 else None


def build(code: Code, payload: bytes = b"", **options: Any) -> Message:
    """Without type, id and token yet; `options` by aiocoap's names, None leaves one out."""
    return Message(code=code, payload=payload, **{name: value for name, value in options.items() if value is not None})


def numbered(message: Message, kind: Type, mid: int, token: bytes = b"") -> Message:
    """The same message with what the layer of messages adds."""
    message.mtype, message.mid, message.token = kind, mid, token
    return message


def code_of(text: str) -> Code | None:
    """Of "4.04"; None for what is none."""
    found = _CODE.fullmatch(text)
    try:
        return Code(int(found[1]) * 32 + int(found[2])) if found else None
    except ValueError:
        return None


def segments(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def path_of(message: Message) -> str:
    """With slashes, and one in front."""
    return "/" + "/".join(message.opt.uri_path)


def knows_options(message: Message) -> bool:
    """Whether a request can be handled: all its critical options are known."""
    return all(int(one.number) in _KNOWN for one in message.opt.option_list() if one.number.is_critical())


def option(number: int, value: bytes) -> OpaqueOption:
    """Any, such as one that nobody knows."""
    return OpaqueOption(OptionNumber(number), value)
