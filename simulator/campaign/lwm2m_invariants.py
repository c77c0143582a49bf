# SPDX-License-Identifier: MIT
"""What lwm2m.md section 9 adds to the rules of reliability.md: `L36` is its item 36.

With another cloud there is nothing to judge here.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from simulator.campaign.invariants import invariant
from simulator.campaign.stories import LWM2M, LWM2M_SOFTWARE
from simulator.clouds.lwm2m import objects

if TYPE_CHECKING:
    from simulator.campaign.outcome import Outcome

# By CoAP itself, or by a second try.
_MENDED = re.compile(r"datagram=(?:lost|twice|late|overtaken):.+|cycles=.+|cut=.+")
_ORDERING = ("executing", "resuming")  # steps of a task
_CUT_SHORT = "error=checksum_mismatch: cut short"
_DAMAGED = (2, 5, 6)  # Results that speak against an image; all that are offered are good


def _is_mended(outcome: "Outcome") -> bool:
    return all(map(_MENDED.fullmatch, outcome.case.faults))


def _tasks(outcome: "Outcome") -> Iterator[dict]:
    """What is said of them."""
    return (entry for entry in outcome.entries_of("task") if outcome.case.story in LWM2M)


@invariant
def l19_attempts(outcome: "Outcome") -> Iterable[str]:
    """A datagram that is lost, late or there twice costs no attempt; nor does the power, unless it goes before all is
    there, and the device says so."""
    is_whole = False
    for entry in _tasks(outcome) if _is_mended(outcome) else ():
        if entry["step"] == "retrying":
            if is_whole or not (outcome.cuts and entry["result"]):
                yield f"an attempt has failed: {entry['result']}"
            is_whole = False
        is_whole = is_whole or entry["step"] == "executing"


@invariant
def l20_ends(outcome: "Outcome") -> Iterable[str]:
    """What is lost, late or there twice is mended by CoAP, so each offer ends as it should. (Cuts: I4.)"""
    if outcome.case.story not in LWM2M | LWM2M_SOFTWARE or not _is_mended(outcome) or outcome.cuts:
        return
    for step, end in zip(outcome.story.steps, outcome.ends, strict=False):  # the last one may never end: I4
        if end != step.end:
            yield f"{step.version} ended as {end} instead of {step.end}"


@invariant
def l27_whole(outcome: "Outcome") -> Iterable[str]:
    """Whatever happens to datagrams, no image is said to be damaged, but one whose last block was cut short."""
    is_cut = any(entry["ends"] for entry in outcome.entries_of("cut_short"))
    if is_cut and any(_CUT_SHORT in entry["line"] for entry in outcome.entries_of("console")):
        return
    for entry in _tasks(outcome):
        if entry["step"] == "over" and entry["result"] in _DAMAGED:
            yield f"the image is good, and the device says {entry['result']}"


@invariant
def l36_told(outcome: "Outcome") -> Iterable[str]:
    """State 3 was told to the server, or read, before the reset, unless it hears nothing, or what nobody can read."""
    if outcome.case.story not in LWM2M or not _is_mended(outcome):
        return
    is_known = False
    for entry in outcome.entries_of("boot", "state", "values", "reset"):
        if entry["event"] == "state":
            is_known = is_known or entry["word"] == "Updating"
        elif entry["event"] == "values":
            is_known = is_known or entry["state"] == objects.UPDATING
        elif entry["event"] == "boot":
            is_known = False
        elif entry["why"] == "machine.reset" and not is_known:
            yield f"it is reset at {entry['ms']} ms, and nobody knows why"


@invariant
def l51_order(outcome: "Outcome") -> Iterable[str]:
    """What is downloaded is activated when the server wants it since the last boot; and once, if the power stays."""
    if outcome.case.story not in LWM2M:
        return
    is_wanted, orders, versions = False, 0, {step.version for step in outcome.story.steps}
    for entry in outcome.entries_of("boot", "task", "operation", "set_boot"):
        if entry["event"] == "boot":
            is_wanted = False
        elif entry["event"] == "task":
            is_wanted = is_wanted or entry["step"] in _ORDERING
        elif entry["event"] == "operation":
            orders += entry["kind"] == "execute" and entry["code"] == "2.04"
        elif entry["holds"] in versions and not is_wanted:
            yield f"nobody wanted {entry['holds']} to be activated now"
    tries = 1 + len(outcome.cuts) + sum(entry["end"] == "again" for entry in outcome.told("state", "FIRMWARE"))
    if orders > tries:
        yield f"{orders} orders were answered, {tries} would do"


@invariant
def l51s_order(outcome: "Outcome") -> Iterable[str]:
    """A tree is to be tried only when the server has wanted that; the order stands over a reset."""
    is_wanted = outcome.case.story not in LWM2M_SOFTWARE
    for entry in outcome.entries_of("task", "choose"):
        if entry["event"] == "task":
            is_wanted = is_wanted or entry["step"] == "executing"
        elif entry["state"] == "new" and not is_wanted:
            yield f"nobody wanted tree {entry['tree']} to be tried"


@invariant
def l56s_kept(outcome: "Outcome") -> Iterable[str]:
    """An order to install that was answered leads to a trial, and needs no other one, whatever the power does."""
    if outcome.case.story not in LWM2M_SOFTWARE or not outcome.is_cuts_only:
        return
    told = [(entry["path"], entry["code"]) for entry in outcome.entries_of("operation")]
    orders = told.count((objects.INSTALL, "2.04"))
    if orders > 1:
        yield f"{orders} orders to install were answered"
