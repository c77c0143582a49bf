# SPDX-License-Identifier: MIT
"""How a job of a cloud that remembers (ota.cloud) ends: such a cloud hands out again what has not. Loaded for that."""

from ota.report import FAILED


def end(track, cloud, job_id, state, error):
    """Says how it ended, each time: that it is offered again means that the cloud does not know, or wants more tries.

    What flash holds of a download that broke off is kept for the next try, if there may be one. While an end is still
    waiting to be told, the cloud cannot know it, and that it offers the job again means nothing.
    """
    waiting = track.journal.get("outbox") or ()
    is_known = any(event["id"] == job_id and cloud.is_final(event) for event in waiting)
    job = track.journal.get("job") if state == FAILED else None
    if job and (job["stage"] != "writing" or cloud.is_final({"id": job_id, "state": state, "error": error})):
        job = None
    if is_known:
        track.journal.keep(job=job, last=None, starts=None)
    else:
        track.reporter.finish(job_id, state, error, job=job, last=None)
    cloud.ended(job_id, error)
