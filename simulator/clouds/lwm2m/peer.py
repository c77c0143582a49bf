# SPDX-License-Identifier: MIT
"""The layer of messages to one peer: acknowledgements, retransmission, duplicates, and which answer is whose.

RFC 7252, section 4, on virtual time: the same at a door for devices and at one that serves files.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from aiocoap import Message
from aiocoap.numbers.types import Type

from simulator.clouds.core import Action, Close, Send
from simulator.clouds.lwm2m import coap
from simulator.clouds.lwm2m.blocks import Blocks
from simulator.clouds.lwm2m.faults import Rule
from simulator.clouds.mock import Mock

TIMEOUT, RESET, UNREACHABLE, GONE = "timeout", "reset", "unreachable", "peer is gone"
_SEPARATE_MS = 100  # after an empty acknowledgement, unless somebody wants another time
_PROMISED_MS = 120_000  # for an answer that was promised with an empty acknowledgement
_REORDER_MS = 500  # after so long nothing else will come
_SEPARATE = b"separate "  # longer than a token
_OUT, _BACK = ("drop", "duplicate", "delay"), ("lose", "twice", "late")  # what may happen to a request, to an answer


class Door(Protocol):
    """Whose peers these are.

    `requested` returns the answer (None: silence). `notified` says what a message with an unknown token gets, which
    came from elsewhere if it `is_moved`: True, an acknowledgement; False, a reset; None, nothing. `kind_of` names a
    request for fault rules, `delay_of` says when such a one is answered, if not at once. `is_needed`: a peer is kept
    though it is silent. `disown`: nobody is registered there any more.
    """

    cloud: Mock
    actions: list[Action]

    def requested(self, peer: "Peer", message: Message) -> Message | None: ...

    def notified(self, peer: "Peer", message: Message, is_moved: bool) -> bool | None: ...

    def kind_of(self, message: Message) -> tuple[str, int | None]: ...

    def delay_of(self, kind: str) -> int | None: ...

    def is_needed(self, peer: "Peer") -> bool: ...

    def disown(self, peer: "Peer") -> None: ...

    def forget(self, peer: "Peer") -> None: ...


@dataclass
class Exchange:
    """A request of ours. `done` is called once, with the answer, or with the word for why there is none."""

    message: Message
    done: Callable[[Message | str], None]
    kind: str
    index: int | None = None
    mids: set[int] = field(default_factory=set)
    key: bytes = b""
    attempt: int = 0
    is_acked: bool = False
    is_over: bool = False


class Peer:
    """One address and port. Requests go out one after the other (NSTART 1), unless `apart` from the others."""

    def __init__(self, door: Door, conn: int, identity: str | None = None) -> None:
        self.conn = conn
        self.identity = identity
        self.blocks = Blocks()  # of what is said there
        self.root: tuple[str, ...] = ()  # what the paths of all requests to it begin with
        self._door, self._cloud = door, door.cloud
        self._mid = self._cloud.random.randrange(1 << 16)
        self._waiting: deque[Exchange] = deque()
        self._active: Exchange | None = None
        self._open: dict[bytes, Exchange] = {}  # by token
        # By mid and token: until when it is known, and the datagram that answered.
        self._answered: dict[tuple[int, bytes], tuple[int, bytes | None]] = {}
        self._held: list[bytes] = []  # datagrams that the next one overtakes
        self._heard_ms = self._cloud.now_ms
        self._is_gone = False
        self._cloud.schedule(coap.EXCHANGE_MS, self._look_after)

    # Requests of ours

    def ask(self, message: Message, done: Callable[[Message | str], None], kind: str, index: int | None = None) -> None:
        """Sends a request as soon as it is its turn. The token, if it has none yet, is made here."""
        message.token = message.token or self.token()
        below = message.copy(uri_path=(*self.root, *message.opt.uri_path))
        self._waiting.append(Exchange(below, done, kind, index))
        self._next()

    def token(self) -> bytes:
        return self._cloud.random.randbytes(4)

    def _next(self) -> None:
        if self._active is None and self._waiting:
            exchange = self._active = self._waiting.popleft()
            exchange.key = exchange.message.token
            self._open[exchange.key] = exchange
            coap.numbered(exchange.message, coap.CON, self._new_mid(), exchange.message.token)
            exchange.mids.add(exchange.message.mid)
            self._launch(exchange, int(coap.ACK_MS * self._cloud.random.uniform(1, coap.ACK_RANDOM)))

    def _launch(self, exchange: Exchange, timeout_ms: int) -> None:
        """Sends it, for the first time or again; may end it."""
        rules = self._cloud.strike(exchange.kind, exchange.index)
        if any(rule.action == "unreachable" for rule in rules):
            self._cloud.schedule(0, partial(self._end, exchange, UNREACHABLE))
            return
        for rule in rules:
            if rule.action == "repeat":
                again = exchange.message.copy(mid=self._new_mid())
                exchange.mids.add(again.mid)
                self._cloud.schedule(int(rule.argument or 1), partial(self._put, again.encode()))
        self._transmit(exchange.message, rules, _OUT)
        self._cloud.schedule(timeout_ms, partial(self._unheard, exchange, exchange.attempt, timeout_ms))

    def _unheard(self, exchange: Exchange, attempt: int, timeout_ms: int) -> None:
        if exchange.is_over or exchange.is_acked or exchange.attempt != attempt:
            return
        if attempt == coap.RETRANSMISSIONS:
            self._end(exchange, TIMEOUT)
            return
        exchange.attempt += 1
        self._cloud.log(
            "retransmit", conn=self.conn, kind=exchange.kind, index=exchange.index, attempt=exchange.attempt
        )
        self._launch(exchange, 2 * timeout_ms)

    def _end(self, exchange: Exchange, outcome: Message | str) -> None:
        if exchange.is_over:
            return
        exchange.is_over = True
        self._open.pop(exchange.key, None)
        if self._active is exchange:
            self._active = None
        exchange.done(outcome)
        self._next()

    # What comes in

    def feed(self, data: bytes) -> None:
        """One datagram."""
        self._heard_ms = self._cloud.now_ms
        message = coap.parse(data)
        if message is None:
            self._cloud.log("malformed", conn=self.conn, size=len(data))
            if len(data) >= 4 and data[0] >> 4 == 4:  # version 1 and confirmable: rejected (RFC 7252, 4.2)
                self._put(_empty(coap.RST, int.from_bytes(data[2:4])))
            return
        rules = self._cloud.strike(*self._inbound(message))
        delay_ms = sum(int(rule.argument) for rule in rules if rule.action == "delay")
        actions = [rule.action for rule in rules]
        for _ in range(1 + actions.count("duplicate") - actions.count("drop")):
            if delay_ms:
                self._cloud.schedule(delay_ms, partial(self._hear, message, rules))
            else:
                self._hear(message, rules)

    def _inbound(self, message: Message) -> tuple[str, int | None]:
        if message.code.is_request():
            return self._door.kind_of(message)
        exchange = self._open.get(message.token) if message.code.is_response() else self._by_mid(message.mid)
        if exchange:
            return "answer", exchange.index
        return ("notify" if message.code.is_response() and message.mtype is not coap.ACK else "stray"), None

    def _hear(self, message: Message, rules: Sequence[Rule]) -> None:
        if message.mtype in (coap.ACK, coap.RST):
            self._settled(message)
        elif message.code is coap.EMPTY:
            if message.mtype is coap.CON:  # a ping
                self._put(_empty(coap.RST, message.mid))
        elif not message.code.is_request() and not message.code.is_response():
            self._put(_empty(coap.RST, message.mid))
        elif not self._is_repeated(message):
            self._first_heard(message, rules)

    def _settled(self, message: Message) -> None:
        """An acknowledgement or a reset, with an answer in it or without."""
        exchange = self._by_mid(message.mid)
        if exchange is None:
            return
        if message.mtype is coap.RST:
            self._end(exchange, RESET)
        elif exchange.key.startswith(_SEPARATE):
            self._end(exchange, message)
        elif message.code is coap.EMPTY:
            if not exchange.is_acked:
                exchange.is_acked = True
                self._cloud.schedule(_PROMISED_MS, partial(self._end, exchange, TIMEOUT))
        elif message.token == exchange.message.token and message.code.is_response():
            self._end(exchange, message)

    def _by_mid(self, mid: int) -> Exchange | None:
        return next((exchange for exchange in self._open.values() if mid in exchange.mids), None)

    def _is_repeated(self, message: Message) -> bool:
        """What was answered already is answered the same, and handled no second time."""
        now_ms = self._cloud.now_ms
        until_ms, data = self._answered.get(_key(message), (0, None))
        if until_ms <= now_ms:
            return False
        self._cloud.log("duplicate", conn=self.conn, mid=message.mid)
        if data is not None:
            self._put(data)
        return True

    def _first_heard(self, message: Message, rules: Sequence[Rule]) -> None:
        lasts_ms = coap.EXCHANGE_MS if message.mtype is coap.CON else coap.NON_MS
        self._answered = {key: kept for key, kept in self._answered.items() if kept[0] > self._cloud.now_ms}
        self._answered[_key(message)] = (self._cloud.now_ms + lasts_ms, None)
        if message.code.is_request():
            self._request(message, rules)
            return
        exchange = self._open.get(message.token)
        is_moved = any(rule.action == "moved" for rule in rules)
        is_taken = True if exchange else self._door.notified(self, message, is_moved)
        if is_taken is False:
            self._keep(message, _empty(coap.RST, message.mid))
        elif is_taken and message.mtype is coap.CON and not any(rule.action == "mute" for rule in rules):
            self._keep(message, _empty(coap.ACK, message.mid))
        if exchange:
            self._end(exchange, message)

    def _request(self, message: Message, rules: Sequence[Rule]) -> None:
        arguments = {rule.action: rule.argument for rule in rules}
        code = coap.code_of(arguments.get("refuse", ""))
        if "forget" in arguments:
            self._door.disown(self)
        answer = coap.build(code) if code else self._door.requested(self, message)
        if answer is None or "mute" in arguments:
            return
        if message.mtype is coap.NON:
            coap.numbered(answer, coap.NON, self._new_mid(), message.token)
            self._keep(message, answer.encode())
            return
        delay_ms = self._door.delay_of(self._door.kind_of(message)[0])
        if "separate" in arguments:
            delay_ms = int(arguments["separate"] or _SEPARATE_MS)
        if delay_ms is not None:
            self._keep(message, _empty(coap.ACK, message.mid))
            self._cloud.schedule(delay_ms, partial(self._separate, answer, message.token))
        else:
            coap.numbered(answer, coap.ACK, message.mid, message.token)
            self._answered[_key(message)] = (self._answered[_key(message)][0], answer.encode())
            self._transmit(answer, rules, _BACK)

    def _separate(self, answer: Message, token: bytes) -> None:
        """A confirmable message of its own; whether it arrives, retransmission sees to."""
        answer.token = token
        exchange = Exchange(answer, lambda outcome: None, "separate")
        coap.numbered(answer, coap.CON, self._new_mid(), token)
        exchange.mids.add(answer.mid)
        exchange.key = _SEPARATE + token
        self._open[exchange.key] = exchange
        self._launch(exchange, int(coap.ACK_MS * self._cloud.random.uniform(1, coap.ACK_RANDOM)))

    # What goes out

    def _transmit(self, message: Message, rules: Sequence[Rule], names: tuple[str, str, str]) -> None:
        """One message as the faults on its way leave it. `names`: of those that lose, double and delay it."""
        lose, double, late = names
        data, actions = bytes(message.encode()), [rule.action for rule in rules]
        for rule in rules:
            data = bytes(rule.spoil(memoryview(data)))
        delay_ms = sum(int(rule.argument) for rule in rules if rule.action == late)
        for _ in range(1 + actions.count(double) - actions.count(lose)):
            if delay_ms:
                self._cloud.schedule(delay_ms, partial(self._put, data))
            elif "reorder" in actions:
                self._held.append(data)
                self._cloud.schedule(_REORDER_MS, self._release)
            else:
                self._put(data)

    def _keep(self, message: Message, data: bytes) -> None:
        self._answered[_key(message)] = (self._answered[_key(message)][0], bytes(data))
        self._put(data)

    def _put(self, data: bytes) -> None:
        self._door.actions.append(Send(self.conn, bytes(data)))
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        self._door.actions += [Send(self.conn, data) for data in held]

    def _new_mid(self) -> int:
        self._mid = (self._mid + 1) & 0xFFFF
        return self._mid

    # The end

    def end(self, who: str, reason: str) -> None:
        """Nobody is there any more: what was asked gets no answer."""
        self._is_gone = True
        self._door.forget(self)
        self.cancel()

    def _look_after(self) -> None:
        """Who has said nothing for so long, and is nobody, is forgotten: no message of his is a duplicate any more."""
        if self._is_gone:
            return
        silent_ms = self._cloud.now_ms - self._heard_ms
        if silent_ms >= coap.EXCHANGE_MS and not self._open and not self._door.is_needed(self):
            self._door.actions.append(Close(self.conn))
            self.end("server", "silence")
        else:
            self._cloud.schedule(max(coap.EXCHANGE_MS - silent_ms, coap.EXCHANGE_MS // 4), self._look_after)

    def cancel(self) -> None:
        """What was asked is of no interest any more."""
        asked, self._waiting = [*self._open.values(), *self._waiting], deque()
        for exchange in asked:
            self._end(exchange, GONE)


def _key(message: Message) -> tuple[int, bytes]:
    """Of what is the same if it comes again. Not the id alone: who begins anew at a port may have it once more."""
    return message.mid, message.token


def _empty(kind: Type, mid: int) -> bytes:
    """A datagram that acknowledges or rejects."""
    return coap.numbered(coap.build(coap.EMPTY), kind, mid).encode()
