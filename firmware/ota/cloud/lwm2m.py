# SPDX-License-Identifier: MIT
"""LwM2M 1.1, as Coiote and other servers speak it (lwm2m.md): the server drives objects 5 and 9, we keep the jobs.

The cloud `remembers` (ota.cloud): a job has an id of its own, made here, and lives until its Result is known. What
outlives a reset is in the records "lwm2m" of NVS: `fw` and `sw`, the jobs and what the objects tell of them, and what a
server has written to object 1. Settings in NVS "ota_cfg": host, port, endpoint (else the board's name), lifetime,
security and its keys (coap/dtls.py), queue, send, short_id, maker, model, hardware. All are in docs/lwm2m.md.
"""

# pyright: reportAttributeAccessIssue=false

from ota.cloud.lw_client import Client
from ota.job import FIRMWARE
from ota.lwm2m import tidy
from ota.port import const, forget
from ota.report import UPDATING as RESETTING

_DOWNLOADED = const(2)
_UPDATING = const(3)
# of `todo`, for books.py
_STOP = const(1)
_START = const(2)
_KEEP = const(4)
_CHANGED = const(8)
_STALLS = const(3)  # broken transfers in a row without a block, until a download has failed


class Lwm2m(Client):
    """See ota.cloud for the promises. `number`: of the last job, `under_way`: the Job, `stalls`: of its download, since
    the one that began at byte `began`.

    `is_ordered`: what was asked for last by `job` is to be installed, see jobs.py. `stream` of a Job is its URI, empty
    for what is pushed.
    """

    remembers = True

    def __init__(self, board, identity):
        super().__init__(board, identity)
        self.is_ordered = False
        self.under_way = None
        self.stalls = self.began = self.number = 0
        from ota.lwm2m import recall

        recall.recall(self)
        self.settle()

    # the job; `tidy` is called by who hands out what may take memory next

    def job(self, kind):
        try:
            return self._jobs().job(self, kind)
        finally:
            tidy()

    def source(self, job, offset):
        self.under_way = job
        if offset > self.began:
            self.stalls = 0
        self.began = offset
        if not job.stream:
            from ota.lwm2m import pushing

            return pushing.source(self)
        from ota.cloud import lw_pull

        return lw_pull.source(self, job, offset)

    def inspect(self, job, head):
        """What the image says of itself is what PkgName and PkgVersion tell; a package has told it already."""
        try:
            if job.kind == FIRMWARE:
                self._describe(job, head)
            self._jobs().inspected(self, job)
        finally:
            tidy()

    @staticmethod
    def _describe(job, head):
        from ota.cloud import rm_image

        forget("ota.cloud.rm_image")
        rm_image.describe(job, head)
        forget("ota.image")

    def learnt(self, job, size):
        """The server's name for the bytes is in `job.mark`; how many there are, 0 if it does not say."""
        known = self.known[job.kind]
        if known.get("id") == job.id:  # else it is wanted no more
            known["tag"], known["size"] = job.mark, size

    def postponed(self, job, reason, until):
        """What is to be fetched waits. What is pushed cannot."""
        if not job.stream and self.upload is not None:
            self._jobs().postponed(self, job)
            self.settle()

    def ends_attempt(self, error):
        """A download may break off a few times, a push has no second try."""
        self.stalls += error.beside
        return self.stalls >= _STALLS or error.code == "push_silence"

    def is_final(self, event):
        return True

    def ended(self, job_id, error):
        """The report has said all."""

    # the order to activate

    @property
    def is_released(self):
        return self.is_ordered or (all(self.known.values()) and self._jobs().lets_go(self))

    def deferred(self, job, is_held=None):
        if is_held is None:
            if self.facts.has_terms:
                self._jobs().add_terms(self, job)
                tidy()
        elif self.facts.state == (_UPDATING if is_held else _DOWNLOADED):
            self._reports().deferred(self, is_held)
            self.settle()

    # what the agent reports

    def report(self, event, kind):
        """`event`: dict with id, state and perhaps error. Returns whether the server has to hear of it first."""
        if event["id"] != self.known[kind].get("id"):
            return 0
        self._reports().report(self, event, kind)
        self.settle()
        return int(event["state"] == RESETTING)

    def delivered(self, handle):
        """Results are in NVS for whoever asks; only before the reset everybody has to know."""
        return not handle or self.is_told

    def progress(self, percent, kind):
        """Object 5 has no word for it."""

    # what object 5 asks for, see firmware.py

    def start(self, way):
        self.todo |= _START

    def stop(self):
        self.todo |= _STOP

    def install(self):
        self.is_ordered = True

    def told(self, is_changed):
        self.todo |= _CHANGED if is_changed else _KEEP
        if not is_changed:
            self.changed.add(FIRMWARE)  # its terms are others: one that waits is judged anew

    @staticmethod
    def _reports():
        from ota.lwm2m import reports

        return reports

    @staticmethod
    def _jobs():
        from ota.lwm2m import jobs

        return jobs
