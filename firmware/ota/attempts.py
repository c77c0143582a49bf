# SPDX-License-Identifier: MIT
"""Jobs of a cloud that remembers (ota.cloud): started, tried again, ended. Loaded when such a job starts or ends.

Such a cloud hands out again what has not ended. So a job that ends the board's run each time, be it by a crash, would
be started for ever: its starts are counted in the journal, and its id is there before anything is said of it.
"""

from ota.errors import JobError
from ota.port import const
from ota.report import FAILED

_STARTS = const(10)  # a flaky supply may cut a good update short now and then


def begin(journal, job):
    """Counts a start. Raises JobError `started_too_often`, FlashError."""
    known = journal.get("starts")
    starts = known[1] if known and known[0] == job.id else 0
    if starts >= _STARTS:
        raise JobError("started_too_often", "%d times without an end" % starts)
    journal.save(starts=[job.id, starts + 1])


def rest(journal, job_id):
    """A start that ended in a pause does not count: it ended as somebody wanted it to."""
    known = journal.get("starts")
    if known and known[0] == job_id and known[1]:
        journal.keep(starts=[job_id, known[1] - 1])


def end(track, cloud, job_id, state, error):
    """Says how it ended, each time: that it is offered again means that the cloud does not know, or wants more tries.

    What flash holds of a download that broke off is kept for the next try. While an end is still waiting to be told,
    the cloud cannot know it, and that it offers the job again means nothing.
    """
    waiting = track.journal.get("outbox") or ()
    is_known = any(event["id"] == job_id and cloud.is_final(event) for event in waiting)
    job = track.journal.get("job") if state == FAILED else None
    if job and job["stage"] != "writing":
        job = None
    if is_known:
        track.journal.keep(job=job, last=None, starts=None)
    else:
        track.reporter.finish(job_id, state, error, job=job, last=None, starts=None)
    cloud.ended(job_id, error)
