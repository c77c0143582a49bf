# SPDX-License-Identifier: MIT
"""A package on its way into a device, block by block (RFC 7959, 2.5 and 2.9; lwm2m.md 3.1)."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace

from aiocoap import Message
from aiocoap.numbers.codes import Code

from simulator.clouds.lwm2m import coap, formats, tlv
from simulator.clouds.lwm2m.manners import check
from simulator.clouds.lwm2m.objects import PACKAGE
from simulator.clouds.lwm2m.peer import Peer
from simulator.clouds.lwm2m.requests import Operation, Reply, read

BLOCKS = (16, 32, 64, 128, 256, 512, 1024)
_RESTARTS = 1  # after a device has lost its place


@dataclass(frozen=True)
class Style:
    """`block`: bytes, 16 to 1024. `format`: octets, TLV, which puts a head before the package, text: base64; or none.

    Raises UserError("bad_options").
    """

    block: int = 1024
    format: int | None = formats.OCTETS
    tells_size: bool = True

    def __post_init__(self) -> None:
        check(self, {"block": BLOCKS, "format": (None, formats.TEXT, formats.OCTETS, formats.TLV)})


def block_of(data: bytes, number: int, style: Style, path: str = PACKAGE) -> Message:
    """The request with this block of a package, as `style` says but for a head."""
    start = number * style.block
    return coap.build(
        coap.PUT,
        data[start : start + style.block],
        uri_path=coap.segments(path),
        content_format=style.format,
        block1=(number, start + style.block < len(data), exponent_of(style.block)),
        size1=len(data) if number == 0 and style.tells_size else None,
    )


def _as_sent(data: bytes, number: int | None, path: str) -> bytes:
    """A package in a content format."""
    if number == formats.TLV:
        return tlv.resource_head(int(coap.segments(path)[2]), len(data)) + data
    return base64.b64encode(data) if number == formats.TEXT else data


def exponent_of(block: int) -> int:
    """As it is in an option: 0 for 16 bytes, 6 for 1024."""
    return block.bit_length() - 5


class Push:
    """Runs until `operation` is finished. `told(size)`: so many bytes of the package have been acknowledged.

    A device may ask for smaller blocks in its first answer. One that has lost its place (4.08) is begun with anew.
    """

    def __init__(
        self, peer: Peer, data: bytes, style: Style, operation: Operation, told: Callable[[int, int], None]
    ) -> None:
        self._data = _as_sent(data, style.format, operation.path)
        self._peer, self._style, self._operation, self._told = peer, style, operation, told
        self._exponent = exponent_of(style.block)
        self._offset = 0
        self._restarts = 0
        self._send()

    def _send(self) -> None:
        number = self._offset // (16 << self._exponent)
        style = replace(self._style, block=16 << self._exponent)
        self._peer.ask(block_of(self._data, number, style, self._operation.path), self._answered, "push", number)

    def _answered(self, outcome: Message | str) -> None:
        if isinstance(outcome, str):
            self._operation.finish(Reply(failure=outcome))
            return
        size = 16 << self._exponent
        is_last = self._offset + size >= len(self._data)
        block = outcome.opt.block1
        if outcome.code is coap.CONTINUE and not is_last:
            self._told(self._offset // size, len(self._data[self._offset : self._offset + size]))
            self._offset += size
            if block is not None and block.size_exponent < self._exponent:
                self._exponent = block.size_exponent
            self._send()
        elif outcome.code is Code.REQUEST_ENTITY_INCOMPLETE and self._restarts < _RESTARTS:
            self._restarts += 1
            self._offset = 0
            self._send()
        elif self._is_too_large_a_block(outcome):
            self._exponent = block.size_exponent
            self._send()
        else:
            if outcome.code.is_successful():
                self._told(self._offset // size, len(self._data) - self._offset)
            self._operation.finish(read(outcome, outcome.payload, self._operation.path))

    def _is_too_large_a_block(self, outcome: Message) -> bool:
        """4.13 with a smaller size means the block, not the package (RFC 7959, 2.9.3); only of the first one."""
        block = outcome.opt.block1
        is_refused = outcome.code is Code.REQUEST_ENTITY_TOO_LARGE and self._offset == 0
        return is_refused and block is not None and block.size_exponent < self._exponent
