# SPDX-License-Identifier: MIT
"""What a Board (board.py) is made of: the parts of the chip as they are found at a start. Loaded for that."""

import binascii

import esp32
import machine

from ota.log import log
from ota.port import const, forget

_OTA_0 = const(0x10)  # subtype of the first slot (esp32.md 2)


def running():
    """The partition of the app that runs."""
    partition = esp32.Partition
    return partition(partition.RUNNING)  # pyright: ignore[reportArgumentType] (the stub forgot int)


def slots(running):
    """(how many slots there are, whether what runs is in one of them)."""
    partition = esp32.Partition
    apps = [p.info()[1] for p in partition.find(partition.TYPE_APP)]
    count = 0
    while _OTA_0 + count in apps:
        count += 1
    return count, running.info()[1] >= _OTA_0


def otadata():
    """The partition of the boot records, or None."""
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, 0)
    return found[0] if found else None


def spare(running):
    """The slot that the next update goes to, or None."""
    found = running.get_next_update()
    return None if found.info()[2] == running.info()[2] else found


def name():
    """Unique, from the chip's address."""
    return "esp32-" + binascii.hexlify(machine.unique_id()).decode()


def nvs(namespace):
    """A namespace of NVS, or what stands in for one that cannot be opened."""
    try:
        return esp32.NVS(namespace)
    except OSError as error:  # the application runs on, and a trial still ends by its deadline
        log("warning", "code", "nvs_unusable", "error", error)
        from ota.no_nvs import NoNvs

        return NoNvs(error)


def reset_cause():
    """Why the chip has started, in a word."""
    return {
        machine.PWRON_RESET: "power",
        machine.HARD_RESET: "hard",
        machine.WDT_RESET: "watchdog",
        machine.DEEPSLEEP_RESET: "deepsleep",
        machine.SOFT_RESET: "soft",
    }.get(machine.reset_cause(), "unknown")


def chip_id(running):
    """The chip id that images for this board carry, read from the one that runs (esp32.md 4.1)."""
    from ota import image

    forget("ota.image")
    head = bytearray(24)
    running.readblocks(0, head, 0)
    return image.chip_id(head)
