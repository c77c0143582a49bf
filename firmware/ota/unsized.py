# SPDX-License-Identifier: MIT
"""The block loop for a source that learns with the last block how long the image is. Loaded for such.

`is_last`: what was filled last is the end. `is_pushed`: the peer sends on its own and would not wait for a whole slot
to be erased, so each sector is erased right before it is written; what is cut short begins anew. `begins_anew`: True
once after the peer has started over. A tree of files (tree.py) has no sectors: it is emptied at the first block.
"""

from ota.errors import JobError
from ota.slot import BLOCK


def stream(install, source):
    """Generator, see Install. Until the end is known, the image may be as large as the slot."""
    slot, job, attend = install.slot, install.job, install.agent.attend
    most = slot.size  # which a tree has to look for
    has_sectors = hasattr(slot, "erase_block")
    by_sector = has_sectors and (source.is_pushed or job.size == most - 1)
    if not job.size:
        job.size = most
    while True:
        n = source.readinto(slot.block)
        if source.begins_anew:
            source.begins_anew = False
            install.from_start()
        if n is not None:
            if slot.offset + n > most:
                raise JobError("slot_too_small", str(most))
            if not by_sector and slot.offset + n > job.size:  # more than was promised, so more than was erased
                job.size, by_sector = most - has_sectors, has_sectors  # no image's size: what another line knows it by
            if n and not slot.offset:
                yield from _first(install, source)
            if n:
                install.digest(n)
                if by_sector:
                    slot.erase_block(slot.offset // BLOCK)
                slot.commit(n)
            if source.is_last:
                job.size = slot.offset
                attend(slot.offset, job.size)
                return
        attend(slot.offset, job.size)
        yield


def _first(install, source):
    """The first block decides, as for any other source."""
    job, slot = install.job, install.slot
    if source.is_last:
        job.size = min(job.size, BLOCK)
    if not source.is_pushed or not hasattr(slot, "erase_block"):
        yield from install.first()
        return
    slot.check(job)
    install.agent.cloud.inspect(job, slot.block)
    install.note("writing")
