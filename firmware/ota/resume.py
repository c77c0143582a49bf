# SPDX-License-Identifier: MIT
"""What flash holds of an image already, before its download begins or goes on."""

from ota.log import log
from ota.port import forget


def resume(install):
    """Generator: sets the slot's offset to what is there of these very bytes; returns whether the slot was erased."""
    job, slot = install.job, install.slot
    slot.offset = 0
    known = install.track.journal.get("job")
    if known and install.agent.cloud.whole == job.id and _is_same(known, job, slot):
        slot.offset = job.size  # verified before this boot, and again now
        return True
    if not known or not _continues(known, job, slot):
        return False
    job.title, job.version = known["title"], known["version"]  # which may be learnt from the image
    yield from install.agent.attending(slot.find(job.size))
    log("resuming", "offset", slot.offset, "size", job.size)
    _count(install.track.journal, job.id, slot.offset)
    return True


def _count(journal, job_id, offset):
    from ota import attempts

    forget("ota.attempts")
    attempts.further(journal, job_id, offset)


def _continues(known, job, slot):
    """Whether flash holds the beginning of these very bytes."""
    return _is_same(known, job, slot) and job.size and job.mark != "" and known.get("mark") == job.mark


def _is_same(known, job, slot):
    return (known["id"], known["stage"], known["slot"]) == (job.id, "writing", slot.label)
