# SPDX-License-Identifier: MIT
"""When something is over, across resets and with or without a clock. Loaded where the application has a say.

A deadline is a list in the journal: [unix second or 0, seconds left]. It is over as soon as either says so: a clock may
be unknown, or be set wrong when the deadline is made and right afterwards, and the seconds only pass while there is
power. So nothing lasts for longer than was meant, by whichever is the later one.
"""

from ota.port import const

MOST_S = const(31536000)  # a year
BOOT_S = const(600)  # what a boot counts for: a board that is never on for an hour would not get any further


def make(seconds, now, at=None):
    """`seconds` from `now` on (unix, None: unknown), or until the unix second `at` where there is one."""
    if now is not None:
        seconds = min(seconds if at is None else max(0, at - now), MOST_S)
        at = now + seconds
    return [at or 0, seconds]


def is_deadline(value):
    """Whether a fact from the journal is one."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value)
    )


def spend(deadline, seconds, now):
    """So much time has passed. A clock that has become known is trusted from here on."""
    deadline[1] = max(0, deadline[1] - seconds)
    if not deadline[0] and now is not None:
        deadline[0] = now + deadline[1]


def move(deadline, seconds):
    """So much later, or earlier if that is negative; what has passed has passed."""
    deadline[1] = max(0, deadline[1] + seconds)
    if deadline[0]:
        deadline[0] = max(1, deadline[0] + seconds)


def is_over(deadline, now):
    return not deadline[1] or bool(now is not None and deadline[0] and now >= deadline[0])
