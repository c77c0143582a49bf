# SPDX-License-Identifier: MIT
"""Packages that are wrong on purpose: each kind is one way in which real updates go wrong."""

import random
import tempfile
from pathlib import Path

from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.errors import UserError
from simulator.interpreters import ROOT

FIRMWARE = ROOT / "firmware"
TITLE = "thermometer"
BOARD = "4MiB-wide"
_SLOT = 0x1A0000
_BOOTLOADER = 0x1000  # where it lies in an ESP32's flash
_HEADERS = 0x10000  # where the app begins
_JOIN = '    board.join(board.text("ssid", "simulated"), board.text("wifi_key", ""))\n'

KINDS = {
    "crash": "main.py raises at once",
    "hang": "main.py never returns",
    "no-network": "the new firmware never joins the Wi-Fi",
    "bad-digest": "one chunk arrives with a flipped bit, every time",
    "wrong-chip": "an app for the ESP32-S3",
    "not-an-image": "random bytes",
    "full-flash-image": "bootloader, table and app in one file, for esptool and not for OTA",
    "too-large": "larger than the slot",
    "truncated": "an app whose last quarter is missing",
}


def package(kind: str | None, version: str, size: int, optimise: int = 0) -> bytes:
    """The bytes of an update to `version`; None is a good one. `size`: bytes of the good image.

    `optimise` as for `build_firmware`.
    """
    if kind in ("crash", "hang", "no-network"):
        return _with_other_main(kind, version, size, optimise)
    if kind == "wrong-chip":
        return build_firmware(FIRMWARE, TITLE, version, chip="esp32s3", size=size)
    if kind == "not-an-image":
        return random.Random(version).randbytes(size)
    if kind == "full-flash-image":
        return _full_flash(version, size - _HEADERS)
    if kind == "too-large":
        return build_firmware(FIRMWARE, TITLE, version, size=_SLOT + 4096)
    good = build_firmware(FIRMWARE, TITLE, version, size=size, optimise=optimise)
    return good[: len(good) * 3 // 4] if kind == "truncated" else good


def _with_other_main(kind: str, version: str, size: int, optimise: int) -> bytes:
    text = (FIRMWARE / "main.py").read_text()
    if kind == "crash":
        text = 'raise RuntimeError("a planted bug")\n'
    elif kind == "hang":
        text = "while True:\n    pass\n"
    elif _JOIN in text:
        text = text.replace(_JOIN, "")
    else:
        raise UserError("cannot_break", "firmware/main.py does not join the Wi-Fi where it is expected")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.py").write_text(text)
        return build_firmware([FIRMWARE, folder], TITLE, version, size=size, optimise=optimise)


def _full_flash(version: str, size: int) -> bytes:
    """From the bootloader's place on, as the combined .bin of a release: it begins with a bootloader's image."""
    flash = flash_file.make(flash_file.layout(BOARD), build_firmware(FIRMWARE, TITLE, version, size=size))
    data = bytearray(flash.read(_BOOTLOADER, _HEADERS - _BOOTLOADER + size))
    data[1] = 3  # segments
    data[0x20] = 0x50  # a bootloader's descriptor, where an app has its own (esp32.md 4.2)
    return bytes(data)
