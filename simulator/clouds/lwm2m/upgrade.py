# SPDX-License-Identifier: MIT
"""One firmware update of one device, step by step: the frame that all strategies share (lwm2m.md 4.1)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from simulator.clouds.lwm2m import formats, objects, options
from simulator.clouds.lwm2m.devices import Device
from simulator.clouds.lwm2m.objects import (
    CANCEL,
    DEFERRED,
    DELIVERY,
    DOWNLOADED,
    IDLE,
    INITIAL,
    LIFETIME,
    PACKAGE,
    PACKAGE_URI,
    PROTOCOLS,
    RESULT,
    STATE,
    SUCCESS,
    UPDATE,
    VERSION,
)
from simulator.clouds.lwm2m.options import Options, is_time
from simulator.clouds.lwm2m.peer import GONE
from simulator.clouds.lwm2m.requests import Operation, Reply
from simulator.clouds.lwm2m.script import Steps, Wait, pause
from simulator.clouds.lwm2m.watch import WATCHES, Watch

if TYPE_CHECKING:
    from simulator.clouds.lwm2m.tasks import Task

_LIFETIME_S = 3600  # a shorter one is extended to that
_SCHEDULE_MS = 60_000  # the clock is looked at so often
_REFUSAL_MS = 30_000  # for the Result that explains a refusal
_ILLEGAL = {(0, 3), (1, 3), (2, 1), (3, 1)}  # changes of State that nothing leads to; 0 to 2 is a push


class Failed(Exception):
    """The update has ended, not well. `result`: what the device says of it, if it does."""

    def __init__(self, text: str, result: int | None = None) -> None:
        super().__init__(text)
        self.result = result


class Upgrade:
    """`since`: what was heard before this number is old. `steps` returns the version that runs; raises Failed.

    `watches`: by strategy.
    """

    watches: ClassVar[Mapping[str, type[Watch]]] = WATCHES

    def __init__(self, task: "Task") -> None:
        self.device: Device = task.device
        self.options: Options = task.options
        self.since = 0
        self._task = task
        self._watch = self.watches[self.options.strategy](self)
        self._state: int | None = None
        self._repeats = 0  # of the last request

    # The frame

    def waiting(self) -> Steps:
        """Before anything is said: quota, schedule, the device, and what else is going on with it."""
        device, mock = self.device, self.device.server
        if self.options.quota_s:
            yield pause(self.options.quota_s * 1000)
        while not is_time(self.options.schedule, mock.now_ms):
            yield pause(_SCHEDULE_MS)
        if self.options.is_mobile:
            last = device.registration
            yield Wait(lambda: device.registration not in (None, last))
            return
        yield Wait(lambda: device.is_registered and not mock.scripts.is_busy(device, "refresh"))
        if not self.options.starts_at_once:
            yield Wait(lambda: device.is_registered and self._is_near(self.options.start_window_ms))

    def steps(self) -> Steps:
        """From the first request to the last."""
        yield from self._initialize()
        if self._needs_reset():
            yield from self._reset()
        self._step("delivering")
        self._mark()
        self._state = IDLE
        yield from self._deliver()
        yield from self._until(self._downloaded)
        yield from self._install()
        self._step("verifying")
        version = yield from self._watch.version()
        return version

    def cleanup(self) -> Steps:
        yield from self._watch.end()

    def cancelling(self) -> Steps:
        """Tries one way after the other to make the device idle; which one did, or None."""
        for form in self.options.cancels:
            reply = yield (self.device.execute(CANCEL) if form == options.EXECUTE else self._resetting(form))
            if reply.is_good:
                return form
        return None

    # Its parts

    def _initialize(self) -> Steps:
        self._step("initializing")
        yield from self._extend_lifetime()
        if not self.options.uses_cache or self.device.value(STATE) is None:
            yield from self._watch.facts()
        yield from self._watch.begin()
        self._task.old_version = self.device.value(VERSION)
        if self.options.checks_delivery:
            self._check()

    def _extend_lifetime(self) -> Steps:
        registration = self.device.registration
        if self.options.extends_lifetime and registration is not None and registration.lifetime_s < _LIFETIME_S:
            yield from self.ask(lambda: self.device.write(LIFETIME, _LIFETIME_S), matters=False)

    def _check(self) -> None:
        """What is unknown is no reason to fail; no protocols at all means CoAP."""
        delivery = self.device.value(DELIVERY)
        wanted = objects.PUSH if self.options.method == options.PUSH else objects.PULL
        if delivery is not None and delivery not in (wanted, objects.BOTH):
            raise Failed(f"Delivery method {self.options.method} is not supported by the device")
        protocols = self.device.instances(PROTOCOLS)
        number = objects.SCHEMES.index(self.options.protocol)
        if self.options.method == options.PULL and protocols and number not in protocols:
            raise Failed(f"Protocol {self.options.protocol} is not supported by the device")

    def _needs_reset(self) -> bool:
        """Also when nobody knows, unless a cache is to be trusted."""
        if self.options.always_resets:
            return True
        return (self.device.value(STATE), self.device.value(RESULT)) != (IDLE, INITIAL) and not self._is_trusted()

    def _is_trusted(self) -> bool:
        return self.options.uses_cache and self.device.value(STATE) == IDLE

    def _reset(self) -> Steps:
        self._step("resetting")
        self._mark()
        reply = yield from self.ask(lambda: self._resetting(self.options.reset))
        if not reply.is_good:
            raise Failed(f"Reset of the state machine was refused: {reply}")
        yield from self._watch.reset_done()
        yield from self._until(lambda: self._pair() == (IDLE, INITIAL), jumps=False)

    def _resetting(self, form: str) -> Operation:
        number = self.options.reset_format
        if form == options.NUL:
            return self.device.write(PACKAGE, b"\0", formats.OCTETS if number in (None, formats.TEXT) else number)
        return self.device.write(PACKAGE_URI, "", formats.TEXT if number == formats.OCTETS else number)

    def _deliver(self) -> Steps:
        if self.options.method == options.PUSH:
            reply = yield from self.ask(lambda: self.device.push(self._task.package.data, self.options.style))
        else:
            uri = self._task.uri()
            reply = yield from self.ask(lambda: self.device.write(PACKAGE_URI, uri, self.options.uri_format))
        if not reply.is_good and not self._is_known_already(reply):
            yield from self._refused("The package" if self.options.method == options.PUSH else "The URI", reply)

    def _is_known_already(self, reply: Reply) -> bool:
        """What was said twice may be refused the second time."""
        return bool(self._repeats) and reply.is_answered

    def _refused(self, what: str, reply: Reply) -> Steps:
        """The Result tells more than the code (lwm2m.md 2.2)."""
        self._watch.mark()
        yield from self._watch.look()
        if self._new(RESULT) in (None, INITIAL):
            came = yield Wait(self._is_explained, _REFUSAL_MS)
            if came:
                yield from self._watch.look()
        result = self._new(RESULT)
        if isinstance(result, int) and result > SUCCESS:
            raise Failed(objects.result_text(result), result)
        raise Failed(f"{what} was refused: {reply}")

    def _is_explained(self) -> bool:
        return self._new(RESULT) not in (None, INITIAL) or (self._watch.may_read and self._watch.is_news())

    def _install(self) -> Steps:
        """The order; once more each time that the device comes back as before it, for its power went (lwm2m.md 7)."""
        is_first = is_back = True
        while is_back:
            self._step("executing")
            self._mark()
            registration = self.device.registration
            yield from self._execute(is_first)

            def came_back(before: object = registration) -> bool:
                return self.device.registration is not before and self._is_as_before()

            yield from self._until(lambda is_back=came_back: self._updated() or is_back())
            is_first, is_back = False, came_back()

    def _execute(self, is_first: bool) -> Steps:
        """A device that is gone already has understood; one that was told twice may say no."""
        reply = yield from self.ask(lambda: self.device.execute(UPDATE), gone=True)
        if reply.is_answered and not reply.is_good and is_first and not self._repeats:
            yield from self._refused("Execute", reply)

    def _is_as_before(self) -> bool:
        return (self._new(STATE), self._new(RESULT)) == (DOWNLOADED, INITIAL)

    def _downloaded(self) -> bool:
        state, result = self._pair()
        if state == IDLE and isinstance(result, int) and result > SUCCESS:
            raise Failed(objects.result_text(result), result)
        return state == DOWNLOADED and self._new(STATE) is not None

    def _updated(self) -> bool:
        state, result = self._pair()
        if result in (None, INITIAL, DEFERRED):
            return False
        if state in (IDLE, DOWNLOADED) and result != SUCCESS:
            raise Failed(objects.result_text(result), result)
        return state == IDLE

    # What is known

    def _mark(self) -> None:
        """What was heard so far is old."""
        self.since = self.device.number
        self._watch.mark()

    def _new(self, path: str) -> object:
        """A value that was heard after `since`, or None."""
        heard = self._watch.heard(path)
        return heard.value if heard is not None and heard.number > self.since else None

    def _pair(self) -> tuple[object, object]:
        """State as it was heard last, and Result if it is new: an old one says nothing."""
        heard = self._watch.heard(STATE)
        return heard.value if heard is not None else None, self._new(RESULT)

    def _until(self, is_over: Callable[[], bool], jumps: bool = True) -> Steps:
        while True:
            self._see(jumps)
            if is_over():
                return
            yield from self._watch.news()

    def _see(self, jumps: bool) -> None:
        """State as it is now, after what it was before."""
        state = self._new(STATE)
        if not isinstance(state, int):
            return
        if jumps and (self._state, state) in _ILLEGAL:
            raise Failed(f"Illegal firmware state change from {self._state} to {state}")
        self._state = state

    # Asking

    def ask(self, begin: Callable[[], Operation], *, matters: bool = True, gone: bool = False) -> Steps:
        """Asks when the device may be asked, and again if that is wanted. Returns the reply.

        Raises Failed if there is none and that `matters`; `gone`: a device that has registered anew is an answer.
        """
        device, self._repeats = self.device, 0
        while True:
            yield Wait(lambda: device.is_awake() and self._is_near(self.options.window_ms))
            reply = yield begin()
            if reply.is_answered or not matters or (gone and reply.failure == GONE):
                return reply
            if not self.options.resumes:
                raise Failed(f"Downlink failure: {reply}")
            self._step("resuming")
            before = device.uplinks
            yield Wait(lambda before=before: device.uplinks != before)
            self._repeats += 1

    def _is_near(self, window_ms: int | None) -> bool:
        device = self.device
        since_ms = device.uplink_ms
        if self.options.starts_at_once and self._task.begun_ms is not None:
            since_ms = max(since_ms, self._task.begun_ms)
        return window_ms is None or (device.uplinks > 0 and device.server.now_ms - since_ms <= window_ms)

    def _step(self, step: str) -> None:
        self._task.log(step)
