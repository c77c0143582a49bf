# SPDX-License-Identifier: MIT
"""What rainmaker.md section 11 adds to the rules of reliability.md: `R24` is its item 24, and so on.

With another cloud there is nothing to judge here.
"""

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator.campaign.invariants import invariant
from simulator.campaign.sides.rainmaker import RainMakerStory

if TYPE_CHECKING:
    from simulator.campaign.outcome import Outcome

_KNOWN_SINCE = 1_546_300_800  # unix seconds: a clock before that was never set (rainmaker.md 4)
_RULES = re.compile(r"cloud=otaurl(?:x([0-9*]+))?:set=metadata=(.+)")
_MENDED = re.compile(
    r"cloud=block=[0-9]:(?!corrupt|other-index|delay=25000)\S+"
)  # three times is as often as it is asked for
_DAY_S = 86_400
_LONGEST = 4096 + 5000  # bytes of a block that is too long


@invariant
def r24_window(outcome: "Outcome") -> Iterable[str]:
    """No download begins outside of the times of its job, nor while the board does not know what time it is."""
    found = next(filter(None, map(_RULES.fullmatch, outcome.case.faults)), None)
    if found is None:
        return
    left = float("inf") if found[1] == "*" else int(found[1] or 1)
    rules = json.loads(found[2])
    for entry in outcome.entries_of("otaurl", "state"):
        if entry["event"] == "otaurl":
            left -= entry["delivered"]
        elif entry["word"] == "in-progress":
            if left >= 0 and not _may_start(rules, entry["clock"]):
                yield f"a download has begun at {entry['clock']} by the board's clock, allowed is {rules}"
            return


def _may_start(rules: dict, now: int) -> bool:
    if now < _KNOWN_SINCE:
        return False
    validity, window = rules.get("validity", {}), rules.get("download_window")
    is_valid = validity.get("start", now) <= now <= validity.get("end", now)
    if window is None or not is_valid:
        return is_valid
    minute, start, end = now % _DAY_S // 60, window["start"], window["end"]
    return start <= minute <= end if start <= end else minute >= start or minute <= end


@invariant
def r35_stream(outcome: "Outcome") -> Iterable[str]:
    """A block that is lost, late, twice there, out of order or no answer at all costs that block, and no try.

    Not so one that has the right length and lies about its number: nobody can see that before the digest.
    """
    faults = outcome.case.faults
    if not faults or not all(_MENDED.fullmatch(text) for text in faults):
        return
    for entry in outcome.entries_of("state"):
        if entry["end"] == "again":
            yield f"a try has failed, although the stream went on: {entry['word']}"
    sent = sum(entry["length"] for entry in outcome.entries_of("bytes"))
    most = outcome.story.steps[0].size + RainMakerStory.HEAD + 2 * _LONGEST * len(faults)
    if sent > most:
        yield f"the cloud sent {sent} bytes, {most} would do"


@invariant
def r36_resume(outcome: "Outcome") -> Iterable[str]:
    """Whatever order blocks came in and wherever the power went: what is taken up again is what was downloaded."""
    faults = outcome.case.faults
    is_mended = all(text.startswith(("cut=", "cycles=")) or _MENDED.fullmatch(text) for text in faults)
    if is_mended and outcome.story.cloud == "rainmaker":
        for entry in outcome.entries_of("console"):
            if "checksum_mismatch" in entry["line"]:
                yield f"the digest is wrong, although every block was right: {entry['line']}"
