# SPDX-License-Identifier: MIT
"""What a flash operation leaves behind when the power goes in its midst (esp32.md 6, last item).

Each function is a tear for `Flash.on_op`: (old cells, intended cells) -> cells found after the cut. `rng` is a seeded
random.Random, so that a run can be repeated.
"""

import random

from simulator.board.flash import PAGE, Tear


def after(old: bytes, new: bytes) -> bytes:
    """The operation was complete, but nobody lived to hear of it."""
    return new


def prefix(share: float) -> Tear:
    """The first part is done, the rest untouched."""

    def tear(old: bytes, new: bytes) -> bytes:
        done = int(len(new) * share)
        return new[:done] + old[done:]

    return tear


def program(rng: random.Random) -> Tear:
    """A correct prefix, then up to one page in which each bit to clear may or may not be cleared, then the old rest."""

    def tear(old: bytes, new: bytes) -> bytes:
        start = rng.randrange(len(new))
        end = min(start + PAGE, len(new))
        torn = bytes(new[i] | (old[i] & rng.randrange(256)) for i in range(start, end))
        return new[:start] + torn + old[end:]

    return tear


def erase(rng: random.Random) -> Tear:
    """Each byte is old, erased or anything."""

    def tear(old: bytes, new: bytes) -> bytes:
        noise = rng.randbytes(len(old))
        choices = rng.choices((old, new, noise), k=len(old))
        return bytes(choice[i] for i, choice in enumerate(choices))

    return tear
