# SPDX-License-Identifier: MIT
"""LwM2M 1.1, as Coiote and other servers speak it (lwm2m.md): the server drives object 5, we keep the job.

The cloud `remembers` (ota.cloud): a job has an id of its own, made here, and lives until its Result is known. What
outlives a reset is in the records "lwm2m" of NVS: `fw`, the job and what object 5 tells of it, and what a server has
written to object 1. Settings in NVS "ota_cfg": host, port, endpoint (else the board's name), lifetime, security and
its keys (coap/dtls.py), queue, send, short_id, maker, model, hardware. All are in docs/lwm2m.md.
"""

from ota.cloud import lw_line
from ota.cloud.lw_upload import Uploads
from ota.coap import message as coap
from ota.job import FIRMWARE, Job
from ota.lwm2m.firmware import DOWNLOADED, DOWNLOADING, IDLE, LINK_LOST, PUSH, UPDATING
from ota.port import const, forget
from ota.report import FAILED, UPDATED, VERIFIED
from ota.report import UPDATING as RESETTING

_STALLS = const(3)  # broken transfers in a row without a block, until a download has failed


class Lwm2m(Uploads):
    """See ota.cloud for the promises. `identity`: (title, version) of what runs."""

    remembers = True

    def __init__(self, board, identity):
        super().__init__(board, identity)
        self._is_ordered = False
        self._stalls = 0
        self._job = None
        self._number = 0
        self._recall(self._journal.get("fw"))

    # the job

    def job(self, kind):
        self.changed.discard(kind)
        known = self.known[kind]
        if not known or self.machine.state == IDLE:
            return None
        self.offer_id = known["id"]
        job = Job(known, True, kind)
        job.is_sealed = True
        job.mark = job.seen = known["tag"]
        if not job.size and job.mark and self.board.spare:
            job.size = self.board.spare.info()[3]  # the most that it can be
        self._add_terms(job)
        return job

    def _add_terms(self, job):
        machine = self.machine
        if machine.has_terms:
            from ota import terms

            job.terms = terms.Terms({"severity": machine.severity, "max_defer": machine.max_defer})

    def source(self, job, offset):
        self._job = job
        if self.machine.way == PUSH:
            from ota.cloud import lw_push

            return lw_push.source(self)
        from ota.cloud import lw_pull

        return lw_pull.source(self, job, offset)

    def open_line(self, is_secure, host, port):
        """For a source. Raises TransferError."""
        return lw_line.open_line(self.board, is_secure, host, port)

    def inspect(self, job, head):
        """What the image says of itself is what PkgName and PkgVersion tell."""
        from ota.cloud import rm_image

        forget("ota.cloud.rm_image")
        rm_image.describe(job, head)
        self._stalls = 0
        known = self.known[job.kind]
        known["title"], known["version"] = job.title, job.version
        if job.url:
            job.mark = job.seen or ""
            self.learnt(job, job.size)

    def learnt(self, job, size):
        """The server's name for the bytes is in `job.mark`; how many there are, 0 if it does not say."""
        known = self.known[job.kind]
        known["tag"] = job.mark
        known["size"] = size
        self.keep()

    def postponed(self, job, reason, until):
        """What is to be fetched waits. What is pushed cannot."""
        if self.machine.way == PUSH and self.machine.state == DOWNLOADING:
            self.answer(coap.UNAVAILABLE)
            self.machine.reset()

    def ends_attempt(self, error):
        """A download may break off a few times, a push has no second try."""
        self._stalls += error.beside
        return self._stalls >= _STALLS or error.code == "push_silence"

    def is_final(self, event):
        return True

    def ended(self, job_id, error):
        """The report has said all."""

    # the order to activate

    @property
    def is_released(self):
        return self._is_ordered

    def deferred(self, job, is_held):
        self._add_terms(job)
        if is_held:
            self.machine.deferred()
        else:
            self.machine.allowed()

    # what the agent reports

    def report(self, event, kind):
        """`event`: dict with id, state and perhaps error. Returns whether the server has to hear of it first."""
        machine, state, known = self.machine, event["state"], self.known[kind]
        if event["id"] != known.get("id"):
            return 0
        if state == VERIFIED:
            if self._job:
                known["size"] = self._job.size
            self.whole = known["id"]
            machine.name, machine.version = known["title"], known["version"]
            machine.downloaded()
        elif state == UPDATED:
            self.known[kind] = {}
            machine.updated()
        elif state == FAILED:
            from ota.cloud import lw_end

            forget("ota.cloud.lw_end")
            self.stop()
            machine.failed(lw_end.result_of(event.get("error", "")))
        return int(state == RESETTING)

    def delivered(self, handle):
        """Results are in NVS for whoever asks; only before the reset everybody has to know."""
        return not handle or self.is_told

    def progress(self, percent, kind):
        """Object 5 has no word for it."""

    # what object 5 asks for

    def start(self, way):
        """Another job."""
        self._number += 1
        machine = self.machine
        self._is_ordered = False
        self.whole = self._job = None
        self._stalls = 0
        is_web = machine.uri[:4].lower() == "http"
        self.known[FIRMWARE] = {
            "id": "lw%d" % self._number,
            "title": self.identity[0],
            "version": "unknown",
            "size": 0,
            "tag": "",
            "url": machine.uri if is_web else None,
        }
        self.changed.add(FIRMWARE)
        self.keep()

    def stop(self):
        """Nobody wants the job any more."""
        self.known[FIRMWARE] = {}
        self.changed.add(FIRMWARE)
        self._is_ordered = False
        self.whole = None
        self.drop_upload(coap.INCOMPLETE)

    def install(self):
        self._is_ordered = True

    # what outlives a reset

    def keep(self):
        machine = self.machine
        known = self.known[FIRMWARE]
        facts = {"n": self._number, "state": machine.state, "result": machine.result, "uri": machine.uri}
        facts["way"], facts["job"] = machine.way, dict(known) or None  # what is written must not change with `known`
        facts["terms"] = [machine.severity, machine.max_defer, machine.has_terms]
        self._journal.keep(fw=facts)

    def _recall(self, facts):
        """What a boot finds of the one before."""
        machine = self.machine
        if not isinstance(facts, dict):
            return
        self._number = facts["n"]
        machine.uri, machine.way = facts["uri"], facts["way"]
        machine.severity, machine.max_defer, machine.has_terms = facts["terms"]
        machine.state, machine.result = facts["state"], facts["result"]
        known = self.known[FIRMWARE] = facts["job"] or {}
        if machine.state == DOWNLOADING and machine.way == PUSH:
            self.known[FIRMWARE] = {}
            machine.failed(LINK_LOST)
        elif machine.state in (DOWNLOADED, UPDATING):
            self.whole = known["id"]
            machine.name, machine.version = known["title"], known["version"]
