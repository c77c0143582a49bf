# SPDX-License-Identifier: MIT
"""The chip under MicroPython: what the C layer does with flash, partitions, otadata, NVS and RTC memory.

A partition is named by its handle, the index in `partitions`. Failures raise EspError with the numbers of esp32.md 5.1;
touching the running app or the bootloader raises ChipReset. Block arithmetic and buffers belong to the device's twin.
Anti-rollback, secure boot and flash encryption are off; the ESP32-C2 wakes from deep sleep like the others.
"""

from dataclasses import dataclass, field, replace

from simulator.board import bootloader, otadata
from simulator.board.chip_models import BY_ID
from simulator.board.clock import Clock
from simulator.board.errors import ChipReset, EspError
from simulator.board.flash import MIB, SECTOR, Flash
from simulator.board.image import Image, ImageError, micropython_version, parse, start_problem, verify
from simulator.board.nvs import Nvs
from simulator.board.partition_table import (
    ANY,
    APP,
    DATA,
    FACTORY,
    NVS,
    OTA_0,
    OTADATA,
    TABLE_OFFSET,
    TABLE_SIZE,
    TEST,
    Partition,
    TableError,
    dynamic_vfs,
    read_by_app,
)

POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = range(1, 6)

FAIL = (1, "ESP_FAIL")
INVALID_ARG = (-258, "ESP_ERR_INVALID_ARG")
INVALID_SIZE = (-260, "ESP_ERR_INVALID_SIZE")
NOT_FOUND = (-261, "ESP_ERR_NOT_FOUND")
NOT_ALLOWED = (-269, "ESP_ERR_NOT_ALLOWED")
VALIDATE_FAILED = (-5379, "ESP_ERR_OTA_VALIDATE_FAILED")
NO_PARTITION = (2,)

RTC_MEMORY_SIZE = 2048
_PROTECTED_END = 0x8C00  # bootloader and partition table
_MAX_RESETS = 8  # a real board would go on for ever
_MAX_APP_SIZE = 16 * MIB
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


class Chip:
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
        self.flash = flash
        self.clock = flash.clock = clock
        self.mac = mac
        self.model = BY_ID[chip_id]
        self.revision = self.model.revision if revision is None else revision
        self.partitions: list[Partition] = []
        self.running: Partition | None = None
        self.nvs = Nvs(flash, 0, 0)
        self._last_boot = Boot(why="never booted")
        self.reset(POWER_ON)

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
        nvs = next((p for p in table if p.type == DATA and p.subtype == NVS and p.label == "nvs"), None)
        self.nvs = Nvs(self.flash, nvs.offset, nvs.size) if nvs else Nvs(self.flash, 0, 0)

    # Partitions

    def info(self, handle: int) -> tuple[int, int, int, int, str, bool]:
        """(type, subtype, address, size, label, encrypted)."""
        row = self.partitions[handle]
        return row.type, row.subtype, row.offset, row.size, row.label, row.encrypted

    def find(self, kind: int, subtype: int = ANY, label: str | None = None) -> list[int]:
        """Handles in table order. Type 0xFF means every type, but then only without a subtype (5.2)."""
        if kind == ANY and subtype != ANY:
            return []
        return [
            handle
            for handle, row in enumerate(self.partitions)
            if kind in (ANY, row.type) and subtype in (ANY, row.subtype) and label in (None, row.label)
        ]

    def lookup(self, label: str) -> int:
        """The partition of that label, app partitions first."""
        return self._first(self.find(APP, ANY, label) + self.find(DATA, ANY, label))

    def running_partition(self) -> int:
        return next(handle for handle, row in enumerate(self.partitions) if row == self.running)

    def boot_partition(self) -> int:
        """What otadata selects at this moment, which need not be what runs (esp32.md 9, item 46)."""
        if self._otadata is None:
            raise EspError(*NO_PARTITION)
        records = bootloader.read_records(self.flash, self._otadata)
        ruling = otadata.active(records)
        slots = self._slot_count()
        if ruling is None or not slots:
            return self._first([h for subtype in (FACTORY, *range(OTA_0, TEST + 1)) for h in self.find(APP, subtype)])
        return self._first(self.find(APP, OTA_0 + otadata.slot_of(records[ruling].seq, slots)))

    def next_update(self, handle: int) -> int:
        """The OTA slot after this one, else the first one."""
        slots = [h for subtype in range(OTA_0, TEST) for h in self.find(APP, subtype)[:1]]
        return self._first(slots[slots.index(handle) + 1 :] + slots if handle in slots else slots)

    def read(self, handle: int, offset: int, size: int) -> bytes:
        row = self.partitions[handle]
        _check_span(row, offset, size)
        if not size:
            raise EspError(*INVALID_ARG)
        return self.flash.read(row.offset + offset, size)

    def write(self, handle: int, offset: int, data: bytes) -> None:
        """Programs without erasing: bits only clear, silently."""
        row = self.partitions[handle]
        self._check_change(row, offset, len(data))
        self.flash.program(row.offset + offset, data)

    def erase(self, handle: int, offset: int, size: int) -> None:
        row = self.partitions[handle]
        self._check_change(row, offset, size)
        if size % SECTOR:
            raise EspError(*INVALID_SIZE)
        if offset % SECTOR:
            raise EspError(*INVALID_ARG)
        self.flash.erase(row.offset + offset, size)

    def erase_write(self, handle: int, offset: int, data: bytes) -> None:
        """Erases whole sectors, then programs them; a cut in between leaves FF."""
        self.erase(handle, offset, len(data))
        self.write(handle, offset, data)

    # Choosing and confirming an app

    def set_boot(self, handle: int) -> None:
        """Checks the image, which takes its time, and writes the record that selects it (2.3)."""
        row = self.partitions[handle]
        self._verify(row)
        if row.type != APP:
            raise EspError(*INVALID_ARG)
        if self._otadata is None:
            raise EspError(*NOT_FOUND)
        if row.subtype == FACTORY:
            self.flash.erase(self._otadata.offset, self._otadata.size)
            return
        slot, slots = row.subtype & 0x0F, self._slot_count()
        if slot >= slots:
            raise EspError(*INVALID_ARG)
        records = bootloader.read_records(self.flash, self._otadata)
        bootloader.write_record(self.flash, self._otadata, *otadata.select(records, slot, slots))

    def mark_valid(self) -> None:
        """Confirms the ACTIVE record, which after a fallback is not the running app's (esp32.md 0, fact 2)."""
        if self._otadata is None:
            raise EspError(*NOT_FOUND)
        records = bootloader.read_records(self.flash, self._otadata)
        ruling = otadata.active(records)
        if ruling is None or not self._slot_count():
            raise EspError(*FAIL)
        if records[ruling].state != otadata.VALID:
            confirmed = records[ruling].with_state(otadata.VALID)
            bootloader.write_record(self.flash, self._otadata, ruling, confirmed)

    def _verify(self, row: Partition) -> None:
        data = self.flash.read(row.offset, row.size)
        try:
            self.clock.spend(min(parse(data).size, row.size) / MIB * self.flash.timing.verify_ms_per_mib)
            if row.size > _MAX_APP_SIZE:
                raise ImageError("an app partition has at most 16 MiB")
            verify(
                data, "set_boot",
                chip_id=self.model.chip_id, revision=self.revision, flash_address=row.offset,
            )  # fmt: skip
        except ImageError:
            raise EspError(*VALIDATE_FAILED) from None

    @property
    def _otadata(self) -> Partition | None:
        handles = self.find(DATA, OTADATA)
        return self.partitions[handles[0]] if handles else None

    def _slot_count(self) -> int:
        """The run of consecutive slots that starts at ota_0, which is how the app counts (2.2)."""
        count = 0
        while count < TEST - OTA_0 and self.find(APP, OTA_0 + count):
            count += 1
        return count

    def _first(self, handles: list[int]) -> int:
        if not handles:
            raise EspError(*NO_PARTITION)
        return handles[0]

    def _check_change(self, row: Partition, offset: int, size: int) -> None:
        if row.readonly:
            raise EspError(*NOT_ALLOWED)
        _check_span(row, offset, size)
        start, end = row.offset + offset, row.offset + offset + size
        running = self.running
        if size and (start < _PROTECTED_END or (running and start < running.end and running.offset < end)):
            raise ChipReset(HARD, f"write to {start:#x}, which the running firmware protects")

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


def _check_span(row: Partition, offset: int, size: int) -> None:
    if not 0 <= offset <= row.size:
        raise EspError(*INVALID_ARG)
    if offset + size > row.size:
        raise EspError(*INVALID_SIZE)
