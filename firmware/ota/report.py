# SPDX-License-Identifier: MIT
"""What the agent tells the cloud: states in order, each acknowledged before the next, one terminal state a job.

A terminal report is in the journal before it is sent and leaves it when the cloud has acknowledged it, so it
survives resets and lost links. States on the way live in RAM: after a reset they are history.
"""

from ota.errors import TransferError
from ota.log import log
from ota.port import const, ticks_diff, ticks_ms

DOWNLOADING = "DOWNLOADING"
DOWNLOADED = "DOWNLOADED"
VERIFIED = "VERIFIED"
UPDATING = "UPDATING"
UPDATED = "UPDATED"
FAILED = "FAILED"

_GAP_MS = const(20)  # two states in one millisecond of the server would become one (thingsboard.md 5.1)
_ACK_MS = const(10000)
_WAITING = const(6)


class Reporter:
    """`post` and `finish` from anywhere; `pump` from the loop, whenever the link is up."""

    def __init__(self, journal):
        self._journal = journal
        self._waiting = []
        self._handle = None
        self._since = ticks_ms()

    def post(self, state):
        """A state on the way. Oldest first; lost at a reset."""
        log(state.lower())
        if len(self._waiting) < _WAITING:
            self._waiting.append({"state": state})

    def finish(self, job_id, state, error="", **facts):
        """The end of a job, once: kept until acknowledged. `facts` change in the same journal write."""
        log(state.lower(), "error", error) if error else log(state.lower())
        event = {"state": state}
        if error:
            event["error"] = error
        self._journal.save(job=None, outbox=event, last=job_id, **facts)

    @property
    def waiting(self):
        """States on the way that are not acknowledged yet: they would be lost at a reset."""
        return bool(self._waiting)

    def pump(self, cloud):
        """Sends the next report when the one before is acknowledged. Raises TransferError when no answer comes."""
        if self._handle is not None:
            if cloud.delivered(self._handle):
                self._delivered()
            elif ticks_diff(ticks_ms(), self._since) > _ACK_MS:
                raise TransferError("report_unanswered")
        elif ticks_diff(ticks_ms(), self._since) >= _GAP_MS:
            event = self._waiting[0] if self._waiting else self._journal.get("outbox")
            if event is not None:
                self._since = ticks_ms()
                self._handle = cloud.report(event)

    def link_lost(self):
        """What was not acknowledged is sent again on the next link."""
        self._handle = None

    def _delivered(self):
        self._handle = None
        self._since = ticks_ms()
        if self._waiting:
            self._waiting.pop(0)
        else:
            log("reported", "state", self._journal.get("outbox")["state"])
            self._journal.save(outbox=None)
