# SPDX-License-Identifier: MIT
"""The rules of reliability.md section 3 once more, for trees of software (decision 6): `I7S` is what I7 is to firmware.

The application tells itself which one it is (application.py), flash and NVS tell which trees are whole and which one is
chosen (trees.py). Nothing of this is there on a board without files, so these rules have nothing to say of it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator.campaign.application import BUILT_IN, LARGEST
from simulator.campaign.invariants import RECORDS, invariant
from simulator.campaign.sides.story_side import TERMINAL
from simulator.campaign.stories import LWM2M_SOFTWARE
from simulator.campaign.trees import TORN

if TYPE_CHECKING:
    from simulator.campaign.outcome import Outcome

FILES_LIMIT = LARGEST + 1024  # bytes that one cut may cost: the largest file, and what littlefs writes around it
_FILE_ERASES = 2  # of one sector of the file system in one update: littlefs uses what is free in turn


@invariant
def i1s_whole(outcome: "Outcome") -> Iterable[str]:
    """What begins is one application, not parts of two; it comes from the tree that is chosen, and this is whole."""
    for entry in outcome.entries_of("app"):
        version, chosen = entry["version"], entry["choice"].tree
        if version != entry["part"]:
            yield f"{version} runs with a part of {entry['part']}"
        if version != entry["trees"].get(chosen, BUILT_IN):
            yield f"{version} runs, chosen is {chosen} of {entry['trees']}"


@invariant
def i2s_order(outcome: "Outcome") -> Iterable[str]:
    """A tree is chosen only when it is whole, and "verified" was said in that boot after all of it was read back."""
    read: tuple[int, ...] = ()
    for entry in outcome.entries_of("boot", "console", "choose"):
        if entry["event"] == "boot":
            read = ()
        elif entry["event"] == "console":
            read = entry["read"] if entry["line"] == "ota verified kind=software" else read
        elif entry["state"] == "new":
            if entry["holds"] in (None, TORN):
                yield f"tree {entry['tree']} is chosen and is not whole"
            elif not set(entry["places"]) & set(read):
                yield f"tree {entry['tree']} is chosen and was not read back"


@invariant
def i3s_running_tree(outcome: "Outcome") -> Iterable[str]:
    """The tree that runs stays whole, none is half there, and during a trial of software no file and no slot changes.

    A tree is there when it has its manifest.
    """
    on_trial = False
    for entry in outcome.entries_of("choose", "op", "off", "said"):
        kind = entry["event"]
        if kind == "choose":
            on_trial = entry["state"] == "trial"
        elif kind == "op":
            if on_trial and entry["area"].startswith(("vfs", "ota_")) and entry["by"] == "app":
                yield f"operation {entry['number']}: {entry['operation']} in {entry['area']} during a trial of software"
        elif outcome.story.has_files:
            if entry["app"] not in (None, BUILT_IN, *entry["trees"].values()):
                yield f"{entry['app']} runs and is not whole any more at {kind}: {entry['trees']}"
            if TORN in entry["trees"].values():
                yield f"a tree has its manifest and is not whole at {kind}: {entry['trees']}"


@invariant
def i5s_resume(outcome: "Outcome") -> Iterable[str]:
    """What one cut makes the board write again is at most the file that it was writing, but of what is pushed."""
    again, limit = outcome.files_written_again, len(outcome.cuts) * FILES_LIMIT
    if outcome.is_cuts_only and again > limit and outcome.story.cloud != "lwm2m-push":
        yield f"{again} bytes were written to the file system again, {limit} are allowed"


@invariant
def i7s_truth(outcome: "Outcome") -> Iterable[str]:
    """Updated: that version runs, is chosen and confirmed. Failed or rolled back: it does not run and is not chosen."""
    for version, entries in outcome.offers("SOFTWARE"):
        for entry in entries:
            if entry["event"] != "state" or entry["kind"] != "SOFTWARE" or entry["end"] not in TERMINAL:
                continue
            chosen, app = entry["choice"], entry["app"]
            holds = entry["trees"].get(chosen.tree)
            is_there = holds == version and app in (version, None)  # None: it was said right before a reset
            if (not is_there or chosen.state != "valid") if entry["end"] == "updated" else version in (app, holds):
                yield f"{entry['word']} for {version}, but {app} runs, {chosen} holds {holds}"


@invariant
def i8s_monotone(outcome: "Outcome") -> Iterable[str]:
    """The sequence number of the journal of software never falls from boot to boot."""
    last = 0
    for entry in outcome.entries_of("boot"):
        number = entry.get("software_sequence", 0)
        if entry["slot"] and number < last:
            yield f"journal record {last} is followed by {number}"
        last = number if entry["slot"] else last


@invariant
def i13s_wear(outcome: "Outcome") -> Iterable[str]:
    """Few records, and no sector of the file system is erased more often than littlefs spreads it."""
    steps, cuts = len(outcome.story.of("SOFTWARE")), len(outcome.cuts)
    boots = outcome.entries_of("boot")
    before = boots[0].get("software_sequence", 0) if boots else 0
    written = outcome.journals["SOFTWARE"][0] - before
    if written > RECORDS * steps + 2 * cuts:
        yield f"{written} journal records of software"
    for sector, times in outcome.erases_of("vfs").items():
        if outcome.is_cuts_only and times > _FILE_ERASES * steps + 2 * cuts:
            yield f"sector {sector} of the file system was erased {times} times"


@invariant
def i17s_one_parse(outcome: "Outcome") -> Iterable[str]:
    """What is chosen is what is tried: from one to the other the tree does not change."""
    chosen: dict[str, str | None] = {}
    for entry in outcome.entries_of("choose"):
        if entry["state"] == "new":
            chosen[entry["tree"]] = entry["holds"]
        elif entry["state"] == "trial" and chosen.get(entry["tree"]) != entry["holds"]:
            yield f"{entry['tree']} was chosen as {chosen.get(entry['tree'])} and is tried as {entry['holds']}"


@invariant
def i18s_confirm(outcome: "Outcome") -> Iterable[str]:
    """A trial is confirmed by the application on trial, after the cloud has answered in that boot, if it is well."""
    broken = {step.version for step in outcome.story.steps if step.breaks}
    app, on_trial, has_answer = None, False, False
    for entry in outcome.entries_of("boot", "app", "answer", "choose"):
        if entry["event"] == "boot":
            app, on_trial, has_answer = None, False, False
        elif entry["event"] == "app":
            app, on_trial = entry["version"], entry["choice"].state == "trial"
        elif entry["event"] == "answer":
            has_answer = True
        elif entry["state"] == "valid" and entry["holds"] in broken:
            yield f"{entry['holds']} is confirmed, which is broken"
        elif entry["state"] == "valid" and on_trial and not (has_answer and app == entry["holds"]):
            yield f"{entry['holds']} is confirmed by {app}" + ("" if has_answer else " before the cloud was reached")


@invariant
def i19s_no_loop(outcome: "Outcome") -> Iterable[str]:
    """A version is tried once, and never again when it has failed. A soft reset goes on with the trial."""
    for version, entries in outcome.offers("SOFTWARE"):
        tries, is_first, has_failed = 0, False, False
        for entry in entries:
            if entry["event"] == "choose":
                is_first = entry["state"] == "trial"
            elif entry["event"] == "app" and entry["version"] == version and is_first:
                tries += 1
                is_first = False
                if has_failed:
                    yield f"{version} is tried again after it has failed"
            elif entry["event"] == "state":
                has_failed = has_failed or (entry["kind"] == "SOFTWARE" and entry["end"] in ("failed", "rolled_back"))
        if tries > 1:
            yield f"{version} was tried {tries} times"


@invariant
def i23s_restart(outcome: "Outcome") -> Iterable[str]:
    """However often it was restarted: the chosen tree is whole, confirmed, and what the last report says."""
    if outcome.stop or not outcome.story.has_files:
        return
    expected = outcome.story.begins_with
    for step, end in zip(outcome.story.steps, outcome.ends, strict=True):
        expected = step.version if step.kind == "SOFTWARE" and end == "updated" else expected
    holds = outcome.trees.get(outcome.choice.tree, BUILT_IN)
    if holds != expected or outcome.choice.state != "valid":
        yield f"{outcome.choice} holds {holds}, not {expected}"


@invariant
def i25s_version(outcome: "Outcome") -> Iterable[str]:
    """The version of the software that is told is the running application's; the firmware's if that is built in."""
    is_current = False  # what arrives after a boot on a link of the one before was sent by that one
    for entry in outcome.entries_of("boot", "connect", "version"):
        if entry["event"] != "version":
            is_current = entry["event"] == "connect"
            continue
        runs = entry["holds"] if entry.get("app") == BUILT_IN else entry.get("app")
        if is_current and entry["kind"] == "SOFTWARE" and entry["version"] != runs:
            yield f"software {entry['version']} is told, {runs} runs"
    asks = outcome.case.story in LWM2M_SOFTWARE  # a server that does, but for one whose device is gone again
    if outcome.story.of("SOFTWARE") and not asks and not outcome.told("version", "SOFTWARE"):
        yield "no version of the software was ever told"
