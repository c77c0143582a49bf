# SPDX-License-Identifier: MIT
"""The power supply of one board: boots it, runs its device process, serves it, resets it, until told to stop.

Everything that happens is an event, a dict with `event` and `ms` (the board's clock):
  boot     slot (label, None in a boot loop), cause (why the chip was reset), why, log, number
  console  line
  flash    operation (erase | write), label, offset, size: what the device did to a partition
  reset    cause (1 power, 2 hard, 3 watchdog, 4 deep sleep, 5 soft), why
  repl     the program has ended or failed: the device waits for a person
  off      why: no power, or asleep for ever
"""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

from simulator.board import unpack
from simulator.board.alarms import Alarms
from simulator.board.chip import HARD, POWER_ON, SOFT, WATCHDOG, Chip
from simulator.board.errors import ChipReset, EspError, PowerCut
from simulator.board.link import Op, Reply, Request, Wait
from simulator.board.net import VirtualNet
from simulator.board.process import DeviceProcess
from simulator.board.services import ChipServices, DeepSleep
from simulator.board.sockets import SocketServices
from simulator.board.vfs import Files
from simulator.board.wlan import Radio, Site
from simulator.errors import UserError
from simulator.interpreters import Interpreter

Event = dict
_LOOK_MS = 20  # how often a device that computes is looked at
_HANG_CPU_S = 0.3  # this much computing without a request is a hang: a board would need ten times as long
_LOOK_COST_MS = 0.1  # lockstep: what a look at the radio, the clock or a socket takes, so that looking in a loop ends
_LOOKS = (Op.WLAN_STATUS, Op.TIME)
_START_CPU_S = 30  # the same before the first request, when the interpreter itself starts


class Board:
    """One board with its chip. Virtual clock: lockstep over `net`; real clock: real sockets.

    `heap` limits MicroPython's heap ("96k"). `peak_heap` is the largest heap seen at flash operations, in bytes,
    garbage included; None on CPython. Use as a context manager, or call `close`.
    """

    def __init__(
        self,
        chip: Chip,
        interpreter: Interpreter,
        *,
        heap: str | None = None,
        net: VirtualNet | None = None,
        site: Site | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.chip = chip
        self.interpreter = interpreter
        self.clock = chip.clock
        self.net = net or (VirtualNet(self.clock) if self.clock.virtual else None)
        self.site = site or Site()
        self.boots = 0
        self.peak_heap: int | None = None
        self._heap = heap
        self._on_event = on_event
        self._alarms = Alarms()
        self._radio = Radio(self.site, self.clock)
        self._sockets = SocketServices(self.net, self._radio) if self.net else None
        self._handlers = ChipServices(chip, self._alarms, self._flash_changed).handlers()
        self._handlers |= self._radio.handlers() | (self._sockets.handlers() if self._sockets else {})
        self._handlers |= {Op.READY: self._ready, Op.START: self._started}
        self._process: DeviceProcess | None = None
        self._scratch: tempfile.TemporaryDirectory | None = None
        self._files: Files | None = None
        self._is_off = False
        self._until: Callable[[Event], bool] | None = None
        self._stop: str | None = None
        self._ctrl_d = False
        self._late_lines: list[str] = []
        self._start_ms = self._start_spent_ms = 0.0  # the clock when the chip started
        self._begin()

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def run(
        self,
        until: Callable[[Event], bool] | None = None,
        *,
        timeout_s: float | None = None,
        max_boots: int | None = None,
    ) -> str:
        """Runs on until an event for which `until` is true. Returns why it stopped:

        "until", "timeout" (seconds of the virtual clock, or of real time), "boots" (it would boot once more than
        `max_boots` in this run), "no_boot" (nothing to boot), "power_cut", "asleep" (for ever), "idle" (lockstep:
        nothing will ever happen). A board without power gets it back first. Raises UserError if the device process
        does not even start.
        """
        self._until, self._stop = until, None
        deadline = None if timeout_s is None else self._elapsed_ms() + timeout_s * 1000
        last_boot = None if max_boots is None else self.boots + max_boots
        if self._is_off:
            self._is_off = False
            self.chip.reset(POWER_ON)
        self._tell_late_lines()
        while self._stop is None:
            if deadline is not None and self._elapsed_ms() >= deadline:
                return "timeout"
            if self._process is None and self.boots == last_boot:
                return "boots"
            try:
                self._turn(deadline)
            except PowerCut:
                self.cut()
                self._stop = "power_cut"
        return self._stop

    def cut(self) -> None:
        """The power goes, now. The next `run` gives it back."""
        self._until = self._stop = None
        self._tell_late_lines()
        self._end_process()
        self._is_off = True
        self._emit("off", why="power cut")
        self._end_files(keep=False)
        self._alarms.reset()
        self._radio.reset()

    def soft_reset(self) -> None:
        """Ctrl-D at the console: takes effect when `run` is called next."""
        self._ctrl_d = True

    def close(self) -> None:
        """Ends the device process; files it has written are packed into the flash."""
        self._until = self._stop = None
        self._tell_late_lines()
        self._end_process()
        self._end_files(keep=not self._is_off)

    # one start

    def _begin(self) -> None:
        """What holds for a device process that has just started."""
        self._wait: tuple[Request, Wait, float | None] | None = None
        self._interrupted_end: float | None = None  # of the wait that will be asked for again
        self._is_started = False
        self._is_interrupted = False
        self._cpu_s = 0.0
        self._console: list[str] = []

    def _boot(self) -> None:
        cause = self.chip.reset_cause
        boot = self.chip.boot()
        self.boots += 1
        label = boot.slot.label if boot.slot else None
        if self.chip.reset_cause != SOFT:
            self._start_ms, self._start_spent_ms = self.clock.now_ms(), self.clock.spent_ms
        self._emit(
            "boot", slot=label, cause=cause, why=boot.why, log=[] if cause == SOFT else boot.log, number=self.boots
        )
        if boot.slot is None:
            self._is_off = True
            self._stop = "no_boot"
            return
        self._spawn(boot.image)

    def _spawn(self, image: bytes) -> None:
        self._begin()
        self._scratch = tempfile.TemporaryDirectory(prefix="board-")
        frozen, folder = Path(self._scratch.name, "frozen"), Path(self._scratch.name, "files")
        frozen.mkdir()
        folder.mkdir()
        unpack.frozen_modules(self.interpreter, image, frozen)
        args = [str(frozen)]
        if not self.interpreter.is_micropython:
            self._files = Files(self.chip, folder)
            args += [] if self._files.unpack() else ["corrupt"]
        script = unpack.start_script(self.interpreter)
        self._process = DeviceProcess(
            self.interpreter, script, args, heap=self._heap, folder=folder, on_line=self._line
        )

    def _ready(self, request: Request) -> Reply:
        """The link works. The device learns how old the chip is by the real clock, -1 if the clock is virtual."""
        return Reply(-1 if self.net else round(self.clock.now_ms() - self._start_ms) - self._device_ms())

    def _started(self, request: Request) -> Reply:
        """The twins are loaded and the files mounted: what happens from now on is the program's doing."""
        self._is_started = True
        return Reply()

    def _reset(self, reset: ChipReset) -> None:
        self._end_process()
        self._emit("reset", cause=reset.cause, why=reset.why)
        self._end_files(keep=True)
        if reset.cause == SOFT:
            self._alarms.soft_reset()
        else:
            self._alarms.reset()
            self._radio.reset()
        if isinstance(reset, DeepSleep):
            if not reset.ms:
                self._is_off = True
                self._emit("off", why="asleep for ever")
                self._stop = self._stop or "asleep"
                return
            self.clock.skip(reset.ms)
        self.chip.reset(reset.cause)

    def _end_process(self) -> None:
        if self._process is None:
            return
        self._process.end()
        self._process = None
        if self._sockets:
            self._sockets.reset()

    def _end_files(self, *, keep: bool) -> None:
        if self._files and keep:
            self._files.pack()
        self._files = None
        if self._scratch:
            self._scratch.cleanup()

    # one step

    def _turn(self, deadline: float | None) -> None:
        try:
            if self._process is None:
                self._boot()
            elif self._ctrl_d:
                self._ctrl_d = False
                raise ChipReset(SOFT, "Ctrl-D")
            else:
                self._step(deadline)
        except ChipReset as reset:
            self._reset(reset)

    def _step(self, deadline: float | None) -> None:
        if self.net:
            self.net.run()
        self._check_watchdog()
        try:
            if self._wait:
                self._step_wait(*self._wait, deadline)
            else:
                self._step_run(deadline)
        except EOFError:
            self._gone()

    def _check_watchdog(self) -> None:
        if self._alarms.watchdog is not None and self.clock.now_ms() >= self._alarms.watchdog:
            raise ChipReset(WATCHDOG, "watchdog")

    def _step_run(self, deadline: float | None) -> None:
        """The device computes: wait for its next request, interrupt it when a timer is due, notice a hang."""
        if self._timer_is_due() and not self._is_interrupted and self._is_started:
            self._is_interrupted = True
            self._process.interrupt()
        if self._process.wait(_LOOK_MS):
            if self._stop is None:
                self._serve(self._process.link.receive())
        elif self._hangs():
            self._jump([self._alarms.next_timer(), self._alarms.watchdog, deadline if self.clock.virtual else None])

    def _serve(self, request: Request) -> None:
        self._is_interrupted = False
        self._cpu_s = 0.0
        if self._interrupted_end is not None and not request.masked:
            left = max(0, round(self._interrupted_end - self.clock.now_ms()))
            request = dataclasses.replace(request, b=left)
            self._interrupted_end = None
        if request.heap:
            self.peak_heap = max(self.peak_heap or 0, request.heap)
        try:
            answer = self._handlers[request.op](request)
        except EspError as error:
            self._check_watchdog()
            self._process.link.refuse(error, self._device_ms(), is_due=self._timer_is_due())
            return
        self._look(request.op in _LOOKS)
        self._check_watchdog()
        if isinstance(answer, Reply):
            self._answer(answer)
            return
        self._wait = (request, answer, None if answer.ms < 0 else self.clock.now_ms() + answer.ms)
        if answer.is_repl:
            self._emit("repl")

    def _look(self, is_one: bool) -> None:
        if is_one and self.net:
            self.clock.spend(_LOOK_COST_MS)

    def _answer(self, reply: Reply) -> None:
        self._wait = None
        self._process.link.answer(reply, self._device_ms(), is_due=self._timer_is_due())

    def _step_wait(self, request: Request, wait: Wait, end: float | None, deadline: float | None) -> None:
        """The device waits: answer it if its time has come, else let time pass to whatever comes first."""
        now = self.clock.now_ms()
        try:
            reply = wait.ready()
            if reply is None and end is not None and now >= end:
                reply = wait.expired()
                self._look(wait.ms == 0)
        except EspError as error:
            self._wait = None
            self._process.link.refuse(error, self._device_ms(), is_due=self._timer_is_due())
            return
        if reply is not None:
            self._answer(reply)
        elif self._timer_is_due() and not request.masked:
            self._wait = None
            self._interrupted_end = end
            self._process.link.interrupt_wait(-1 if end is None else 1, self._device_ms())
        else:
            timer = None if request.masked else self._alarms.next_timer()
            self._pass_time([end, timer, self._alarms.watchdog], deadline, wait.is_repl)

    def _pass_time(self, times: list[float | None], deadline: float | None, is_repl: bool) -> None:
        """Virtual time jumps; real time passes, except at the REPL, where nothing but an alarm can happen."""
        if self.net:
            if not self._jump([*times, self.net.next_ms(), deadline]):
                self._stop = "idle"
        elif not is_repl or not self._jump(times):
            end = min((time for time in times if time is not None), default=float("inf"))
            self._process.wait(min(end - self.clock.now_ms(), _LOOK_MS))

    def _jump(self, times: list[float | None]) -> bool:
        """Moves the clock to the first of these times; False if there is none."""
        known = [time for time in times if time is not None]
        if known:
            self.clock.skip(max(0.0, min(known) - self.clock.now_ms()))
        return bool(known)

    def _elapsed_ms(self) -> float:
        """What time-outs of `run` are counted in: in board mode flash work and jumps do not really take time."""
        return self.clock.now_ms() - (0 if self.net else self.clock.spent_ms)

    def _timer_is_due(self) -> bool:
        due = self._alarms.next_timer()
        return due is not None and due <= self.clock.now_ms()

    def _hangs(self) -> bool:
        """Whether the process has computed for long without asking for anything."""
        used = self._process.cpu_s()
        if used is None:
            return False
        self._cpu_s = self._cpu_s or used or 1e-9
        return used - self._cpu_s > (_HANG_CPU_S if self._is_started else _START_CPU_S)

    def _gone(self) -> None:
        """The process has ended without a reset: the interpreter itself has crashed."""
        if not self._is_started:
            words = " / ".join(self._console[-3:]) or "it printed nothing"
            raise UserError("device_failed", f"{self.interpreter.name} does not start the device: {words}")
        raise ChipReset(HARD, "the interpreter crashed")

    # events

    def _line(self, line: str) -> None:
        """Lines that come behind the one that `run` stopped at are for the next `run`."""
        self._late_lines.append(line)
        self._tell_late_lines()

    def _tell_late_lines(self) -> None:
        while self._late_lines and self._stop is None:
            line = self._late_lines.pop(0)
            self._console = [*self._console[-9:], line]
            self._emit("console", line=line)

    def _flash_changed(self, operation: str, label: str, offset: int, size: int) -> None:
        self._emit("flash", operation=operation, label=label, offset=offset, size=size)

    def _emit(self, event: str, **fields) -> None:
        record = {"event": event, "ms": round(self.clock.now_ms()), **fields}
        if self._on_event:
            self._on_event(record)
        if self._stop is None and self._until and self._until(record):
            self._stop = "until"

    def _device_ms(self) -> int:
        """The host's part of the device's clock, which starts anew with every boot but a soft one."""
        return round(self.clock.spent_ms - self._start_spent_ms)
