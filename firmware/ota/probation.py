# SPDX-License-Identifier: MIT
"""The first minute after crashes (crashes.py). Loaded for it."""

import sys

from ota.port import const, forget, ticks_diff

_WELL_MS = const(60000)


class Probation:
    """Stands in for the watchdog, which every step of the agent feeds: after a minute the count begins anew."""

    def __init__(self, board, journal):
        self._board = board
        self._journal = journal
        self._watchdog = board.watchdog
        self.arm, self.relax = board.watchdog.arm, board.watchdog.relax
        self._since = board.ticks_ms()

    def feed(self):
        self._watchdog.feed()
        now = self._board.ticks_ms()
        if hasattr(sys.modules.get("app"), "IS_SAFE"):
            self._since = now
        elif ticks_diff(now, self._since) > _WELL_MS:
            self._board.watchdog = self._watchdog
            self._end()

    def _end(self):
        from ota import crashes

        forget("ota.crashes", "ota.bootcheck", "ota.otadata")
        crashes.note(self._board, 0)
        self._journal.keep(crash=None)
