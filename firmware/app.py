# SPDX-License-Identifier: MIT
"""The application: reads a sensor and tells its cloud. A software package brings its own `app` in place of this one.

main.py asks for a class Product(cloud): `tick()` is called between two steps of the agent, `works()` on a trial boot.
"""

from ota.errors import TransferError
from ota.port import ticks_diff, ticks_ms

TELEMETRY_MS = 10000


class Thermometer:
    """Stands for the product's sensor: a slow wave around 21 degrees, in tenths."""

    def __init__(self):
        self._reading = 0

    def read(self):
        self._reading += 1
        return 210 + abs(self._reading % 40 - 20)


class Product:
    """The application's own loop: one `tick` between two steps of the agent."""

    def __init__(self, cloud):
        self._sensor = Thermometer()
        self._cloud = cloud
        self._sent = ticks_ms()

    def tick(self):
        if self._cloud.linked and ticks_diff(ticks_ms(), self._sent) >= TELEMETRY_MS:
            self._sent = ticks_ms()
            try:
                self._cloud.publish({"temperature": self._sensor.read() / 10}, qos=0)
            except TransferError:
                pass  # the agent notices too, and mends it

    def works(self):
        return 0 < self._sensor.read() < 600
