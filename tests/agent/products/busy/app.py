# SPDX-License-Identifier: MIT
"""A product that takes its time, as its settings say, each in ms and 0 for never:

nap_ms    it holds the CPU for so long, once every half minute
dog_ms    a watchdog of its own, which it feeds at every tick
awake_ms  after so long it goes to deep sleep for a minute
"""

import time

import machine

_BETWEEN_NAPS_MS = 30000
_SLEEP_MS = 60000


class Product:
    def __init__(self, cloud):
        from ota.board import Board

        board = Board()
        self._nap_ms = board.number("nap_ms", 0)
        self._awake_ms = board.number("awake_ms", 0)
        dog_ms = board.number("dog_ms", 0)
        self._dog = machine.WDT(timeout=dog_ms) if dog_ms else None
        self._began = self._rested = time.ticks_ms()

    def tick(self):
        now = time.ticks_ms()
        if self._dog:
            self._dog.feed()
        if self._nap_ms and time.ticks_diff(now, self._rested) > _BETWEEN_NAPS_MS:
            time.sleep_ms(self._nap_ms)
            self._rested = time.ticks_ms()
        if self._awake_ms and time.ticks_diff(now, self._began) > self._awake_ms:
            machine.deepsleep(_SLEEP_MS)

    def works(self):
        return True
