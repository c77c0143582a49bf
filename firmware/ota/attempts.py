# SPDX-License-Identifier: MIT
"""How often a job was started, and what that costs the flash. Loaded when one is.

A job that is offered until it has ended, and that ends the board's run each time, be it by a crash, would be started
for ever. So its starts are counted in the journal, and its id is there before anything is said of it. A start counts as
the first one again where the one before got further in flash than any other: a flaky supply may cut a good update short
often. What follows a loss of power is counted for itself, and many more of these are free: a brown-out looks the same,
and a supply that breaks down under each update must not do so for ever. With it is written how many starts have erased
today (wear.py).
"""

from ota.errors import Cancelled, JobError
from ota.port import const

_STARTS = const(10)
_CUTS = const(100)
_DAY_S = const(86400)
_DAY = const(1024)
_BUDGET = const(48)


def begin(track, job):
    """Counts a start. Raises JobError `started_too_often`, FlashError, and Cancelled where flash has to rest."""
    journal = track.journal
    starts, offset, cuts = _known(journal, job.id)
    if starts >= _STARTS or cuts >= _CUTS:
        raise JobError("started_too_often", "%d times without an end" % (starts + cuts))
    written, worn = journal.get("job"), journal.get("wear")
    if not written or written["id"] != job.id or written["stage"] != "writing":  # it will erase
        agent = track.agent
        today = (agent.board.now() or 0) // _DAY_S
        if not worn or (today and worn // _DAY != today):
            worn = today * _DAY
        if 0 < agent.board.number("wear_budget", _BUDGET) <= worn % _DAY:
            agent.tick()  # loads Control, among whose gates is one that is closed now
            raise Cancelled("paused")
        worn += 1
    cause = track.agent.board.reset_cause
    if not starts or cause not in ("power", "deepsleep"):  # which are nobody's fault
        starts += 1
    elif cause == "power":
        cuts += 1
    known = [job.id, starts, offset, cuts]
    journal.save(starts=known if offset or cuts else known[:2], wear=worn)  # a short record: memory is short now


def further(journal, job_id, offset):
    """A start has found `offset` bytes in flash. Is that further than before, it is the first one again."""
    starts, before, cuts = _known(journal, job_id)
    if offset > before and (starts > 1 or cuts):
        journal.keep(starts=[job_id, 1, offset, 0])


def rest(journal, job_id):
    """A start that ended in a pause, or has come to wait for its reset, does not count: it is as somebody wants it."""
    starts, offset, _ = _known(journal, job_id)
    if starts:
        journal.keep(starts=[job_id, starts - 1, offset, 0])


def _known(journal, job_id):
    """Starts of a job, the furthest offset of them, and how many followed a loss of power."""
    known = journal.get("starts")
    if not known or known[0] != job_id:
        return 0, 0, 0
    return (known[1:] + [0, 0])[:3]
