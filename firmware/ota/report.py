# SPDX-License-Identifier: MIT
"""What the agent tells the cloud: states in order, each acknowledged before the next, one terminal state a job.

A terminal report is in the journal before it is sent and leaves it when the cloud has acknowledged it, so it
survives resets and lost links. States on the way live in RAM: after a reset they are history.
"""

from ota.errors import TransferError
from ota.job import FIRMWARE
from ota.log import log
from ota.port import const, ticks_diff, ticks_ms

DOWNLOADING = "DOWNLOADING"
DOWNLOADED = "DOWNLOADED"
VERIFIED = "VERIFIED"
UPDATING = "UPDATING"
UPDATED = "UPDATED"
FAILED = "FAILED"

_GAP_MS = const(20)  # two states in one millisecond of the server would become one (thingsboard.md 5.1)
_ACK_MS = const(120000)
_WAITING = const(6)  # states on the way that are kept while the link is down
_OUTBOX = const(4)  # terminal reports that are


class Reporter:
    """`post` and `finish` from anywhere; `pump` from the loop, whenever the link is up. One for each kind of job."""

    trouble = ""  # what stops no update, but somebody should know; goes with states on the way

    def __init__(self, journal, kind=FIRMWARE):
        self._journal = journal
        self._kind = kind
        self._mark = () if kind == FIRMWARE else ("kind", kind)  # for the log: firmware goes without saying
        self._waiting = list(journal.get("outbox") or [])  # oldest first; terminal ones are in the journal too
        self._handle = None
        self._since = ticks_ms()

    def post(self, job_id, state):
        """A state on the way; lost at a reset."""
        log(state.lower(), *self._mark)
        if len(self._waiting) < _WAITING:
            self._waiting.append({"id": job_id, "state": state, "error": self.trouble})

    def finish(self, job_id, state, error="", **facts):
        """The end of a job, once: kept until acknowledged. `facts` change in the same journal write."""
        log(state.lower(), *(("error", error) + self._mark if error else self._mark))
        event = {"id": job_id, "state": state}
        if error:
            event["error"] = error
        self._waiting.append(event)
        facts.setdefault("job")
        facts.setdefault("last", job_id)
        facts.setdefault("starts")
        facts["outbox"] = ((self._journal.get("outbox") or []) + [event])[-_OUTBOX:]
        self._journal.keep(**facts)

    @property
    def waiting(self):
        """Whether there are reports that the cloud has not acknowledged yet."""
        return bool(self._waiting)

    def pump(self, cloud):
        """Sends the next report when the one before is acknowledged. Raises TransferError when no answer comes.

        Returns whether an answer is awaited: until then nobody else may send a report.
        """
        if self._handle is not None:
            if cloud.delivered(self._handle):
                self._delivered()
            elif cloud.is_quiet(self._since, _ACK_MS):
                raise TransferError("report_unanswered")
        elif self._waiting and ticks_diff(ticks_ms(), self._since) >= _GAP_MS:
            self._since = ticks_ms()
            self._handle = cloud.report(self._waiting[0], self._kind)
        return self._handle is not None

    def link_lost(self):
        """What was not acknowledged is sent again on the next link."""
        self._handle = None

    def _delivered(self):
        self._handle = None
        self._since = ticks_ms()
        event = self._waiting.pop(0)
        if event["state"] in (UPDATED, FAILED):
            log("reported", "state", event["state"], *self._mark)
        outbox = self._journal.get("outbox")
        if outbox and event == outbox[0]:
            self._journal.keep(outbox=outbox[1:] or None)
