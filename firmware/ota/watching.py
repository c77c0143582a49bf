# SPDX-License-Identifier: MIT
"""Firmware that was confirmed may still turn out to be bad: for `watch_s` its crashes are counted. Loaded for that.

In the journal: `watch`: [label of the slot, deadline (deadline.py), crashes]. With `watch_crashes` (3) of them in that
time the board goes back to the image from before, if that still verifies (other.py), and tells why.
Settings in NVS "ota_cfg"; `watch_s` is 0 where nothing is to be watched.
"""

from ota import deadline
from ota.errors import OtaError
from ota.log import log
from ota.port import const

_CRASHES = const(3)


def begin(board, label):
    """The fact about what was confirmed, None: nothing is to be watched, or it is software."""
    seconds = board.number("watch_s", 0)
    if seconds <= 0 or label != board.running.info()[4]:
        return None
    return [label, deadline.make(seconds, board.now()), 0]


def spend(board, journal, seconds):
    """So much time has passed since it was noted last; a boot counts for deadline.BOOT_S."""
    label, end, crashes = journal.get("watch")
    end = list(end)
    is_dated = end[0]
    deadline.spend(end, seconds, board.now())
    if deadline.is_over(end, board.now()):
        journal.keep(watch=None)
    elif not is_dated:  # else the clock tells
        journal.keep(watch=[label, end, crashes])


def crashed(board, journal):
    """For boot.py, after a crash: counts it, or resets into what ran before."""
    known = journal.get("watch")
    if known[0] != board.running.info()[4] or deadline.is_over(known[1], board.now()):
        journal.keep(watch=None)
        return
    crashes = known[2] + 1
    if crashes < board.number("watch_crashes", _CRASHES):
        journal.keep(watch=[known[0], known[1], crashes])
        return
    from ota import other

    why = "%d crashes while it was watched" % crashes
    if journal.get("crash"):
        why += ": " + journal.get("crash")
    try:
        other.back(board, journal, why)
    except OtaError as error:
        log("warning", "code", error.code, "detail", error.detail)
    journal.keep(watch=None)  # once: who cannot go back now cannot later
