# SPDX-License-Identifier: MIT
"""When RainMaker is asked for a job (rainmaker.md 5), on a clock that goes on where the ticks wrap, after 12 days."""

import binascii

from ota.port import const, ticks_diff, ticks_ms

_ACK_S = const(60)
_LADDER_S = const((30, 60, 120, 240, 480))  # how long until a fetch without an answer is sent again
_SPREAD_S = const(300)  # periodic fetches of a fleet, apart from each other
_ANSWER_S = const(300)  # a line that is lost so soon after the acknowledgement may have been dead before the job came
_NEVER = const(-1)


class Fetch:
    """`hours` between two periodic fetches, 0: none. Only the broker's acknowledgement counts: no job, no answer."""

    def __init__(self, cloud, hours):
        self._cloud = cloud
        self._period_s = hours * 3600
        if hours:
            self._period_s += binascii.crc32(cloud.node_id.encode()) % _SPREAD_S
        self._ticks = ticks_ms()
        self._rest_ms = self._uptime_s = 0
        self._at = _NEVER
        self._periodic_at = self._period_s or _NEVER
        self._packet_id = self._sent = self._rung = 0
        self._acknowledged_at = _NEVER

    def uptime_s(self):
        """Seconds since the start; to be asked more often than every six days."""
        now = ticks_ms()
        self._rest_ms += max(ticks_diff(now, self._ticks), 0)
        self._ticks = now
        if self._rest_ms >= 1000:
            self._uptime_s += self._rest_ms // 1000
            self._rest_ms %= 1000
        return self._uptime_s

    def after(self, seconds):
        """Asks in so many seconds, or earlier if that is due already."""
        at = self.uptime_s() + seconds + (self._rest_ms > 0)  # not a moment earlier
        self._at = at if self._at < 0 else min(self._at, at)

    def acknowledged(self, packet_id):
        if packet_id == self._packet_id:
            self._packet_id = self._rung = 0
            self._acknowledged_at = self._uptime_s

    def lost(self):
        """The line is: what was not acknowledged, or perhaps answered in vain, is sent again on the next."""
        if self._packet_id or 0 <= self._acknowledged_at >= self.uptime_s() - _ANSWER_S:
            self._packet_id = 0
            self._acknowledged_at = _NEVER
            self._at = self._uptime_s

    def send_if_due(self, now):
        """`now`: from `uptime_s`."""
        if 0 <= self._periodic_at <= now:
            self._periodic_at = now + self._period_s
            self._at = now
        if self._packet_id:
            if now - self._sent >= _ACK_S:
                self._packet_id = 0
                self.after(_LADDER_S[self._rung])
                self._rung = min(self._rung + 1, len(_LADDER_S) - 1)
        elif 0 <= self._at <= now:
            self._at = _NEVER
            if not self._cloud.busy:
                body = '{"node_id":"%s","fw_version":"%s"}' % (self._cloud.node_id, self._cloud.identity[1])
                self._sent = now
                self._packet_id = self._cloud.publish_text("otafetch", body)
