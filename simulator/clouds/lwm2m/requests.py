# SPDX-License-Identifier: MIT
"""What the server asks of a device, one operation at a time, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiocoap import Message

from simulator.clouds.lwm2m import coap, formats
from simulator.clouds.lwm2m.formats import FormatError
from simulator.clouds.lwm2m.objects import Value
from simulator.clouds.lwm2m.peer import Peer

NO_ACCEPT = None
_LONGEST = 1 << 20  # bytes of an answer in blocks


@dataclass(frozen=True)
class Reply:
    """`code` such as "2.05", "" if there was no answer; `failure` says why, or what is wrong with it."""

    code: str = ""
    failure: str = ""
    payload: bytes = field(default=b"", repr=False)
    format: int | None = None
    values: dict[str, Value] = field(default_factory=dict)
    message: Message | None = field(default=None, repr=False)

    @property
    def is_good(self) -> bool:
        return self.code.startswith("2") and not self.failure

    @property
    def is_answered(self) -> bool:
        return bool(self.code)

    def __str__(self) -> str:
        return self.failure or self.code


@dataclass
class Operation:
    """One that is under way until `reply` is there. `then` is called with it, once, now or later."""

    kind: str
    path: str
    reply: Reply | None = None
    _listeners: list[Callable[[Reply], None]] = field(default_factory=list)

    def then(self, listener: Callable[[Reply], None]) -> "Operation":
        if self.reply is None:
            self._listeners.append(listener)
        else:
            listener(self.reply)
        return self

    def finish(self, reply: Reply) -> None:
        if self.reply is None:
            self.reply = reply
            for listener in self._listeners:
                listener(reply)


def ask(peer: Peer, operation: Operation, message: Message) -> None:
    """Sends the request and ends the operation with its answer, put together if it comes in blocks."""
    peer.ask(message, _Gathering(peer, operation, message), operation.kind)


def go_on(peer: Peer, operation: Operation, message: Message, first: Message) -> None:
    """The same for a request whose first block of an answer is there already."""
    _Gathering(peer, operation, message)(first)


class _Gathering:
    """Called with each block of an answer; asks for the next."""

    def __init__(self, peer: Peer, operation: Operation, message: Message) -> None:
        self._peer, self._operation, self._message = peer, operation, message
        self._first: Message | None = None
        self._payload = bytearray()

    def __call__(self, outcome: Message | str) -> None:
        if isinstance(outcome, str):
            self._operation.finish(Reply(failure=outcome))
            return
        self._first = self._first or outcome
        self._payload += outcome.payload
        block = outcome.opt.block2
        if block is None or not block.more or not outcome.code.is_successful():
            self._operation.finish(read(outcome, bytes(self._payload), self._operation.path, self._first))
        elif len(self._payload) > _LONGEST or block.start + len(outcome.payload) != len(self._payload):
            self._operation.finish(Reply(outcome.code.dotted, "blocks do not fit together"))
        else:
            following = (block.block_number + 1, False, block.size_exponent)
            self._peer.ask(again(self._message, following), self, self._operation.kind)


def again(message: Message, block2: tuple[int, bool, int]) -> Message:
    """The same request for another block of its answer."""
    asked = message.opt
    return coap.build(message.code, uri_path=asked.uri_path, accept=asked.accept, block2=block2)


def read(answer: Message, payload: bytes, path: str, first: Message | None = None) -> Reply:
    """An answer with what its payload says."""
    code, number = answer.code.dotted, answer.opt.content_format
    number = None if number is None else int(number)
    if not answer.code.is_successful() or answer.code is not coap.CONTENT or number == formats.LINK:
        return Reply(code, "", payload, number, {}, first or answer)
    try:
        return Reply(code, "", payload, number, formats.decode(number, payload, path), first or answer)
    except FormatError as error:
        return Reply(code, str(error), payload, number, {}, first or answer)


def reading(path: str, accept: int | None) -> Message:
    return coap.build(coap.GET, uri_path=coap.segments(path), accept=accept)


def discovering(path: str) -> Message:
    return reading(path, formats.LINK)


def observing(path: str, accept: int | None, token: bytes, is_over: bool = False) -> Message:
    message = coap.build(coap.GET, uri_path=coap.segments(path), accept=accept, observe=int(is_over))
    message.token = token
    return message


def writing(path: str, values: formats.Values, number: int | None) -> Message:
    """PUT to a resource, POST of parts of an instance."""
    parts = coap.segments(path)
    code = coap.PUT if len(parts) > 2 else coap.POST
    return coap.build(code, formats.encode(number, values, path), uri_path=parts, content_format=number)


def executing(path: str, arguments: str) -> Message:
    number = formats.TEXT if arguments else None
    return coap.build(coap.POST, arguments.encode(), uri_path=coap.segments(path), content_format=number)


def attributing(path: str, **attributes: Any) -> Message:
    """Write-Attributes: pmin=10; None takes one away."""
    query = [name if value is None else f"{name}={value}" for name, value in attributes.items()]
    return coap.build(coap.PUT, uri_path=coap.segments(path), uri_query=query)
