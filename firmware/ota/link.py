# SPDX-License-Identifier: MIT
"""The line to the cloud: connects, backs off, keeps reports flowing. Generators wait, so the application runs."""

import os

from ota.errors import TransferError
from ota.log import log
from ota.port import const, ticks_diff

_BACK_OFF_MS = const(1000)  # doubles up to the cap, plus up to half as much by chance
_CAP = const(6)
_REFUSED_MS = const(300000)  # bad credentials: servers may block who hammers (thingsboard.md A32)
_REFUSALS = const((2, 4, 5))  # details that are MQTT's codes for bad credentials; others who refuse us say 5
_FLAPS = const(4)  # so many short links in a row are no accident
_STEADY_MS = const(30000)  # a link that held this long makes the back-off start anew


class Link:
    """`cloud` and the reporters of `tracks` over one connection that comes and goes.

    `is_fresh`: set with each new one; for who has to say something on each.
    """

    is_fresh = False

    def __init__(self, board, cloud, tracks):
        self._board = board
        self._cloud = cloud
        self._tracks = tracks
        self._turn = 0  # of the tracks, whose report is next
        self._failures = 0
        self._since = board.ticks_ms()

    def moment(self, ms):
        """Takes at most one message within `ms` and sends at most one report. Raises TransferError."""
        self._cloud.poll(ms)
        self.pump()

    def pump(self):
        """One report under way at a time, for the cloud knows the last answer only. Raises TransferError."""
        if not self._tracks[self._turn].reporter.pump(self._cloud):
            self._turn = (self._turn + 1) % len(self._tracks)

    @property
    def waiting(self):
        """Whether there are reports that the cloud has not acknowledged yet."""
        return self._tracks[0].reporter.waiting or self._tracks[-1].reporter.waiting

    def moment_if_up(self):
        """The same without waiting, for whoever is busy with flash: a lost link is noticed later, by who needs it."""
        try:
            if self._cloud.linked:
                self.moment(0)
        except TransferError:
            self.drop()

    def up(self, error=None):
        """Generator: returns when the cloud has told what it wants; backs off first if `error` is why it was lost."""
        while error is not None or not self._cloud.ready:
            try:
                if error is not None:
                    yield from self._recover(error)
                    error = None
                while not self._board.has_network():
                    self._board.sleep_ms(self._board.step_ms)
                    yield
                if not self._cloud.linked:
                    self._since = self._board.ticks_ms()
                    self._cloud.connect()
                    self.is_fresh = True
                self.moment(self._board.step_ms)
            except TransferError as failure:
                error = failure
            yield

    def _recover(self, error):
        """Generator: waits before the next try. What fails beside the line to the cloud does not end that."""
        wait = self._back_off(error)
        if not error.beside:
            log("offline", "code", error.code, *(("why", error.detail) if error.detail else ()))
            self.drop()
            yield from self.pause(wait)
            return
        since = self._board.ticks_ms()
        while ticks_diff(self._board.ticks_ms(), since) < wait:
            self.moment(self._board.step_ms)
            yield
        self._since = self._board.ticks_ms()

    def pause(self, ms):
        """Generator: waits `ms` in steps."""
        since = self._board.ticks_ms()
        while ticks_diff(self._board.ticks_ms(), since) < ms:
            self._board.sleep_ms(self._board.step_ms)
            yield

    def drop(self):
        """Ends the connection; what was not acknowledged is sent again on the next."""
        for track in self._tracks:
            track.reporter.link_lost()
        self._cloud.close()

    def _back_off(self, error):
        if error.detail in _REFUSALS:
            return _REFUSED_MS
        if ticks_diff(self._board.ticks_ms(), self._since) > _STEADY_MS:
            self._failures = 0
        wait = _BACK_OFF_MS << min(self._failures, _CAP)
        self._failures += 1
        if self._failures == _FLAPS and error.code == "link_lost" and not error.beside:
            log("warning", "code", "closed_again_and_again", "hint", "duplicate credentials")
        return wait + wait * os.urandom(1)[0] // 512
