# SPDX-License-Identifier: MIT
"""The one seam between the agent and the hardware: flash, NVS, clock, reset, watchdog, network.

With hardware.py the only file that imports esp32, machine and network. Everything is an attribute of one Board object
and no module keeps state, so that another Board can stand in for this one.
"""

import os

import esp32
import machine
import network

from ota import port
from ota.port import const

_KNOWN_SINCE = const(1735689600)  # 2025-01-01: an earlier clock was never set
_IDLE_WATCHDOG_MS = const(3600000)


class Watchdog:
    """The chip's watchdog. Once armed it can't be stopped, only stretched (esp32.md 5.4)."""

    def __init__(self):
        self._wdt = None

    def arm(self, ms):
        """Resets the chip unless `feed` or `relax` comes within `ms`."""
        self._wdt = machine.WDT(timeout=ms)

    def feed(self):
        if self._wdt is not None:
            self._wdt.feed()

    def relax(self):
        """After a trial: an hour, fed from every step of the agent."""
        self.arm(_IDLE_WATCHDOG_MS)


class Board:
    """`name`: unique, from the chip's address. `nvs`: esp32.NVS, the agent's own namespace; `settings`: "ota_cfg".

    `context`: of TLS, kept while it serves (dial.py). `files`: the folder that the file system begins with, "/" on a
    board.

    `running`, `spare` (None without a second slot) and `otadata` (None without one): esp32.Partition.
    """

    step_ms = 50  # the longest that one step of the agent waits
    silence_s = 10  # of a peer, until a call on a connection gives up

    def __init__(self):
        from ota import hardware

        port.forget("ota.hardware")
        self.running = hardware.running()
        self.slots, self.slots_include_running = hardware.slots(self.running)
        self.otadata = hardware.otadata() if self.slots else None
        self.spare = hardware.spare(self.running) if self.otadata else None
        self.name = hardware.name()
        self.nvs = hardware.nvs("ota")
        self.files = os.getcwd()
        self.settings = hardware.nvs("ota_cfg")
        self.watchdog = Watchdog()
        self._wlan = self.context = None
        self.trial_ms = self.number("trial_s", 300) * 1000
        self.reset_cause = hardware.reset_cause()

    def number(self, name, default):
        """An integer that was provisioned under `name` in NVS namespace "ota_cfg"."""
        try:
            return self.settings.get_i32(name)
        except OSError:
            return default

    def text(self, name, default):
        """A text that was provisioned there."""
        buf = bytearray(512)
        try:
            return bytes(buf[: self.settings.get_blob(name, buf)]).decode()
        except (OSError, ValueError):
            return default

    def selected(self):
        """Label of the app that the boot records name at this moment, None when they name none."""
        try:
            partition = esp32.Partition
            return partition(partition.BOOT).info()[4]  # pyright: ignore[reportArgumentType] (as above)
        except OSError:
            return None

    def chip_id(self):
        """The chip id that images for this board carry, read from the one that runs (esp32.md 4.1)."""
        from ota import hardware

        port.forget("ota.hardware")
        return hardware.chip_id(self.running)

    def room(self):
        """Bytes in the largest free piece of memory outside of MicroPython's heap, for TLS; None if nobody knows."""
        try:
            return max([heap[2] for heap in esp32.idf_heap_info(esp32.HEAP_DATA)])
        except (AttributeError, ValueError):
            return None

    def now(self):
        """Unix seconds, or None while the clock was never set."""
        now = port.unix_time()
        return now if now >= _KNOWN_SINCE else None

    ticks_ms = staticmethod(port.ticks_ms)
    sleep_ms = staticmethod(port.sleep_ms)
    reset = staticmethod(machine.reset)

    def deepsleep(self, ms):
        machine.deepsleep(ms)

    def join(self, ssid, key):
        """Starts joining a Wi-Fi network; the driver keeps at it by itself."""
        self._wlan = network.WLAN(network.STA_IF)
        self._wlan.active(True)
        if not self._wlan.isconnected():
            self._wlan.connect(ssid, key)

    def has_network(self):
        """False while the Wi-Fi that was joined is not there. True for a product that minds its network itself."""
        return self._wlan is None or self._wlan.isconnected()

    def open_stream(self, host, port_number, tls=False):
        """A connected stream whose every call ends after `silence_s` without a byte. Raises TransferError.

        With `tls` the peer is verified (ota.secure); the handshake blocks for 1 to 2 s more.
        """
        from ota import dial

        port.forget("ota.dial")
        return dial.dial(self, host, port_number, tls)
