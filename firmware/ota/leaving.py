# SPDX-License-Identifier: MIT
"""The application wants to restart or to sleep, in good order. Loaded for that.

An application that comes to that point on a trial is well, if its health checks say so: the trial ends well, although
the cloud may not have been reached. Otherwise it ends badly. What is left to say is said first, if it can be soon. A
restart is noted, so that it is not taken for a crash (crashes.py).
"""

from ota.log import log
from ota.port import const, ticks_diff

_FLUSH_MS = const(10000)


class Leaving:
    """`ms`: of deep sleep, None for a restart."""

    def __init__(self, agent, ms):
        self._agent = agent
        self._ms = ms
        self._since = agent.board.ticks_ms()

    def tick(self):
        """After each step, until it goes."""
        agent = self._agent
        if agent.on_trial:
            from ota import trial

            trial.decide(agent)
        board, cloud = agent.board, agent.cloud
        if cloud.linked and agent.link.waiting and ticks_diff(board.ticks_ms(), self._since) < _FLUSH_MS:
            return
        cloud.close()
        if self._ms is None:
            from ota import crashes

            crashes.note(board, crashes.ORDERLY)
            log("reset")
            board.reset()
        else:
            log("sleep", "ms", self._ms)
            board.deepsleep(self._ms)
