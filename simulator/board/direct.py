# SPDX-License-Identifier: MIT
"""The link to a device of this very process: what `link.py` and `device/_chip.py` are to each other, without pipes."""

from collections.abc import Callable
from types import ModuleType

from simulator.board.console import traceback_text
from simulator.board.errors import EspError
from simulator.board.link import Op, Reply, Request

_CLOCK_BITS = 0x3FFFFFFF
# What cannot change while a program runs: it is asked once a boot.
_FIXED = {
    int(op) for op in (Op.FIND, Op.LOOKUP, Op.INFO, Op.RUNNING, Op.NEXT_UPDATE, Op.RESET_CAUSE, Op.UNIQUE_ID)
}  # fmt: skip
_RECV = int(Op.RECV)
_LINK = 0xFFFF

Ask = Callable[[Request], "DirectLink"]
Take = Callable[[int, int], bytes | None]  # (number of a link, bytes): that many if they are there


class DirectLink:
    """The host's end: a `Link` with room for one request and for the answer to it.

    `data` is for the buffer that the device has named; `is_due`: a timer is; `is_again`: it has interrupted a wait,
    which is to be asked for again with `value`.
    """

    def __init__(self) -> None:
        self.request: Request | None = None
        self.is_answered = False
        self.value = 0
        self.data = b""
        self.clock_ms = 0
        self.is_due = self.is_again = False
        self.error: EspError | None = None

    def receive(self) -> Request:
        request, self.request = self.request, None
        assert request, "the session receives what is there"
        return request

    def answer(self, reply: Reply, clock_ms: int, *, is_due: bool = False) -> None:
        self.value, self.data, self.clock_ms, self.is_due = reply.value, reply.data, clock_ms, is_due
        self.is_again, self.error, self.is_answered = False, None, True

    def refuse(self, error: EspError, clock_ms: int, *, is_due: bool = False) -> None:
        self._tell(0, b"", clock_ms, is_due)
        self.error = error

    def interrupt_wait(self, ms: int, clock_ms: int) -> None:
        self._tell(ms, b"", clock_ms, is_due=True)
        self.is_again = True

    def _tell(self, value: int, data: bytes, clock_ms: int, is_due: bool) -> None:
        self.value, self.data, self.clock_ms, self.is_due = value, data, clock_ms, is_due
        self.is_again, self.error, self.is_answered = False, None, True


class DirectChip:
    """The device's end: `module` is its `_chip`. `ask` changes with every boot."""

    def __init__(self) -> None:
        self.module = ModuleType("_chip")
        self.asked = 0
        self._ask: Ask = _nobody
        self._take: Take = no_links
        self._fixed: dict[tuple, tuple[int, bytes]] = {}
        self._clock_ms = 0
        self._timers: dict = {}
        self._is_busy = self._is_masked = False
        names = {"call": self.call, "clock_ms": self._clock, "timers": self._timers, "run_timers": self._run_timers}
        vars(self.module).update(names, virtual=True, started_ms=-1, listen=lambda: None)

    def begin(self, ask: Ask, take: Take, show: Callable[..., None]) -> None:
        self._ask, self._take, self._show = ask, take, show
        self._fixed.clear()
        self._clock_ms = 0
        self._timers.clear()
        self._is_busy = self._is_masked = False

    def call(self, op, handle=0, a=0, b=0, out=None, more=None, into=None):
        """As `device/_chip.py`: one request; the answer's bytes go into `into`, its number is returned.

        Without `into` bytes are returned, if there are any.
        """
        self.asked += 1
        if op == _RECV and (data := self._take(handle & _LINK, a)):
            if into is None:
                return bytes(data)
            _fill(into, data)
            return a
        data = bytes(out) if out else b""
        if more:
            data += more
        if op not in _FIXED:
            value, found = self._request(op, handle, a, b, data, into)
            return bytes(found) if found and into is None else value
        key = op, handle, a, b, data
        if key not in self._fixed:
            self._fixed[key] = self._request(op, handle, a, b, data, into)
        value, found = self._fixed[key]
        _fill(into, found)
        return value

    def _request(self, op, handle, a, b, data, into) -> tuple[int, bytes]:
        while True:
            self._is_busy = True
            answer = self._ask(Request(int(op), handle, a, b, data, 0, self._is_masked))
            value, found, is_again = answer.value, answer.data, answer.is_again  # a timer's requests come in between
            self._clock_ms = answer.clock_ms & _CLOCK_BITS
            self._is_busy = False
            if answer.error:
                raise OSError(*filter(None, (answer.error.errno, answer.error.name)))
            _fill(into, found)
            if answer.is_due:
                self._run_timers()
            if not is_again:
                return value, found
            b = value

    def _clock(self) -> int:
        return self._clock_ms

    def _run_timers(self, _=None) -> None:
        if self._is_busy or self._is_masked:
            return
        self._is_masked = True
        try:
            while due := self.call(Op.TIMERS):
                for number in sorted(self._timers):
                    if due >> number & 1:
                        self._run(self._timers[number])
        finally:
            self._is_masked = False

    def _run(self, timer) -> None:
        try:
            timer.callback(timer)
        except Exception as error:
            self._show(traceback_text(error))


def _fill(buffer, data: bytes) -> None:
    if data and buffer is not None:
        memoryview(buffer).cast("B")[: len(data)] = data


def _nobody(request: Request) -> DirectLink:
    raise AssertionError("no device has begun")


def no_links(number: int, size: int) -> None:
    """A `Take` without a network."""
