# SPDX-License-Identifier: MIT
"""What a device says in blocks (RFC 7959, 2.5), gathered until the last one is there."""

from dataclasses import dataclass, field

from aiocoap import Message
from aiocoap.numbers.codes import Code

from simulator.clouds.lwm2m import coap

_LONGEST = 4096  # bytes of a request
_MOST = 4  # requests of one peer that are begun


@dataclass
class _Begun:
    first: Message
    payload: bytearray = field(default_factory=bytearray)
    heard_ms: int = 0


class Blocks:
    """Of one peer. What belongs together has one code, path and query; each block may have a token of its own."""

    def __init__(self) -> None:
        self._begun: dict[object, _Begun] = {}  # oldest first

    def take(self, message: Message, now_ms: int) -> Message:
        """The whole request, or the answer to a block that does not make it whole."""
        block = message.opt.block1
        if block is None:
            return message
        if block.size_exponent == coap.RESERVED_SIZE or len(message.payload) > block.size:
            return coap.build(Code.BAD_REQUEST)
        if block.more and len(message.payload) != block.size:
            return coap.build(Code.BAD_REQUEST)
        key = (message.code, message.opt.uri_path, message.opt.uri_query)
        begun = self._of(key, message if block.block_number == 0 else None, now_ms)
        if begun is None or block.start != len(begun.payload):
            return coap.build(Code.REQUEST_ENTITY_INCOMPLETE)
        if max(block.start + len(message.payload), message.opt.size1 or 0) > _LONGEST:
            return coap.build(Code.REQUEST_ENTITY_TOO_LARGE, size1=_LONGEST)
        begun.payload += message.payload
        begun.heard_ms = now_ms
        if block.more:
            return coap.build(coap.CONTINUE)
        del self._begun[key]
        return begun.first.copy(payload=bytes(begun.payload))

    def _of(self, key: object, first: Message | None, now_ms: int) -> _Begun | None:
        """The request of a block; with the `first` one it is begun, perhaps anew."""
        self._begun = {key: begun for key, begun in self._begun.items() if now_ms < begun.heard_ms + coap.EXCHANGE_MS}
        if first is not None:
            self._begun[key] = _Begun(first)
            if len(self._begun) > _MOST:
                del self._begun[next(iter(self._begun))]
        return self._begun.get(key)
