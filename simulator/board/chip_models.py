# SPDX-License-Identifier: MIT
"""What differs between the chips of the ESP32 family: identity, flash map and memory map.

Chip ids and bootloader offsets: esp32.md 1.6 and 4.1. Memory ranges are half open; they agree with esptool's own
maps (a test compares them). `reserved` is what the second-stage bootloader occupies while it loads an app.
"""

from dataclasses import dataclass

Range = tuple[int, int]

_XTENSA_SPIN = bytes.fromhex("06ffff00")  # `j .`: an image that reaches real silicon waits for the watchdog
_RISCV_SPIN = bytes.fromhex("6f000000")

DATA = "overlaps bootloader data"
STACK = "overlaps bootloader stack"
LOADER = "overlaps loader IRAM"


@dataclass(frozen=True)
class ChipModel:
    """One member of the family. `revision` is major * 100 + minor of a chip that is commonly sold."""

    name: str
    chip_id: int
    revision: int
    bootloader_offset: int
    drom: Range
    irom: Range
    iram: Range
    ram: tuple[Range, ...]
    reserved: tuple[tuple[int, int, str], ...]
    needs_descriptor: bool = False
    xtensa: bool = False

    @property
    def spin(self) -> bytes:
        """Machine code of an endless loop, 4 bytes."""
        return _XTENSA_SPIN if self.xtensa else _RISCV_SPIN

    def is_mapped(self, address: int) -> bool:
        """True if the address is flash seen through the cache, so nothing is copied."""
        return _inside(self.drom, address) or _inside(self.irom, address)

    def is_code(self, address: int) -> bool:
        """True if the CPU can fetch instructions from the address."""
        return _inside(self.irom, address) or _inside(self.iram, address)


def _inside(span: Range, address: int) -> bool:
    return span[0] <= address < span[1]


_RTC_SLOW = (0x50000000, 0x50002000)
_LP_RAM = (0x50000000, 0x50004000)
_FLASH_16M = (0x42000000, 0x43000000)
_FLASH_32M = (0x42000000, 0x44000000)

MODELS = {
    model.name: model
    for model in (
        ChipModel(
            "esp32", 0, 301, 0x1000, (0x3F400000, 0x3F800000), (0x400D0000, 0x40400000), (0x40080000, 0x400A0000),
            ((0x3FFAE000, 0x40000000), (0x40080000, 0x400A0000), (0x400C0000, 0x400C2000), (0x3FF80000, 0x3FF82000),
             _RTC_SLOW),
            ((0x3FFF0000, 0x3FFF6000, DATA), (0x3FFDBF20, 0x3FFE3F20, STACK)), xtensa=True,
        ),
        ChipModel(
            "esp32s2", 2, 100, 0x1000, (0x3F000000, 0x3FF80000), (0x40080000, 0x40800000), (0x40020000, 0x40070000),
            ((0x3FFB0000, 0x40000000), (0x40020000, 0x40070000), (0x40070000, 0x40072000), (0x3FF9E000, 0x3FFA0000),
             _RTC_SLOW),
            ((0x3FFE6000, 0x3FFEAB00, DATA), (0x40050000, 0x40056000, LOADER)), xtensa=True,
        ),
        ChipModel(
            "esp32c3", 5, 4, 0x0, (0x3C000000, 0x3C800000), (0x42000000, 0x42800000), (0x4037C000, 0x403E0000),
            ((0x3FC80000, 0x3FCE0000), (0x4037C000, 0x403E0000), _RTC_SLOW),
            ((0x3FCD6000, 0x3FCDA000, DATA), (0x403D0000, 0x403D6000, LOADER)),
        ),
        ChipModel(
            "esp32s3", 9, 2, 0x0, (0x3C000000, 0x3E000000), (0x42000000, 0x42800000), (0x40370000, 0x403E0000),
            ((0x3FC88000, 0x3FD00000), (0x40370000, 0x403E0000), (0x600FE000, 0x60100000), _RTC_SLOW),
            ((0x3FCD0000, 0x3FCD4000, DATA), (0x403BA000, 0x403C0000, LOADER)), xtensa=True,
        ),
        ChipModel(
            "esp32c2", 0xC, 102, 0x0, (0x3C000000, 0x3C400000), (0x42000000, 0x42400000), (0x4037C000, 0x403C0000),
            ((0x3FCA0000, 0x3FCE0000), (0x4037C000, 0x403C0000)),
            ((0x3FCD5B70, 0x3FCDAB70, DATA), (0x403AEB70, 0x403B5B70, LOADER)), needs_descriptor=True,
        ),
        ChipModel(
            "esp32c6", 0xD, 1, 0x0, _FLASH_16M, _FLASH_16M, (0x40800000, 0x40880000),
            ((0x40800000, 0x40880000), _LP_RAM),
            ((0x40875610, 0x4087A610, DATA), (0x4086E610, 0x40875610, LOADER)), needs_descriptor=True,
        ),
        ChipModel(
            "esp32h2", 0x10, 1, 0x0, _FLASH_16M, _FLASH_16M, (0x40800000, 0x40880000),
            ((0x40800000, 0x40880000), _LP_RAM),
            ((0x40845FD0, 0x4084AFD0, DATA), (0x4083EFD0, 0x40845FD0, LOADER)), needs_descriptor=True,
        ),
        ChipModel(
            "esp32p4", 0x12, 100, 0x2000, (0x40000000, 0x4C000000), (0x40000000, 0x4C000000), (0x4FF00000, 0x4FFA0000),
            ((0x4FF00000, 0x4FFA0000), (0x50108000, 0x50110000)),
            ((0x4FF33BD0, 0x4FF38BD0, DATA), (0x4FF2BBD0, 0x4FF33BD0, LOADER)),
        ),
        ChipModel(
            "esp32c61", 0x14, 100, 0x0, _FLASH_32M, _FLASH_32M, (0x40800000, 0x40860000),
            ((0x40800000, 0x40860000), _LP_RAM),
            ((0x40845670, 0x4084A670, DATA), (0x4083E670, 0x40845670, LOADER)), needs_descriptor=True,
        ),
        ChipModel(
            "esp32c5", 0x17, 100, 0x2000, _FLASH_32M, _FLASH_32M, (0x40800000, 0x40860000),
            ((0x40800000, 0x40860000), _LP_RAM),
            ((0x408555A0, 0x4085A5A0, DATA), (0x4084E5A0, 0x408555A0, LOADER)),
        ),
    )
}  # fmt: skip

BY_ID = {model.chip_id: model for model in MODELS.values()}
