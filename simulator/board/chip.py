# SPDX-License-Identifier: MIT
"""The chip under MicroPython: resets and what they clear, the way from reset to boot.py, RTC memory and time.

Partitions and OTA calls are inherited from partitions.py, `nvs` is nvs.py; each boot makes them anew from flash.
Anti-rollback, secure boot and flash encryption are off; the ESP32-C2 wakes from deep sleep like the others.
"""

from dataclasses import dataclass, field, replace

from simulator.board import bootloader
from simulator.board.chip_models import BY_ID
from simulator.board.clock import Clock
from simulator.board.errors import EspError
from simulator.board.flash import Flash
from simulator.board.image import Image, micropython_version, start_problem
from simulator.board.nvs import Nvs
from simulator.board.partition_table import (
    TABLE_OFFSET,
    TABLE_SIZE,
    Partition,
    TableError,
    dynamic_vfs,
    nvs_row,
    read_by_app,
)
from simulator.board.partitions import Partitions

POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = range(1, 6)

RTC_MEMORY_SIZE = 2048
_MAX_RESETS = 8  # a real board would go on for ever
_READONLY_FLAG = (1, 24)  # the first release on an ESP-IDF that knows it


@dataclass
class Boot:
    """How a boot ended. `slot` is None in a boot loop and `why` says the reason; `image` are the bytes of the app.

    `resets` counts what happened on the way: an app that hangs or crashes before Python starts resets the chip.
    """

    slot: Partition | None = None
    image: bytes = b""
    why: str = ""
    resets: int = 0
    log: list[str] = field(default_factory=list)


class Chip(Partitions):
    """One board's silicon. `revision` is major * 100 + minor, None for a usual one of the chip."""

    def __init__(
        self,
        flash: Flash,
        clock: Clock,
        *,
        mac: bytes = b"\x24\x0a\xc4\x00\x00\x01",
        chip_id: int = 0,
        revision: int | None = None,
    ) -> None:
        model = BY_ID[chip_id]
        super().__init__(flash, model, model.revision if revision is None else revision)
        self.clock = flash.clock = clock
        self.mac = mac
        self.nvs = Nvs(flash, 0, 0)
        self._last_boot = Boot(why="never booted")
        self.reset(POWER_ON)

    def __getstate__(self) -> dict[str, object]:
        """A copy knows no more of NVS than a chip that has not booted."""
        return vars(self) | {"nvs": Nvs(self.flash, 0, 0)}

    # Reset and boot

    def reset(self, cause: int) -> None:
        """What a reset clears. Power-on (also brown-out and the EN button) forgets RTC memory and the time."""
        self.reset_cause = cause
        if cause == POWER_ON:
            self.flash.power_on()
            self._rtc_memory = b""
            self._time_zero_ms = self.clock.now_ms()
            self._woken: Partition | None = None

    def boot(self) -> Boot:
        """Runs the bootloader until an app has started, or until nothing would change any more: a boot loop."""
        if self.reset_cause == SOFT:
            return self._last_boot  # does not pass through the bootloader
        self._last_boot = result = Boot()
        self.running, self.partitions = None, []
        while result.resets < _MAX_RESETS:
            operations = self.flash.operations
            cause = self._boot_once(result)
            if cause is None:
                return result
            self.reset(cause)
            result.resets += 1
            if self.flash.operations == operations:
                break  # the next pass would be like this one
        result.slot, result.image = None, b""
        return result

    def _boot_once(self, result: Boot) -> int | None:
        """One pass from reset to the app. Returns None if Python starts, else the cause of the next reset."""
        slot, image = self._load(result)
        if slot is None or image is None:
            return HARD
        result.slot = self._woken = slot
        problem = start_problem(image, self.model)
        if problem:
            result.why = f"{slot.label} hangs before the app starts: {problem}"
            result.log.append(result.why)
            self.clock.spend(self.flash.timing.hang_ms)
            return WATCHDOG
        result.image = self.flash.read(slot.offset, image.size)
        try:
            self._start_app(slot, result.image)
        except TableError as error:
            result.why = f"{slot.label} crashes: {error}"
            result.log.append(result.why)
            return HARD
        result.why = ""
        return None

    def _load(self, result: Boot) -> tuple[Partition | None, Image | None]:
        """The bootloader's part: with verification, or straight to the app that slept."""
        timing = self.flash.timing
        if self.reset_cause == DEEP_SLEEP and self._woken:
            image = bootloader.wake(self.flash, self._woken)
            if image:
                self.clock.spend(timing.wake_ms)
                result.log.append(f"wakes {self._woken.label}, otadata is not read")
                return self._woken, image
        self.clock.spend(timing.boot_ms)
        done = bootloader.boot(self.flash, self.model, self.revision)
        result.log += done.log
        result.why = done.why
        return done.slot, done.image

    def _start_app(self, slot: Partition, image: bytes) -> None:
        """What the port does before boot.py: partitions, NVS, the file system that has no row (esp32.md 1.5)."""
        table = read_by_app(self.flash.read(TABLE_OFFSET, TABLE_SIZE))
        version = micropython_version(image)
        if version and version < _READONLY_FLAG:
            table = [replace(partition, readonly=False) for partition in table]
        files = dynamic_vfs(table, self.flash.size, version)
        self.partitions = [*table, files] if files else table
        self.running = next(partition for partition in table if partition.is_app and partition.offset == slot.offset)
        self._start_nvs(nvs_row(table))

    def _start_nvs(self, row: Partition | None) -> None:
        """Without a partition, or with one that cannot be mended, every call says that NVS is not initialized."""
        try:
            self.nvs = Nvs(self.flash, row.offset, row.size) if row else Nvs(self.flash, 0, 0)
        except EspError:
            self.nvs = Nvs(self.flash, 0, 0)

    # RTC

    @property
    def rtc_memory(self) -> bytes:
        """Up to 2048 bytes that survive every reset but power-on."""
        return self._rtc_memory

    @rtc_memory.setter
    def rtc_memory(self, data: bytes) -> None:
        if len(data) > RTC_MEMORY_SIZE:
            raise ValueError("buffer too long")
        self._rtc_memory = bytes(data)

    def time(self) -> int:
        """Seconds since 2000-01-01; starts at 0 with the power and runs on over resets."""
        return int((self.clock.now_ms() - self._time_zero_ms) // 1000)

    def set_time(self, seconds: int) -> None:
        self._time_zero_ms = self.clock.now_ms() - seconds * 1000
