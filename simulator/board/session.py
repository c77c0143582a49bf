# SPDX-License-Identifier: MIT
"""One device process from its start to its end: requests answered, waits timed, hangs noticed.

Time passes here. Lockstep: the clock jumps to whatever happens next while the device waits, and stands still while
it computes. Board mode: the clock runs, and jumps only where nothing but an alarm of the chip can happen.
"""

import dataclasses
from collections.abc import Callable, Mapping

from simulator.board.alarms import Alarms
from simulator.board.chip import HARD, WATCHDOG
from simulator.board.clock import Clock
from simulator.board.errors import ChipReset, EspError
from simulator.board.link import Handler, Op, Reply, Request, Wait
from simulator.board.net import VirtualNet
from simulator.board.process import DeviceProcess
from simulator.errors import UserError

_LOOK_MS = 20  # how often a device that computes is looked at
_HANG_CPU_S = 0.3  # this much computing without a request is a hang: a board would need ten times as long
_START_CPU_S = 30  # the same before the first program runs, when the interpreter itself starts
_LOOK_COST_MS = 0.1  # lockstep: what a look at the radio, the clock or a socket takes, so that looking in a loop ends
_NEVER = float("inf")
_LOOKS = frozenset((int(Op.WLAN_STATUS), int(Op.TIME)))


class Session:
    """Lockstep if `net` is given, else board mode. `start_ms`, `start_spent_ms`: the clock when the chip started.

    `on_heap(bytes)` gets each figure of the device's heap, `on_repl()` is called when the program has ended, and
    while `is_stopped` no request is served.
    """

    def __init__(
        self,
        process: DeviceProcess,
        handlers: Mapping[Op, Handler],
        clock: Clock,
        alarms: Alarms,
        net: VirtualNet | None,
        *,
        start_ms: float,
        start_spent_ms: float,
        on_heap: Callable[[int], None],
        on_repl: Callable[[], None],
    ) -> None:
        self.process = process
        self._handlers = handlers
        self._clock = clock
        self._alarms = alarms
        self._net = net
        self._start_ms, self._start_spent_ms = start_ms, start_spent_ms
        self._on_heap = on_heap
        self._on_repl = on_repl
        self.is_stopped = False
        self._wait: tuple[Request, Wait, float | None] | None = None  # the request that waits, and when it ends
        self._interrupted_end: float | None = None  # of the wait that will be asked for again
        self._is_started = False
        self._is_interrupted = False
        self._cpu_s = 0.0
        self._deadline: float | None = None  # of the last `step`

    def step(self, deadline: float | None) -> bool:
        """Serves a request or lets time pass, in lockstep at most until `deadline`. False: nothing will ever happen.

        Raises ChipReset when the chip resets, PowerCut, and UserError if the device does not even start.
        """
        self._deadline = deadline
        if self._net:
            self._net.run()
        self._check_watchdog()
        try:
            if self._wait:
                return self._step_wait(*self._wait, deadline)
            self._step_run(deadline)
            return True
        except EOFError:
            raise self._gone() from None

    def ask(self, request: Request) -> bool:
        """The short way in lockstep: what `step` would do next, without a turn of the board.

        False: not taken, it is for `step`. True: answered, or what it waits for is for `step` as well. Raises what
        `step` raises.
        """
        if not self._has_caught_up():
            return False
        self._serve(request)
        if self._wait and not self._wait_out(*self._wait):
            while self._wait and self._has_caught_up():
                if not self._step_wait(*self._wait, self._deadline):
                    break
        return True

    def _has_caught_up(self) -> bool:
        """Whether the board goes on, and then everything that was due has happened."""
        now = self._clock.spent_ms
        if self.is_stopped or (self._deadline is not None and now >= self._deadline):
            return False
        if now >= self._net.due_ms:
            self._net.run()
        end = self._alarms.watchdog
        if end is not None and now >= end:
            raise ChipReset(WATCHDOG, "watchdog")
        return True

    def _wait_out(self, request: Request, wait: Wait, end: float | None) -> bool:
        """The whole of a wait during which nothing can happen, at one go; False if something can."""
        if end is None or not self._is_quiet_until(end, request) or self.is_stopped:
            return False
        clock = self._clock
        try:
            reply = wait.ready()
            if reply is None:
                while clock.spent_ms < end:
                    clock.skip(end - clock.spent_ms)
                reply = wait.expired()
                if wait.ms == 0:
                    self._look()
        except EspError as error:
            self._refuse(error)
        else:
            self._answer(reply)
        return True

    def _is_quiet_until(self, end: float, request: Request) -> bool:
        """Whether nothing is due by then, but a timer that has to wait for the request."""
        deadline, alarms = self._deadline, self._alarms
        watchdog, timer = alarms.watchdog, None if request.masked else alarms.next_timer
        return (
            end < self._net.due_ms
            and (deadline is None or end < deadline)
            and (watchdog is None or end < watchdog)
            and (timer is None or end < timer)
        )

    def _check_watchdog(self) -> None:
        end = self._alarms.watchdog
        if end is not None and self._clock.now_ms() >= end:
            raise ChipReset(WATCHDOG, "watchdog")

    def _step_run(self, deadline: float | None) -> None:
        """The device computes: wait for its next request, interrupt it when a timer is due, notice a hang."""
        if self._timer_is_due() and not self._is_interrupted and self._is_started:
            self._is_interrupted = True
            self.process.interrupt()
        if self.process.wait(_LOOK_MS):
            if not self.is_stopped:
                request = self.process.link.receive()
                if not (self._net and self.ask(request)):
                    self._serve(request)
        elif self._hangs():
            self._jump([self._alarms.next_timer, self._alarms.watchdog, deadline if self._net else None])

    def _serve(self, request: Request) -> None:
        self._is_interrupted = False
        self._cpu_s = 0.0
        if self._interrupted_end is not None and not request.masked:
            left = max(0, round(self._interrupted_end - self._clock.now_ms()))
            request = dataclasses.replace(request, b=left)
            self._interrupted_end = None
        if request.heap:
            self._on_heap(request.heap)
        try:
            answer = self._handlers.get(request.op, self._own)(request)
        except EspError as error:
            self._check_watchdog()
            self._refuse(error)
            return
        if request.op in _LOOKS:
            self._look()
        if self._alarms.watchdog is not None:
            self._check_watchdog()
        if type(answer) is Reply:
            self._answer(answer)
            return
        self._wait = (request, answer, None if answer.ms < 0 else self._clock.now_ms() + answer.ms)
        if answer.is_repl:
            self._on_repl()

    def _look(self) -> None:
        if self._net:
            self._clock.spend(_LOOK_COST_MS)

    def _answer(self, reply: Reply) -> None:
        self._wait = None
        is_due = self._alarms.next_timer is not None and self._timer_is_due()
        self.process.link.answer(reply, round(self._clock.spent_ms - self._start_spent_ms), is_due=is_due)

    def _refuse(self, error: EspError) -> None:
        self._wait = None
        self.process.link.refuse(error, self._device_ms(), is_due=self._timer_is_due())

    def _step_wait(self, request: Request, wait: Wait, end: float | None, deadline: float | None) -> bool:
        """The device waits: answer it if its time has come, else let time pass to whatever comes first."""
        now = self._clock.now_ms()
        try:
            reply = wait.ready()
            if reply is None and end is not None and now >= end:
                reply = wait.expired()
                if wait.ms == 0:
                    self._look()
        except EspError as error:
            self._refuse(error)
            return True
        if reply is not None:
            self._answer(reply)
        elif self._timer_is_due() and not request.masked:
            self._wait = None
            self._interrupted_end = end
            self.process.link.interrupt_wait(-1 if end is None else 1, self._device_ms())
        else:
            timer = None if request.masked else self._alarms.next_timer
            return self._pass_time([end, timer, self._alarms.watchdog], deadline, wait.is_repl)
        return True

    def _pass_time(self, times: list[float | None], deadline: float | None, is_repl: bool) -> bool:
        """Virtual time jumps; real time passes, except at the REPL, where nothing but an alarm can happen."""
        if self._net:
            return self._jump([*times, self._net.due_ms, deadline])
        if not is_repl or not self._jump(times):
            end = min((time for time in times if time is not None), default=float("inf"))
            self.process.wait(min(end - self._clock.now_ms(), _LOOK_MS))
        return True

    def _jump(self, times: list[float | None]) -> bool:
        """Moves the clock to the first of these times; False if there is none, or none that ever comes."""
        first = min([time for time in times if time is not None], default=_NEVER)
        if first == _NEVER:
            return False
        self._clock.skip(max(0.0, first - self._clock.now_ms()))
        return True

    def _timer_is_due(self) -> bool:
        due = self._alarms.next_timer
        return due is not None and due <= self._clock.now_ms()

    def _hangs(self) -> bool:
        """Whether the process has computed for long without asking for anything."""
        used = self.process.cpu_s()
        if used is None:
            return False
        self._cpu_s = self._cpu_s or used or 1e-9
        return used - self._cpu_s > (_HANG_CPU_S if self._is_started else _START_CPU_S)

    def _gone(self) -> Exception:
        """The process has ended without a reset: the interpreter itself has crashed."""
        if self._is_started:
            return ChipReset(HARD, "the interpreter crashed")
        words = " / ".join(self.process.last_lines) or "it printed nothing"
        return UserError("device_failed", f"the interpreter does not start the device: {words}")

    def _own(self, request: Request) -> Reply:
        return {Op.READY: self._ready, Op.START: self._started}[Op(request.op)](request)

    def _ready(self, request: Request) -> Reply:
        """The link works. The device learns how old the chip is by the real clock, -1 if the clock is virtual."""
        return Reply(-1 if self._net else round(self._clock.now_ms() - self._start_ms) - self._device_ms())

    def _started(self, request: Request) -> Reply:
        """The twins are loaded and the files mounted: what happens from now on is the program's doing."""
        self._is_started = True
        return Reply()

    def _device_ms(self) -> int:
        """The host's part of the device's clock, which starts anew with every boot but a soft one."""
        return round(self._clock.spent_ms - self._start_spent_ms)
