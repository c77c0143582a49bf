# SPDX-License-Identifier: MIT
"""A device as the server knows it: its registration, what it has said last, and what it is asked."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.clouds.lwm2m import coap, formats, requests
from simulator.clouds.lwm2m.objects import (
    MAKER,
    MODEL,
    PACKAGE,
    RESULT,
    STATE,
    SW_RESULT,
    SW_STATE,
    UPDATE_TRIGGER,
    VERSION,
    Value,
)
from simulator.clouds.lwm2m.peer import GONE, Peer
from simulator.clouds.lwm2m.push import Push, Style, block_of
from simulator.clouds.lwm2m.registration import Registration
from simulator.clouds.lwm2m.requests import Operation, Reply

if TYPE_CHECKING:
    from simulator.clouds.lwm2m.server import Lwm2mServer

_AWAKE_MS = 93_000  # a device in queue mode stays awake so long after it was heard (lwm2m.md 1.7)
ALL = "all"  # the group that every device is in
READ, OBSERVE, SEND = "read", "observe", "send"  # how the server has learnt a value


@dataclass(frozen=True)
class Heard:
    """A value, and when and how the server got it. `number` grows with everything that is heard of the device."""

    value: Value
    number: int
    how: str
    at_ms: int


@dataclass
class Observation:
    """`sequence` is the last Observe option, None before the first answer."""

    path: str
    token: bytes
    accept: int | None
    sequence: int | None = None
    at_ms: int = 0


@dataclass(eq=False)
class Device:
    """`peer` is where it has last registered or updated from; None: it is not registered.

    Every operation is under way when its method returns; its reply comes later.
    """

    server: "Lwm2mServer" = field(repr=False)
    endpoint: str
    psk: bytes | None = None
    psk_id: str | None = None  # the name of that, if it is another than the endpoint's
    assigned: tuple[str, ...] = ()  # groups that somebody has put it into
    is_mobile: bool = False  # somebody has said that all its updates are, see Options
    registration: Registration | None = None
    peer: Peer | None = None
    heard: dict[str, Heard] = field(default_factory=dict)
    observations: dict[bytes, Observation] = field(default_factory=dict)
    uplinks: int = 0  # registrations, updates, sends and notifications
    uplink_ms: int = 0  # when the last one came
    contact_ms: int = 0  # anything at all
    received: int = 0  # bytes of images that it was sent
    is_triggered: bool = False  # it has been told to update, and has not answered yet
    _number: int = 0
    _by_way: dict[tuple[str, str], Heard] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    # What it has said

    @property
    def number(self) -> int:
        """Of what was heard last."""
        return self._number

    def value(self, path: str) -> Value | None:
        return self.heard[path].value if path in self.heard else None

    def take(self, values: dict[str, Value], how: str, read: str = "") -> None:
        """New values. `read`: what was asked for; an instance of a resource that is not there any more goes."""
        for path in [path for path in self.heard if read and (path + "/").startswith(read + "/")]:
            if path not in values and len(coap.segments(path)) == 4:
                del self.heard[path]
        for path, value in values.items():
            self._number += 1
            before = self.value(path)
            self.heard[path] = self._by_way[path, how] = Heard(value, self._number, how, self.server.now_ms)
            if path in (STATE, RESULT) and value != before:
                what = {"state": self.value(STATE), "result": self.value(RESULT)}
                self.server.log("values", device=self.endpoint, path=path, how=how, **what)
            if path in (SW_STATE, SW_RESULT) and value != before:
                what = {"state": self.value(SW_STATE), "result": self.value(SW_RESULT)}
                self.server.log("values", device=self.endpoint, path=path, how=how, **what)
        self._counts[how] = self.heard_by(how) + 1
        self.server.changed(self)

    def heard_by(self, how: str) -> int:
        """How often anything was."""
        return self._counts.get(how, 0)

    def last(self, path: str, hows: tuple[str, ...]) -> Heard | None:
        """What was heard last in one of these ways."""
        found = [self._by_way[path, how] for how in hows if (path, how) in self._by_way]
        return max(found, key=lambda heard: heard.number) if found else None

    def instances(self, path: str) -> list[Value]:
        """Of a resource with several, in their order; a single one counts as one."""
        found = {p: h.value for p, h in self.heard.items() if p == path or p.startswith(path + "/")}
        return [found[name] for name in sorted(found, key=lambda name: int(name.rsplit("/", 1)[1]))]

    def uplink(self) -> None:
        self.uplinks += 1
        self.uplink_ms = self.contact_ms = self.server.now_ms
        self.server.changed(self)

    @property
    def groups(self) -> tuple[str, ...]:
        """`all`, those of what it says of itself (lwm2m.md 1.4), each within the one before, and `assigned`."""
        said = itertools.takewhile(bool, (self.value(path) for path in (MAKER, MODEL, VERSION)))
        return (ALL, *itertools.accumulate(map(str, said), "{}.{}".format), *self.assigned)

    @property
    def is_behind_phone(self) -> bool:
        """Whether all its updates are `is_mobile`, as somebody has said of it or of a group."""
        return self.is_mobile or not self.server.mobile_groups.isdisjoint(self.groups)

    @property
    def is_registered(self) -> bool:
        return self.registration is not None

    def is_awake(self) -> bool:
        """Whether it can be asked something now, or asks not to be before it speaks."""
        if self.registration is None:
            return False
        return not self.registration.is_queued or self.server.now_ms - self.contact_ms < _AWAKE_MS

    # What it is asked

    def read(self, path: str, accept: int | None = requests.NO_ACCEPT) -> Operation:
        return self._ask("read", path, requests.reading(path, accept), self._reader(path))

    def discover(self, path: str) -> Operation:
        return self._ask("discover", path, requests.discovering(path))

    def write(self, path: str, values: formats.Values | Value, number: int | None = formats.TEXT) -> Operation:
        """One value for a resource, or values by path for an instance."""
        given = values if isinstance(values, dict) else {path: values}
        return self._ask("write", path, requests.writing(path, given, number))

    def put(self, path: str, payload: bytes, number: int | None) -> Operation:
        """Any bytes as any format."""
        message = coap.build(coap.PUT, payload, uri_path=coap.segments(path), content_format=number)
        return self._ask("write", path, message)

    def execute(self, path: str, arguments: str = "") -> Operation:
        operation = self._ask("execute", path, requests.executing(path, arguments))
        if path == UPDATE_TRIGGER and operation.reply is None:
            self.is_triggered = True
            operation.then(lambda reply: setattr(self, "is_triggered", False))
        return operation

    def attributes(self, path: str, **attributes: Any) -> Operation:
        """Write-Attributes, as pmin=10."""
        return self._ask("attributes", path, requests.attributing(path, **attributes))

    def observe(self, path: str, accept: int | None = requests.NO_ACCEPT) -> Operation:
        """An observation of the same path is replaced."""
        self.forget_observation(path)
        token = self.server.random.randbytes(4)
        observation = self.observations[token] = Observation(path, token, accept)

        def began(reply: Reply) -> None:
            sequence = reply.message.opt.observe if reply.message is not None else None
            if not reply.code.startswith("2") or sequence is None:
                self.observations.pop(token, None)
            else:
                observation.sequence, observation.at_ms = sequence, self.server.now_ms
            self._reader(path, OBSERVE if sequence is not None else READ)(reply)

        return self._ask("observe", path, requests.observing(path, accept, token), began)

    def cancel_observation(self, path: str, by_reset: bool = False) -> Operation | None:
        """With a GET, or by forgetting it, so that the next notification is reset. None for the latter."""
        found = self.forget_observation(path)
        if found is None or by_reset:
            return None
        return self._ask("observe", path, requests.observing(path, found.accept, found.token, is_over=True))

    def forget_observation(self, path: str) -> Observation | None:
        found = next((one for one in self.observations.values() if one.path == path), None)
        return self.observations.pop(found.token) if found else None

    def push(self, data: bytes, style: Style | None = None, path: str = PACKAGE) -> Operation:
        """A whole package."""
        operation = self._operation("push", path)
        if self.peer is None:
            operation.finish(Reply(failure=GONE))
            return operation

        def told(index: int, size: int) -> None:
            self.server.log("block", device=self.endpoint, index=index, size=size)
            self.received += size

        Push(self.peer, data, style or Style(), operation, told)
        return operation

    def push_block(self, data: bytes, number: int, style: Style | None = None) -> Operation:
        """One block of a package, whatever went before."""
        return self._ask("push", PACKAGE, block_of(data, number, style or Style()))

    def _ask(self, kind: str, path: str, message: Any, on_reply: Callable[[Reply], None] | None = None) -> Operation:
        operation = self._operation(kind, path)
        if on_reply:
            operation.then(on_reply)
        if self.peer is None:
            operation.finish(Reply(failure=GONE))
        else:
            requests.ask(self.peer, operation, message)
        return operation

    def _operation(self, kind: str, path: str) -> Operation:
        operation = Operation(kind, path)

        def ended(reply: Reply) -> None:
            if reply.is_answered:
                self.contact_ms = self.server.now_ms
            self.server.log("operation", device=self.endpoint, kind=kind, path=path, code=reply.code,
                            failure=reply.failure, format=reply.format)  # fmt: skip

        return operation.then(ended)

    def _reader(self, path: str, how: str = READ) -> Callable[[Reply], None]:
        def read(reply: Reply) -> None:
            if reply.is_good:
                self.take(reply.values, how, read=path)

        return read
