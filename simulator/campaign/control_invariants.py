# SPDX-License-Identifier: MIT
"""What is kept of the product's say over resets (docs/control.md), by the story of switched.py; C5 by those in PARAMS,
C6 by those in RUNTIME.

C1  what was switched off is off after any reset, until it is over
C2  and then it is over: nothing waits for longer than was meant
C3  the reset that is held does not come, and nothing is activated, until that is over
C4  no reset gives anything more time, and an end leaves nothing behind
C5  what the user of a node has switched off, and it has confirmed, is off after any reset until it is switched on
C6  of software that needs newer firmware no byte is fetched before that runs; it is refused for that, and once

A reset costs each deadline BOOT_S, wherever the power went. With another story there is nothing to judge here.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from simulator.breakage import TITLE
from simulator.campaign.invariants import invariant
from simulator.campaign.rainmaker_faults import SERVICE
from simulator.campaign.stories import CONTROL, NEEDED, OLD, PARAMS, RUNTIME
from simulator.campaign.switched import DEFER_S, HELD, OFF, OFF_S

if TYPE_CHECKING:
    from simulator.campaign.outcome import Outcome

BOOT_S = 600
_SLACK_S = 60
_LOST_S = 400  # a deadline that lasts for DEFER_S is written once: the time until a cut is lost, BOOT_S is gained
_BEGINS = "ota downloading"
_REFUSED = "runtime_too_old: needs "


def _passed(outcome: "Outcome") -> Iterator[tuple[float, dict]]:
    """(seconds that have passed for a deadline made in the first boot, entry)."""
    boots, ms, begin = -1, 0, None
    for entry in outcome.entries:
        ms = entry.get("ms", ms)
        if entry["event"] == "boot":
            boots += 1
            begin = ms if begin is None else begin
        yield (ms - (begin or 0)) / 1000 + BOOT_S * max(0, boots), entry


def _is_switched(outcome: "Outcome") -> bool:
    return outcome.case.story in CONTROL


@invariant
def c1_off(outcome: "Outcome") -> Iterable[str]:
    """No download begins while the switch is off, unless the job was put off for long enough, which is later."""
    is_off = False
    for passed, entry in _passed(outcome) if _is_switched(outcome) else ():
        line = entry.get("line", "")
        is_off = is_off or line == OFF
        if is_off and line.startswith(_BEGINS) and passed < OFF_S - _SLACK_S:
            yield f"a download begins after {passed:.0f} s, updates are off for {OFF_S}"


@invariant
def c2_end(outcome: "Outcome") -> Iterable[str]:
    """The download begins when the switch is over, and the image is activated when the job has waited long enough."""
    if not _is_switched(outcome) or not outcome.is_cuts_only:
        return
    slack = _SLACK_S + _LOST_S * len(outcome.cuts)
    begins = activated = float("inf")
    begin = ms = outcome.entries_of("boot")[0]["ms"]
    for entry in outcome.entries:
        ms = entry.get("ms", ms)
        if entry.get("line", "").startswith(_BEGINS):
            begins = min(begins, (ms - begin) / 1000)
        elif entry["event"] == "set_boot":
            activated = min(activated, (ms - begin) / 1000)
    for what, after, most in (("a download begins", begins, OFF_S), ("an image is activated", activated, DEFER_S)):
        if after > most + slack:
            yield f"{what} after {after:.0f} s, {most} were meant"


@invariant
def c3_hold(outcome: "Outcome") -> Iterable[str]:
    """Nothing is activated while the reset is held, unless the job was put off for long enough."""
    held = False
    for passed, entry in _passed(outcome) if _is_switched(outcome) else ():
        held = held or entry.get("line") == HELD
        if held and entry["event"] == "set_boot" and passed < DEFER_S - _SLACK_S:
            yield f"{entry['label']} is activated after {passed:.0f} s, although the reset is held"


@invariant
def c4_less(outcome: "Outcome") -> Iterable[str]:
    """From boot to boot no deadline has more time, and a job that has ended is none that was put off."""
    if not _is_switched(outcome):
        return
    least: dict[tuple, int] = {}
    for entry in outcome.entries_of("boot"):
        for what, left in _deadlines(entry["control"]):
            if left > least.get(what, left):
                yield f"{what} has {left} s left at boot {entry['number']}, {least[what]} at one before"
            least[what] = left
    if not outcome.stop and "defer" in (outcome.journal_of("FIRMWARE").get("control") or {}):
        yield "a job that has ended is still put off"


@invariant
def c5_user(outcome: "Outcome") -> Iterable[str]:
    """No download begins meanwhile, and the node says nothing else."""
    is_off = False
    for entry in outcome.entries_of("params", "set_params", "console") if outcome.case.story in PARAMS else ():
        if entry["event"] == "console":
            if is_off and entry["line"].startswith(_BEGINS):
                yield "a download has begun, although the node's user has switched updates off"
            continue
        ours = entry["params"].get(SERVICE, {})
        if entry["event"] == "set_params":
            is_off = is_off and ours.get("Enabled") is not True
        elif is_off and ours.get("Enabled") is True:
            yield "the node says that updates are on, and its user has switched them off"
        else:
            is_off = is_off or ours.get("Enabled") is False


@invariant
def c6_runtime(outcome: "Outcome") -> Iterable[str]:
    """And the journal knows it for as long as the refusal counts: with the firmware that is needed, it goes in."""
    if outcome.case.story not in RUNTIME:
        return
    runs, offers, refused = None, 0, 0
    for entry in outcome.entries_of("boot", "offer", "chunk_request", "telemetry"):
        if entry["event"] == "boot":
            runs = entry["holds"]
        elif entry["event"] == "offer":
            offers += 1
        elif entry["event"] == "chunk_request":
            if entry["type"] == "SOFTWARE" and runs != NEEDED:
                yield f"software is fetched while {runs} runs, it needs {NEEDED}"
        elif entry["values"].get("sw_state") == "FAILED":
            why = str(entry["values"].get("sw_error"))
            is_refused = why.startswith(_REFUSED)
            refused += is_refused
            if is_refused == (runs == NEEDED):
                yield f"software has failed while {runs} runs: {why}"
            if is_refused and outcome.is_cuts_only and (offers > 1 or refused > 1 + len(outcome.cuts)):
                yield f"software is refused once more, at offer {offers}"
    known = outcome.journal_of("SOFTWARE").get("runtime")
    if not outcome.stop and (known and known[1:]) != (None if runs == NEEDED else [TITLE, OLD]):
        yield f"{runs} runs, and refused is {known}"


def _deadlines(control: dict) -> Iterator[tuple[tuple, int]]:
    """(what, seconds left) of each in the fact."""
    for name in ("off", "hold"):
        if name in control:
            reason, (_, left) = control[name]
            yield (name, reason), left
    for kind, (job, (_, left), *_) in control.get("defer", {}).items():
        yield ("defer", kind, job), left
