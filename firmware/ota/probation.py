# SPDX-License-Identifier: MIT
"""The first minute after crashes, and the time of watching after an update (crashes.py). Loaded for these."""

import sys

from ota.log import log
from ota.port import const, forget, ticks_diff

_WELL_MS = const(60000)
_SAVE_MS = const(3600000)
_BOOT_S = const(600)  # as deadline.BOOT_S
_CRASHES = "crashes"  # as in bootcheck.py


class Probation:
    """Stands in for the watchdog, which every step of the agent feeds, for as long as there is something to count.

    After a minute without a crash their count begins anew. While what runs is watched, the time that passes is noted
    once an hour.
    """

    IS_PROBATION = True

    def __init__(self, board, journal):
        self._board = board
        self._journal = journal
        self._watchdog = board.watchdog
        self.arm, self.relax = board.watchdog.arm, board.watchdog.relax
        self._since = self._saved = board.ticks_ms()
        self._is_well = False
        if journal.get("watch"):
            self._spend(_BOOT_S)

    def feed(self):
        self._watchdog.feed()
        try:
            self._count(self._board.ticks_ms())
        except Exception:
            pass  # no memory in the midst of an update, most likely; the next step tries again

    def _count(self, now):
        if hasattr(sys.modules.get("app"), "IS_SAFE"):
            self._since = now
        elif not self._is_well and ticks_diff(now, self._since) > _WELL_MS:
            self._begin_anew()
            self._is_well = True
        if not self._journal.get("watch"):
            if self._is_well:
                self._board.watchdog = self._watchdog
        elif ticks_diff(now, self._saved) >= _SAVE_MS:
            self._spend(_SAVE_MS // 1000)
            self._saved = now

    def _begin_anew(self):
        self._journal.keep(crash=None)
        nvs = self._board.nvs
        try:
            if not nvs.get_i32(_CRASHES):
                return
        except OSError:
            return  # there was never one
        try:
            nvs.set_i32(_CRASHES, 0)
            nvs.commit()
        except OSError as error:
            log("warning", "code", "crash_not_noted", "error", error)

    def _spend(self, seconds):
        from ota import watching

        forget("ota.watching", "ota.deadline")
        watching.spend(self._board, self._journal, seconds)
