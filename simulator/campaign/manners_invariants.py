# SPDX-License-Identifier: MIT
"""What is kept of a board's manners over resets (docs/control.md), by the story of watched.py; W6 by failing.py.

W1  crashes are counted while they are watched, and nothing but crashes; enough of them are the end of the image
W2  what the board goes back to is whole, and what it has left is told as failed once that runs
W3  what has failed is neither fetched nor tried again
W4  no more starts a day erase than the budget allows, and the next day they may
W5  no reset gives a rest more time, and nothing is watched for ever
W6  an application that cannot start is not started again and again, and takes its agent with it at no time

A reset costs what rests BOOT_S, wherever the power went. With another story there is nothing to judge here.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator.board.chip import HARD, POWER_ON
from simulator.campaign.failing import BEGINS, MOST
from simulator.campaign.invariants import invariant
from simulator.campaign.stories import FAILING, OLD
from simulator.campaign.watched import BOOT_S, CRASHES, DAY_S

if TYPE_CHECKING:
    from simulator.campaign.outcome import Outcome

_SLACK_S = 100
_RETURNS, _RESTS = "ota returning", "ota idle reason=wear_budget"


@invariant
def w1_watch(outcome: "Outcome") -> Iterable[str]:
    """The board goes back after CRASHES crashes; each cut may lose one of them."""
    for version, entries in _watched(outcome):
        crashes, holds, on_trial = 0, None, False
        for entry in entries:
            if entry["event"] == "boot":
                holds, on_trial = entry["holds"], entry["on_trial"]
            elif entry["event"] == "mark_valid":
                on_trial = False
            elif entry["event"] == "reset" and entry["cause"] == HARD and holds == version and not on_trial:
                crashes += 1
            elif entry.get("line", "").startswith(_RETURNS):
                if not CRASHES <= crashes <= CRASHES + len(outcome.cuts):
                    yield f"{version} is left after {crashes} crashes, {CRASHES} are too many"
                crashes -= 1  # the reset that follows is none


@invariant
def w2_return(outcome: "Outcome") -> Iterable[str]:
    """It goes back to the first image, and says so when that is confirmed; if its trial lost the power it stays."""
    for version, entries in _watched(outcome):
        told = [entry for entry in entries if entry["event"] == "state" and entry["end"] in ("updated", "rolled_back")]
        back = [entry for entry in entries if entry["event"] == "set_boot" and entry["holds"] == OLD]
        if back and not outcome.lost_return and not outcome.stop and (not told or told[-1]["end"] != "rolled_back"):
            yield f"{version} was left, and that is not told"
        for entry in told:
            if (entry["end"] == "updated") != (entry["holds"] == version):
                yield f"{version} is told as {entry['end']} while {entry['holds']} runs"


@invariant
def w3_quarantine(outcome: "Outcome") -> Iterable[str]:
    """After its end as failed that content is neither fetched nor tried, over all offers."""
    for step in outcome.story.steps if _watched(outcome) else ():
        has_failed, offered = False, ""
        for entry in outcome.entries_of("offer", "state", "bytes", "boot"):
            if entry["event"] == "offer":
                offered = entry["version"]
            elif offered == step.version and entry["event"] == "state":
                has_failed = has_failed or entry["end"] in ("rolled_back", "failed")
            elif has_failed and offered == step.version and entry["event"] == "bytes":
                yield f"{step.version} is fetched after it has failed"
            elif has_failed and entry["event"] == "boot" and entry["on_trial"] and entry["holds"] == step.version:
                yield f"{step.version} is tried after it has failed"


@invariant
def w4_wear(outcome: "Outcome") -> Iterable[str]:
    """From the first erase for an offer to that for the next a day passes, by boots and seconds; no wait is longer."""
    erased, begins, has_erased = None, None, False
    boots = ms = 0
    for entry in outcome.entries if _watched(outcome) else ():
        ms = entry.get("ms", ms)
        if entry["event"] == "offer":
            has_erased, begins = False, None
        elif entry["event"] == "boot":
            boots += 1
        elif begins is None and entry.get("line", "").startswith(_RESTS):
            begins = ms
        elif not has_erased and entry["event"] == "op" and entry["operation"] == "erase" and _is_slot(entry):
            passed = DAY_S if erased is None else (ms - erased[0]) / 1000 + BOOT_S * (boots - erased[1])
            if passed < DAY_S - _SLACK_S:
                yield f"a slot is erased {passed:.0f} s after it was erased for the offer before"
            if (
                begins is not None
                and outcome.is_cuts_only
                and (ms - begins) / 1000 > DAY_S * (1 + len(outcome.cuts)) + _SLACK_S
            ):
                yield f"a slot is erased only {(ms - begins) / 1000:.0f} s after the budget was spent"
            erased, has_erased = (ms, boots), True


@invariant
def w5_less(outcome: "Outcome") -> Iterable[str]:
    """From boot to boot no rest has more time, unless flash was erased meanwhile; at the end nothing is watched."""
    if not _watched(outcome):
        return
    least: int | None = None
    for entry in outcome.entries_of("boot", "op"):
        if entry["event"] == "op":
            least = None if entry["operation"] == "erase" and _is_slot(entry) else least
            continue
        for _, left in (entry["control"].get("rest") or {}).values():
            if least is not None and left > least:
                yield f"flash rests for {left} s at boot {entry['number']}, it was {least} at one before"
            least = left
    if not outcome.stop:
        yield from (
            f"the journal still has {it!r}" for it in ("watch", "crash") if it in outcome.journal_of("FIRMWARE")
        )


@invariant
def w6_safe(outcome: "Outcome") -> Iterable[str]:
    """MOST times in a row, which a loss of power and a trial interrupt."""
    if outcome.case.story not in FAILING:
        return
    begun = raised = 0
    for entry in outcome.entries_of("boot", "console"):
        if entry["event"] == "boot":
            begun, raised = (0, 0) if entry["cause"] == POWER_ON or entry["on_trial"] else (begun, raised)
            continue
        begun += entry["line"] == BEGINS
        raised += "Traceback" in entry["line"]
        if begun > MOST:
            yield f"the application is started {begun} times in a row, {MOST} are enough"
        if raised > begun:
            yield f"{raised} tracebacks, {begun} of them are the application's"


def _is_slot(entry: dict) -> bool:
    return entry["area"].startswith("ota_") and entry["by"] == "app"


def _watched(outcome: "Outcome") -> list[tuple[str, list[dict]]]:
    """(version, entries) of each offer of an image that crashes while it is watched."""
    later = {step.version for step in outcome.story.steps if step.breaks == "later"}
    return [(version, entries) for version, entries in outcome.offers() if version in later] if later else []
