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

import tempfile
from collections.abc import Callable
from pathlib import Path

from simulator.board import unpack
from simulator.board.alarms import Alarms
from simulator.board.chip import POWER_ON, SOFT, Chip
from simulator.board.errors import ChipReset, PowerCut
from simulator.board.inprocess import Device, InProcess
from simulator.board.link import Handler, Op
from simulator.board.net import VirtualNet
from simulator.board.process import DeviceProcess
from simulator.board.secure import TlsServices
from simulator.board.services import ChipServices, DeepSleep
from simulator.board.session import Session
from simulator.board.sockets import SocketServices
from simulator.board.vfs import Files
from simulator.board.wlan import Radio, Site
from simulator.interpreters import Interpreter

Event = dict


class Board:
    """One board with its chip. Virtual clock: lockstep over `net`; real clock: real sockets.

    `heap` limits MicroPython's heap ("96k"). `peak_heap` is the largest heap seen at flash operations, in bytes,
    garbage included; None on CPython. Use as a context manager, or call `close`.
    """

    def __init__(
        self,
        chip: Chip,
        interpreter: Interpreter | InProcess,
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
        self.ticks_start_ms = 0  # lockstep: where the device's ticks begin at each boot, for tests of their end
        self._heap = heap
        self._on_event = on_event
        self._alarms = Alarms()
        self._radio = Radio(self.site, self.clock)
        self._sockets = SocketServices(self.net, self._radio) if self.net else None
        self._tls = TlsServices(self.net, self._sockets, chip.time) if self.net and self._sockets else None
        self._handlers = self._find_handlers()
        self._session: Session | None = None
        self._scratch: tempfile.TemporaryDirectory | None = None
        self._frozen: unpack.Unpacked | None = None
        self._files: Files | None = None
        self._is_off = False
        self._until: Callable[[Event], bool] | None = None
        self._why: str | None = None
        self._ctrl_d = False
        self._late_lines: list[str] = []
        self._start_ms = self._start_spent_ms = 0.0  # the clock when the chip started

    def know_shared_keys(self) -> None:
        """Its MicroPython is as new as 1.29, whose `tls` has psk_identity and psk_key; for lockstep."""
        if self._tls:
            self._tls.has_keys = True

    def limit_dtls_sessions(self, most: int | None) -> None:
        """For more than so many there is no memory outside of MicroPython's heap; for lockstep."""
        if self._sockets:
            self._sockets.datagrams.room = most

    def _find_handlers(self) -> dict[Op, Handler]:
        chip = ChipServices(self.chip, self._alarms, self._flash_changed)
        services = (chip, self._radio, self._sockets, self._tls)
        return {op: handler for service in services if service for op, handler in service.handlers().items()}

    def __getstate__(self) -> dict[str, object]:
        """A copy has no device process: the power is to be cut before it is run."""
        return vars(self) | {"_session": None, "_handlers": None, "_until": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._handlers = self._find_handlers()

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
            if self._session is None and self.boots == last_boot:
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
        process = self._start_process(image)
        self._session = Session(
            process, self._handlers, self.clock, self._alarms, self.net,
            start_ms=self._start_ms,
            start_spent_ms=self._start_spent_ms - self.ticks_start_ms,
            on_heap=self._heap_told,
            on_repl=lambda: self._emit("repl"),
        )  # fmt: skip
        self._session.is_stopped = self._stop is not None
        if isinstance(process, Device):
            process.session = self._session
            if self._sockets:
                process.take = self._sockets.take

    @property
    def open_files(self) -> int:
        """How many files a device without a process of its own holds open; 0 if nobody can tell."""
        process = self._session.process if self._session else None
        return process.open_files if isinstance(process, Device) else 0

    def _start_process(self, image: bytes) -> DeviceProcess | Device:
        if isinstance(self.interpreter, InProcess):
            return self.interpreter.start(image, self._line)
        self._scratch = tempfile.TemporaryDirectory(prefix="board-")
        folder = Path(self._scratch.name)
        self._frozen = unpack.frozen_modules(self.interpreter, image)
        args = [str(self._frozen.folder)]
        if not self.interpreter.is_micropython:
            self._files = Files(self.chip, folder)
            args += [] if self._files.unpack() else ["corrupt"]
        script = unpack.start_script(self.interpreter)
        return DeviceProcess(self.interpreter, script, args, heap=self._heap, folder=folder, on_line=self._line)

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
        if self._session:
            self._session.process.end()
            self._session = None
        if self._sockets:
            self._sockets.reset()
        if self._tls:
            self._tls.reset()

    def _end_files(self, *, keep: bool) -> None:
        if self._files and keep:
            self._files.pack()
        self._files = self._frozen = None
        if self._scratch:
            self._scratch.cleanup()

    @property
    def _stop(self) -> str | None:
        """Why this `run` ends: the device is served no more."""
        return self._why

    @_stop.setter
    def _stop(self, why: str | None) -> None:
        self._why = why
        if self._session:
            self._session.is_stopped = why is not None

    # one step

    def _turn(self, deadline: float | None) -> None:
        try:
            if self._session is None:
                self._boot()
            elif self._ctrl_d:
                self._ctrl_d = False
                raise ChipReset(SOFT, "Ctrl-D")
            elif not self._session.step(deadline):
                self._stop = "idle"
        except ChipReset as reset:
            self._reset(reset)

    def _elapsed_ms(self) -> float:
        """What time-outs of `run` are counted in: in board mode flash work and jumps do not really take time."""
        return self.clock.now_ms() - (0 if self.net else self.clock.spent_ms)

    # events

    def _line(self, line: str) -> None:
        """Lines that come behind the one that `run` stopped at are for the next `run`."""
        self._late_lines.append(line)
        self._tell_late_lines()

    def _tell_late_lines(self) -> None:
        while self._late_lines and self._stop is None:
            line = self._late_lines.pop(0)
            self._emit("console", line=line)

    def _heap_told(self, size: int) -> None:
        self.peak_heap = max(self.peak_heap or 0, size)

    def _flash_changed(self, operation: str, label: str, offset: int, size: int) -> None:
        self._emit("flash", operation=operation, label=label, offset=offset, size=size)

    def _emit(self, event: str, **fields) -> None:
        record = {"event": event, "ms": round(self.clock.now_ms()), **fields}
        if self._on_event:
            self._on_event(record)
        if self._stop is None and self._until and self._until(record):
            self._stop = "until"
