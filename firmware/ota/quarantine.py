# SPDX-License-Identifier: MIT
"""What has failed on this board is not tried again until somebody says so, or a long time has passed. Loaded for that.

In the journal of a track, at most four of each, newest last:
  bad    keys, each for one content under one title and version: the id of a job that is made of these, or its checksum
  free   {key: unix second from which on it may be tried again}, where a clock was known

Who takes the offer back lets all of them out (Track.forget). Setting in NVS "ota_cfg": `quarantine_s`, 30 days.
"""

from ota.log import log
from ota.port import const
from ota.report import FAILED

_MOST = const(4)
_DAYS_30 = const(2592000)
_CAUSES = {"power": "power was lost", "hard": "it crashed or was reset", "watchdog": "it was not confirmed in time"}


def rolled_back(job, board, journal, reporter):
    """What the job has installed did not stand its trial: by its own words, or by the cause of the reset."""
    why = job.get("why") or _CAUSES.get(board.reset_cause, "it was not confirmed")
    fail(job, "rolled_back: " + why, board, journal, reporter)


def leave(job, board, journal, reporter):
    """The way back (other.py) has ended well; what was left has failed."""
    left = job["left"]
    fail({"id": left[0], "mark": (left[2:] or left)[0]}, "rolled_back: " + left[1], board, journal, reporter)


def crashed(track, known):
    """Software that was confirmed long ago, an entry of `slots`, has crashed again and again."""
    if key(known) not in (track.journal.get("bad") or ()):
        error = "rolled_back: " + (track.agent.tracks[0].journal.get("crash") or "it crashed")
        fail({"id": known[0], "mark": key(known)}, error, track.agent.board, track.journal, track.reporter)


def key(known):
    """What `bad` has of an entry of `slots`."""
    return (known[3:] or known)[0]


def fail(job, error, board, journal, reporter):
    """It does not run; and the same content is not tried again."""
    facts = put(job, board, journal)
    facts["watch"] = None  # the other slot holds nothing that is worth a way back
    if job["id"]:
        reporter.finish(job["id"], FAILED, error, **facts)
    else:  # the way back (other.py), or what nobody knows: no cloud has ordered it, and what it has ordered runs
        log("warning", "code", "not_returned", "error", error)
        journal.keep(job=None, starts=None, **facts)


def put(job, board, journal):
    """Facts for the journal, to be written together with the end of `job`, a dict as Install notes it."""
    key = job.get("mark") or job["id"]
    if not key:
        return {}  # nobody knows what it was
    bad = ([known for known in journal.get("bad") or [] if known != key] + [key])[-_MOST:]
    free = {known: second for known, second in (journal.get("free") or {}).items() if known in bad}
    now = board.now()
    free[key] = 0 if now is None else now + board.number("quarantine_s", _DAYS_30)
    return {"bad": bad, "free": {known: free[known] for known in free if free[known]} or None}


def forgive(track, job):
    """What was refused may have become another matter. Asked when something is offered, and so at each boot."""
    now = track.agent.board.now()
    journal = track.journal
    free = journal.get("free") or {}
    over = [key for key in free if now is not None and now >= free[key]]
    if over:
        _let_out(journal, over)
    known = journal.get("runtime")  # software that needed newer firmware: is there another one now?
    if known and not track.unconfirmed and known[0] == job.id and known[1:] != list(track.agent.tracks[0].running):
        journal.keep(runtime=None, last=None)


def pardon(track, job):
    """Whether `job`, which is on offer, was refused for how it had ended before; it is not any more."""
    journal = track.journal
    key = job.mark or job.id
    if job.id != journal.get("last") and key not in (journal.get("bad") or ()):
        return False
    _let_out(journal, [key])
    return True


def _let_out(journal, keys):
    bad = [key for key in journal.get("bad") or [] if key not in keys]
    free = {key: second for key, second in (journal.get("free") or {}).items() if key not in keys}
    journal.keep(bad=bad or None, free=free or None, last=None)
