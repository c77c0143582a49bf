# SPDX-License-Identifier: MIT
"""Back to what the other slot holds, without a download: it goes through a trial as any image. Loaded for that.

The chip itself verifies the image, digest and all, before its boot record is written (esp32.md 2.3). In the journal it
is a job without an id, for no cloud has ordered it, with two facts more: `mark`, the key of what is there (for
quarantine), and `left`, what ran until then: its id, why it was left, and its mark, if it has one. If the trial ends
well that is what has failed, and is in quarantine.
"""

from ota.errors import FlashError, JobError, VerifyError
from ota.log import log
from ota.port import forget
from ota.slot import Slot

_UNKNOWN = ("", "unknown", "unknown")


def boot(agent, why):
    """For the agent: resets into it. Raises OtaError, and nothing has changed:

    unconfirmed, update_under_way, and those of `select`.
    """
    if agent.on_trial:
        raise JobError("unconfirmed")
    if agent.job is not None:
        raise JobError("update_under_way")
    select(agent.board, agent.tracks[0].journal, agent.tracks[0].slot, why)
    agent.cloud.close()
    log("reset")
    agent.board.reset()


def back(board, journal, why):
    """For boot.py: resets into it, or returns."""
    if board.otadata is None or not board.spare:
        return
    select(board, journal, Slot(board.spare, board.chip_id()), why)
    board.reset()


def select(board, journal, slot, why):
    """The next boot is to try it. Raises JobError, VerifyError, FlashError:

    no_spare_slot, slot_overwritten (an update that has begun to take its place was not confirmed), those of image.py,
    image_refused, not_selected, journal_failed.
    """
    if slot is None:
        raise JobError("no_spare_slot")
    job, slots = journal.get("job"), journal.get("slots") or {}
    there, here = slots.get(slot.label, _UNKNOWN), slots.get(board.running.info()[4]) or _UNKNOWN
    # a job without an id is of an earlier call that the power has cut
    if there is None or (job and job["id"] and job["slot"] == slot.label):
        raise JobError("slot_overwritten")
    from ota.quarantine import key

    forget("ota.quarantine")
    slot.read(0, slot.block)
    slot.check_head(slot.size)
    facts = {"id": "", "mark": key(there), "title": there[1], "version": there[2], "tries": 0}
    facts.update(stage="activating", slot=slot.label, left=[here[0], why] + list(here[3:]))
    journal.save(job=facts)
    log("returning", "slot", slot.label, "version", there[2], "why", why)
    try:
        board.spare.set_boot()
        if board.selected() != slot.label:
            raise FlashError("not_selected", "the boot record was not written")
    except OSError as error:
        journal.keep(job=job)
        raise VerifyError("image_refused", str(error))
    except FlashError:
        journal.keep(job=job)
        raise
