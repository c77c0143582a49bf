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


def decide(job, facts, track, gates=(), hours=None):
    """Returns (GO | DONE | WAIT | REFUSE, reason, until); the reason is a stable code, "" for GO and DONE.

    `until`: the unix second at which to ask again, None: when the clock is known, 0: it is not a matter of time.

    Of the track: `running` (title, version), `installed_by` (id of the job that put it there, None if it was not us),
    `slot` (the spare one, with its `size` in bytes; None without one), `unconfirmed`.
    `gates`: those that are closed for this job, (name, is open, reason, until, is hard) of each (ota.control). `until`
    is negative where it will not open by itself: then the job is refused.
    `hours`: what schedule.may_start has to know beside the job's rules, where anybody has rules about time.
    """
    verdict, reason = _decide(job, facts, track)
    until = 0
    if verdict == GO and hours:
        from ota import schedule

        verdict, reason, until = schedule.may_start(job.rules, *hours)
    if gates and (verdict == GO or until != 0):
        return REFUSE if gates[0][3] < 0 else WAIT, gates[0][2], 0
    return verdict, reason, until


def _decide(job, facts, track):
    """The same without a look at the time."""
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
    if (job.mark or job.id) in facts.get("bad", ()):
        return REFUSE, "rolled_back_before"
    return GO, ""
