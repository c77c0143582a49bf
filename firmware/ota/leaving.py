# SPDX-License-Identifier: MIT
"""The application wants to restart or to sleep, in good order. Loaded for that.

What is left to say is said first, if it can be soon. On a trial there is as long for reaching the cloud, which ends the
trial; if that does not suffice the trial goes on at the next start, a few times (trial.py). A restart is noted, so that
it is not taken for a crash (crashes.py).
"""

from ota.errors import OtaError
from ota.log import log
from ota.port import const, ticks_diff

_FLUSH_MS = const(10000)


class Leaving:
    """`ms`: of deep sleep, None for a restart."""

    def __init__(self, agent, ms):
        self._agent = agent
        self._ms = ms
        self._since = agent.board.ticks_ms()
        self._stays = False  # until the trial is over, for it would not outlive that

    def tick(self):
        """After each step, until it goes."""
        agent = self._agent
        board, cloud = agent.board, agent.cloud
        is_early = ticks_diff(board.ticks_ms(), self._since) < _FLUSH_MS
        if is_early and (agent.on_trial or (cloud.linked and agent.link.waiting)):
            return
        if agent.on_trial and not self._outlives():
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

    def _outlives(self):
        """Whether what is on trial is so at the next start."""
        if not self._stays:
            from ota import trial

            try:
                self._stays = not trial.outlive(self._agent, self._ms is None)
            except (OtaError, OSError) as error:
                log("warning", "code", "trial_not_kept", "error", error)
                self._stays = True
        return not self._stays
