# SPDX-License-Identifier: MIT
"""What ESP-IDF's partition and OTA calls do for the running app: the raw truth under `esp32.Partition`.

A partition is named by its handle, the index in `partitions`. Failures raise EspError with the numbers of esp32.md 5.1;
touching the running app or the bootloader raises ChipReset. Block arithmetic and buffers belong to the device's twin.
"""

from simulator.board import bootloader, otadata
from simulator.board.chip_models import ChipModel
from simulator.board.errors import ChipReset, EspError
from simulator.board.flash import MIB, SECTOR, Flash
from simulator.board.image import ImageError, parse, verify
from simulator.board.partition_table import ANY, APP, DATA, FACTORY, OTA_0, OTADATA, TEST, Partition

FAIL = (1, "ESP_FAIL")
INVALID_ARG = (-258, "ESP_ERR_INVALID_ARG")
INVALID_SIZE = (-260, "ESP_ERR_INVALID_SIZE")
NOT_FOUND = (-261, "ESP_ERR_NOT_FOUND")
NOT_ALLOWED = (-269, "ESP_ERR_NOT_ALLOWED")
VALIDATE_FAILED = (-5379, "ESP_ERR_OTA_VALIDATE_FAILED")
NO_PARTITION = (2,)

_HARD_RESET = 2
_PROTECTED_END = 0x8C00  # bootloader and partition table


class Partitions:
    """The partitions of a chip while an app runs. `running` is the app's own, `partitions` the table in its order."""

    def __init__(self, flash: Flash, model: ChipModel, revision: int) -> None:
        self.flash = flash
        self.model = model
        self.revision = revision
        self.partitions: list[Partition] = []
        self.running: Partition | None = None

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
        return self.partitions.index(self.running)

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
        return self.flash.fetch(row.offset + offset, size)

    def write(self, handle: int, offset: int, data: bytes) -> None:
        """Programs without erasing: bits only clear, silently."""
        row = self.partitions[handle]
        _check_writable(row, offset, len(data))
        self._guard(row.offset + offset, len(data))
        self.flash.program(row.offset + offset, data)

    def erase(self, handle: int, offset: int, size: int) -> None:
        row = self.partitions[handle]
        _check_writable(row, offset, size)
        if size % SECTOR:
            raise EspError(*INVALID_SIZE)
        if offset % SECTOR:
            raise EspError(*INVALID_ARG)
        self._guard(row.offset + offset, size)
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
            self.flash.clock.spend(min(parse(data).size, row.size) / MIB * self.flash.timing.verify_ms_per_mib)
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

    def _guard(self, address: int, size: int) -> None:
        """ESP-IDF aborts, and so resets the chip, rather than let an app saw at its own branch."""
        running = self.running
        is_own = running is not None and address < running.end and running.offset < address + size
        if size and (address < _PROTECTED_END or is_own):
            raise ChipReset(_HARD_RESET, f"write to {address:#x}, which the running firmware protects")


def _check_span(row: Partition, offset: int, size: int) -> None:
    if not 0 <= offset <= row.size:
        raise EspError(*INVALID_ARG)
    if offset + size > row.size:
        raise EspError(*INVALID_SIZE)


def _check_writable(row: Partition, offset: int, size: int) -> None:
    if row.readonly:
        raise EspError(*NOT_ALLOWED)
    _check_span(row, offset, size)
