# SPDX-License-Identifier: MIT
"""Whether and when a job may run: a pure function of the job, the journal's facts and what runs.

GO       start now
DONE     this is what already runs; say so once
WAIT     not now; the reason tells what has to change
REFUSE   never; the code goes to the cloud
"""

from ota.port import const

GO = const(0)
DONE = const(1)
WAIT = const(2)
REFUSE = const(3)


def decide(job, facts, track, may_start=True):
    """Returns (GO | DONE | WAIT | REFUSE, reason); the reason is a stable code, "" for GO and DONE.

    Of the track: `running` (title, version), `installed_by` (id of the job that put it there, None if it was not us),
    `slot` (the spare one, with its `size` in bytes; None without one), `unconfirmed`.
    """
    if track.unconfirmed:
        return WAIT, "unconfirmed"  # first of all: while a job is on trial, nothing else may be said to have ended
    if job.id == track.installed_by or (job.mark is None and (job.title, job.version) == track.running):
        return DONE, ""
    if not track.slot:
        return REFUSE, "no_spare_slot"
    if job.size > track.slot.size:
        return REFUSE, "slot_too_small"
    if job.mark is None and job.id == facts.get("last"):
        return REFUSE, "ended_before"
    if job.id in facts.get("bad", ()):
        return REFUSE, "rolled_back_before"
    if not may_start:
        return WAIT, "disabled"
    return GO, ""
