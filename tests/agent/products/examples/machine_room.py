# SPDX-License-Identifier: MIT
"""The machine of the examples of docs/control.md: brews for a minute, then rests for one, and says so."""

from ota.port import ticks_diff, ticks_ms

MINUTE_MS = 60000


class Machine:
    def __init__(self):
        self._since = ticks_ms()
        self.is_brewing = True
        print("brewing")

    @property
    def is_resting(self):
        return not self.is_brewing

    def tick(self):
        if ticks_diff(ticks_ms(), self._since) >= MINUTE_MS:
            self._since = ticks_ms()
            self.is_brewing = not self.is_brewing
            print("brewing" if self.is_brewing else "resting")
