# SPDX-License-Identifier: MIT
"""The real firmware that the formats are tested against."""

from pathlib import Path

import pytest

_STOCK = Path(__file__).parents[2] / ".tools" / "stock" / "ESP32_GENERIC-20240602-v1.23.0.bin"
_APP_OFFSET = 0xF000  # in the combined file, which starts at flash offset 0x1000


@pytest.fixture(scope="session")
def stock_file() -> bytes:
    """MicroPython v1.23 for the ESP32 as it is flashed: bootloader, table and app."""
    if not _STOCK.exists():
        pytest.skip("the stock MicroPython image is missing, make setup gets it")
    return _STOCK.read_bytes()


@pytest.fixture(scope="session")
def stock_app(stock_file: bytes) -> bytes:
    """Its app alone, 1,672,800 bytes."""
    return stock_file[_APP_OFFSET:]
