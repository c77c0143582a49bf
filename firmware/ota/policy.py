# SPDX-License-Identifier: MIT
"""Whether and when a job may run: a pure function of the job, the journal's facts and the device.

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


class Device:
    """What a decision depends on. `slot_size`: bytes of the spare slot, 0 when there is none."""

    def __init__(self, title, version, slot_size):
        self.title = title
        self.version = version
        self.installed_by = None  # id of the job that put the running image there
        self.slot_size = slot_size
        self.confirmed = True
        self.enabled = True


def decide(job, facts, device, forced=False):
    """Returns (GO | DONE | WAIT | REFUSE, reason); the reason is a stable code, "" for GO and DONE."""
    if not device.confirmed:
        return WAIT, "unconfirmed"  # first of all: while a job is on trial, nothing else may be said to have ended
    if job.id == device.installed_by or (job.title == device.title and job.version == device.version):
        return DONE, ""
    if not device.slot_size:
        return REFUSE, "no_spare_slot"
    if job.size > device.slot_size:
        return REFUSE, "slot_too_small"
    if job.id == facts.get("last"):
        return REFUSE, "ended_before"
    if job.id in facts.get("bad", ()):
        return REFUSE, "rolled_back_before"
    if not (device.enabled or forced):
        return WAIT, "disabled"
    return GO, ""
