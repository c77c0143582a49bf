# SPDX-License-Identifier: MIT
"""How a RainMaker job ends or is put off (rainmaker.md 2.3, 4), and whether another try of it may end otherwise.

Loaded for that.
"""

from ota.port import const
from ota.report import UPDATED

ATTEMPTS = const(3)  # of a download, before the cloud is asked for a new URL
_AFTER_FAILURE_S = const(300)
_UNSET_CLOCK_S = const(30)
_SLACK_S = const(5)  # behind the moment that a job waits for
# The job is wrong for this board, for good: it will not be offered again.
_REJECTED = const(
    " wrong_project same_version wrong_chip slot_too_small no_spare_slot no_target rolled_back rolled_back_before"
    " not_bootable started_too_often cancelled "
)
# Failed, and trying again would change nothing.
_FINAL = const(" checksum_unsupported validity_over window_incomplete dates_over ")
_TIMEOUTS = ("cloud not reached", "health check failed", "it was not confirmed in time")


def postponed(cloud, job, reason, until):
    """Says that it is delayed, and asks again when that is over; other jobs are heard meanwhile (4)."""
    if reason == "unconfirmed":
        return
    from ota.cloud import rm_status

    cloud.busy = False
    cloud.note("otastatus", rm_status.body(job.id, "delayed", reason))
    if until is not None or reason == "clock_unknown":
        cloud.known[job.kind] = {}
        cloud.fetch.after(_UNSET_CLOCK_S if until is None else until - (cloud.board.now() or 0) + _SLACK_S)


def ended(cloud, job_id, error):
    """A download that broke off is tried again at once, then once more, then with a new URL (2.3)."""
    may_pass = bool(error) and is_passing(error)
    for kind, known in cloud.known.items():
        if known.get("id") == job_id:
            if may_pass and cloud.attempt < ATTEMPTS:
                cloud.attempt += 1
                cloud.changed.add(kind)
                return
            cloud.known[kind] = {}
    cloud.busy = False
    if may_pass and " " not in job_id:  # else nobody would hand it out again (8)
        cloud.fetch.after(_AFTER_FAILURE_S)


def is_final(event):
    """Whether the job of a report has ended with it; else it is tried again."""
    return event["state"] == UPDATED or not is_passing(event.get("error", ""))


def is_passing(error):
    """Whether another try of the same job may end otherwise."""
    code = error.partition(":")[0]
    return not _is_in(code, _REJECTED) and not _is_in(code, _FINAL) and code[:4] != "bad_" and code[:3] != "no_"


def status(cloud, error):
    code, _, detail = error.partition(": ")
    if code == "rolled_back" and detail in _TIMEOUTS and cloud.board.number("report_failed", 0):
        return "failed"  # the maker wants to have it offered again
    return "rejected" if _is_in(code, _REJECTED) else "failed"


def _is_in(code, codes):
    return " %s " % code in codes
