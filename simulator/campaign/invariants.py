# SPDX-License-Identifier: MIT
"""The rules of reliability.md section 3, one named check each, over what a run has shown.

A check yields one line for each breach. What a run in this mode cannot show is judged by tests of its own:
I9, I21, I22 come with signatures; I10 (heap) tests/budget; I11 (limits of parsers) tests/wire and tests/unit;
I24 (same seed, same run) tests/power/test_run.py. What they say of trees of software is in software_invariants.py;
what is said of packages in general is judged here for both kinds.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from simulator.board import otadata
from simulator.board.chip import SOFT
from simulator.board.flash import SECTOR
from simulator.campaign.failing import MOST
from simulator.campaign.sides import SIDES
from simulator.campaign.sides.story_side import TERMINAL
from simulator.campaign.stories import FAILING, KINDS, LWM2M_SOFTWARE, OLD, RUNTIME

if TYPE_CHECKING:
    from simulator.campaign.outcome import Outcome

Check = Callable[["Outcome"], Iterable[str]]
INVARIANTS: dict[str, Check] = {}

RESUME_LIMIT = SECTOR + 4096  # bytes that one cut may cost: a sector and a chunk
RECORDS = 32  # journal records of one update (I13)
_RECORDS_OF_A_TRY = 6  # that has failed
_WATCHDOG = 3
_RETURNS = "ota returning"  # into what was verified once, and is by the chip now
_WITHOUT_RECORDS = "ota_0"  # what the bootloader starts when otadata selects nothing
_TRIES = 3  # of one image when flash or network fail; the power alone gives it one


def invariant(check: Check) -> Check:
    """Registers `i4_progress` as I4."""
    INVARIANTS[check.__name__.partition("_")[0].upper()] = check
    return check


# What nobody can keep, by what is broken (a regular expression). Without records the bootloader starts ota_0 and tries
# to write one at every boot; what NVS has forgotten is done and told once more, and what it cannot forget is told at
# every boot, whatever has been offered since; an image that reads right at the check and wrong at a later boot is
# replaced by the old one. Nobody checks files at a boot: when a sector fails under the application that runs, it is not
# whole any more, and on a file system that it cannot mount MicroPython starts nothing. If one of its first two sectors
# fails, littlefs leaves one that only this board can read, so its trees cannot be judged. Of an image without a
# checksum the chip itself is who reads it back, in set_boot(). A cloud that loses what three boots say of the version
# has never heard of it.
_BEYOND = {
    r":otadata\+": {"I13", "I23"},
    r":nvs\b": {"I6", "I8", "I13", "I14", "I19", "I23"},
    r"-error:nvs$": {"I7"},
    r"weak:spare\+": {"I13", "I23"},
    r":files\+": {"I3S", "I4"},
    r":files\+[01]\b": {"I1S", "I2S", "I7S", "I18S", "I23S"},
    r"weak:files\+": {"I1S", "I14", "I15", "I25S"},
    r"omit=file_md5": {"I2"},
    r"=configx\d+:drop": {"I25"},
}
# Where the chip cannot start NVS at all, nobody knows where the cloud is.
_NO_SETTINGS = {"I4"}
# And while there is no TLS: a wrong bit in a name, a state or an answer is another one, to either side. One in the
# image's own bytes excuses nothing.
_TOLD_WRONG = {"I4", "I6", "I7", "I14", "I19", "I23", "I25"}


def _is_broken(outcome: "Outcome", what: str) -> bool:
    return any(re.search(what, text) for text in outcome.case.faults)


def violations(outcome: "Outcome") -> Iterator[tuple[str, str]]:
    """(name, text) of every breach."""
    beyond = set().union(*(names for what, names in _BEYOND.items() if _is_broken(outcome, what)))
    if any("code=nvs_unusable" in entry["line"] for entry in outcome.entries_of("console")):
        beyond |= _NO_SETTINGS
    if any(not entry["in_image"] for entry in outcome.entries_of("flip")):
        beyond |= _TOLD_WRONG
    for name, check in INVARIANTS.items():
        for text in check(outcome) if name not in beyond else ():
            yield name, text


@invariant
def i1_boot(outcome: "Outcome") -> Iterable[str]:
    """Each boot starts a slot that holds one whole image, one of those that were offered or the first."""
    for entry in outcome.entries_of("boot"):
        if not entry["holds"]:
            yield f"boot {entry['number']} starts {entry['slot'] or 'nothing'}, which holds no whole image"


@invariant
def i2_order(outcome: "Outcome") -> Iterable[str]:
    """The other slot is activated only when it holds an image, all of it read since the last change of that slot."""
    running, read = None, set()
    blocks = -(-max((step.length for step in outcome.story.of("FIRMWARE")), default=0) // SECTOR)
    for entry in outcome.entries:
        kind = entry["event"]
        if kind == "boot":
            running, read = entry["slot"], set()
        elif kind == "op" and entry["area"].startswith("ota_"):
            read = set()
        elif kind == "read" and entry["label"] != running and entry["label"].startswith("ota_"):
            read.update(range(entry["offset"] // SECTOR, -(-(entry["offset"] + entry["size"]) // SECTOR)))
        elif kind == "set_boot" and entry["label"] != running:
            if not entry["holds"]:
                yield f"{entry['label']} is activated and holds no whole image"
            if not read >= set(range(blocks)):
                yield f"{entry['label']} is activated and was not read back"


@invariant
def i3_running_slot(outcome: "Outcome") -> Iterable[str]:
    """Nothing touches the slot that runs, nor anything outside the partitions; no slot changes during a trial."""
    running, on_trial = None, False
    areas = ("ota_0", "ota_1", "otadata", "nvs", *(["vfs"] if outcome.story.has_files else []))
    for entry in outcome.entries:
        kind = entry["event"]
        if kind == "boot":
            running, on_trial = entry["slot"], entry["on_trial"]
        elif kind == "mark_valid":
            on_trial = False
        elif kind == "op" and entry["by"] == "app":
            what = f"operation {entry['number']}: {entry['operation']} in {entry['area']}"
            if entry["area"] == running:
                yield f"{what}, which runs"
            elif entry["area"] not in areas:
                yield f"{what}, which is nobody's business"
            elif on_trial and entry["area"].startswith("ota_"):
                yield f"{what} while {running} is on trial"


@invariant
def i4_progress(outcome: "Outcome") -> Iterable[str]:
    """After the last cut every offer ends, soon, and as it should; a trial that lost its power may roll back.

    One cut costs one boot, and another one where it takes back a choice that was made (see `_lost_records`).
    """
    if outcome.stop:
        yield f"the run is {outcome.stop} after {outcome.boots} boots and {outcome.board_s:.0f} s"
        return
    side = SIDES[outcome.story.cloud]
    spare = max(len(outcome.cuts), 0 if outcome.is_cuts_only else len(outcome.case.faults))
    is_one_cut = outcome.is_cuts_only and spare == 1
    extra = 1 + _lost_records(outcome.entries) if is_one_cut else 2 * spare
    if any(step.breaks == "later" for step in outcome.story.steps):
        extra += 4 if outcome.lost_return else 1  # it is tried once more; a crash was not counted
    if outcome.case.story in FAILING:
        extra += (MOST + 1) * spare  # crashes are counted anew, or there is one more
    if outcome.boots > outcome.clean_boots + extra:
        yield f"{outcome.boots} boots, {outcome.clean_boots} without {spare} faults, {extra} more are allowed"
    if not outcome.is_cuts_only:
        return
    is_given_up = len(outcome.cuts) >= side.STARTS
    for step, end in zip(outcome.story.steps, outcome.ends, strict=True):
        is_excused = (end == "rolled_back" and outcome.lost_trial(step)) or (end == "failed" and is_given_up)
        is_excused = is_excused or (step.breaks == "later" and outcome.lost_return)  # then it stays, and comes again
        is_needy = outcome.case.story in RUNTIME and step.kind == "SOFTWARE"
        is_excused = is_excused or (is_needy and outcome.ends[1:] == ["rolled_back", "failed"])
        if end != step.end and not is_excused:
            yield f"{step.version} ended as {end} instead of {step.end}"
    sent = sum(entry["length"] for entry in outcome.entries_of("bytes"))
    most = sum(step.size + side.HEAD for step in outcome.story.steps) + spare * (2 * SECTOR + side.AHEAD)
    if sent > most:
        yield f"the cloud sent {sent} bytes, {most} would do after {spare} cuts"


@invariant
def i5_resume(outcome: "Outcome") -> Iterable[str]:
    """What one cut makes the board fetch and write again is at most a sector and a chunk."""
    limit = len(outcome.cuts) * RESUME_LIMIT
    if outcome.is_cuts_only and outcome.redownloaded > limit:
        yield f"{outcome.redownloaded} bytes were downloaded again, {limit} are allowed"


@invariant
def i6_once(outcome: "Outcome") -> Iterable[str]:
    """One terminal state an offer; repeated only after a lost answer; nothing of the job follows. No state without.

    No word but of what is offered, and none that nobody can read.
    """
    yield from (f"{entry['text']} is told, which nobody can read" for entry in outcome.entries_of("nonsense"))
    for kind in KINDS:
        is_left = {step.version for step in outcome.story.of(kind) if step.breaks == "later"}
        for version, entries in outcome.offers(kind):
            yield from _told_twice(version, kind, entries, version in is_left)
        waits = outcome.journal_of(kind).get("outbox")
        if waits and not outcome.stop:
            yield f"the end of the last {kind} is still waiting to be told"
        if kind not in outcome.story.kinds and outcome.told("state", kind):
            yield f"a state of {kind} is told, which was never offered"


def _told_twice(version: str, kind: str, entries: list[dict], is_left: bool) -> Iterable[str]:
    """`is_left`: what was updated may be left later, and that is the end then."""
    terminal, is_excused, is_back = None, True, False
    for entry in entries:
        is_back = is_back or (entry["event"] == "unassigned" and entry["type"] == kind)
        if entry["event"] in ("off", "reset", "close"):
            is_excused = True
        if entry["event"] != "state" or entry["kind"] != kind:
            continue
        word = entry["word"]
        if entry["end"] == "withdrawn" and not is_back:
            yield f"{version} is given up, which nobody has taken back"
        if entry["version"] not in (None, version):
            yield f"{word} is told of {entry['version']}, offered is {version}"
        if is_left and entry["end"] == "rolled_back":
            terminal, is_left = None, False
        if terminal and word != terminal:
            yield f"{version}: {word} after {terminal}"
        elif terminal and not is_excused:
            yield f"{version}: {word} twice on one connection"
        if entry["end"] in TERMINAL:
            terminal, is_excused = word, False


@invariant
def i7_truth(outcome: "Outcome") -> Iterable[str]:
    """Updated: that version runs, is selected and confirmed. Failed or rolled back: it is not what is selected."""
    has_records = not _is_broken(outcome, r":otadata\+")
    for version, entries in outcome.offers():
        for entry in entries:
            if entry["event"] != "state" or entry["kind"] != "FIRMWARE" or entry["end"] not in (*TERMINAL, "withdrawn"):
                continue
            facts = f"{entry.get('holds')} runs in {entry.get('running')}, {entry.get('selected')} is selected"
            if entry["end"] == "updated":
                is_true = entry["holds"] == version and entry["running"] == entry["selected"]
                if not is_true or (has_records and entry["record"] != otadata.VALID):
                    yield f"{entry['word']} for {version}, but {facts}, state {entry['record']}"
            elif entry["holds"] == version or (
                has_records and entry["running"] != (entry["selected"] or _WITHOUT_RECORDS)
            ):
                yield f"{entry['word']} for {version}, but {facts}"


@invariant
def i8_monotone(outcome: "Outcome") -> Iterable[str]:
    """The journal's sequence number, the one counter there is before signatures, never falls from boot to boot."""
    numbers = [entry["sequence"] for entry in outcome.entries_of("boot") if entry["slot"]]
    for before, after in itertools.pairwise(numbers):
        if after < before:
            yield f"journal record {before} is followed by {after}"


@invariant
def i12_time(outcome: "Outcome") -> Iterable[str]:
    """The watchdog bites only in a trial: otherwise no step lasts that long."""
    on_trial = has_app_on_trial = False
    for entry in outcome.entries_of("boot", "app", "choose", "reset"):
        if entry["event"] == "boot":
            on_trial = entry["on_trial"]
        elif entry["event"] == "app":
            has_app_on_trial = entry["choice"].state == "trial"
        elif entry["event"] == "choose":
            has_app_on_trial = entry["state"] == "trial"
        elif entry["cause"] == _WATCHDOG and not on_trial and not has_app_on_trial:
            yield f"the watchdog bites at {entry['ms']} ms, outside a trial"


@invariant
def i13_wear(outcome: "Outcome") -> Iterable[str]:
    """A slot sector is erased once an update and once more a cut; few records; nothing is written when all is done."""
    for sector, times in outcome.slot_erases.items():
        most = len(outcome.story.of("FIRMWARE")) + len(outcome.cuts)
        if outcome.is_cuts_only and times > most:
            yield f"sector {sector} was erased {times} times, {most} are allowed"
    steps, cuts = len(outcome.story.steps), len(outcome.cuts)
    written = outcome.journals["FIRMWARE"][0] - 1
    tries = sum(entry["end"] == "again" for entry in outcome.entries_of("state"))
    if written > RECORDS * steps + 2 * cuts + _RECORDS_OF_A_TRY * tries:
        yield f"{written} journal records"
    idle = [entry for entry in outcome.cycle(1) if entry["event"] == "op"]
    if any(
        "reset=hard" in text for text in outcome.case.faults
    ):  # a crash, that is forgotten after a minute without one
        idle = [entry for entry in idle if entry["area"] != "nvs"]
    if len(idle) > 0:
        yield f"{len(idle)} flash operations when all was done, the first in {idle[0]['area']}"


@invariant
def i14_replay(outcome: "Outcome") -> Iterable[str]:
    """The last offer, told again after its end, is not taken up, nor reported once more."""
    for entry in outcome.cycle(0):
        if entry["event"] == "state":
            yield f"{entry['word']} when all was done"
        elif entry["event"] == "bytes":
            yield "a download when all was done"


@invariant
def i15_containment(outcome: "Outcome") -> Iterable[str]:
    """No traceback, and no program that ends, but of the image that is broken on purpose."""
    breaks = {step.version for step in outcome.story.steps if step.breaks == "crash"}
    breaks |= {OLD} if outcome.case.story in FAILING else set()  # see W6
    runs: set[str | None] = set()
    for entry in outcome.entries_of("boot", "app", "console", "repl"):
        if entry["event"] == "boot":
            runs = {entry["holds"]}
        elif entry["event"] == "app":
            runs.add(entry["version"])
        elif not runs & breaks and (entry["event"] == "repl" or "Traceback" in entry["line"]):
            yield f"{runs}: {entry.get('line', 'the program has ended')}"


@invariant
def i16_closed(outcome: "Outcome") -> Iterable[str]:
    """No way around the check: "verified" is said in the same boot before a slot is activated."""
    running, is_verified = None, False
    for entry in outcome.entries_of("boot", "console", "set_boot", "op"):
        if entry["event"] == "boot":
            running, is_verified = entry["slot"], False
        elif entry["event"] == "console":
            is_verified = is_verified or entry["line"] == "ota verified" or entry["line"].startswith(_RETURNS)
        elif entry["event"] == "op" and entry["area"].startswith("ota_"):
            is_verified = False
        elif entry["event"] == "set_boot" and entry["label"] != running and not is_verified:
            yield f"{entry['label']} is activated unverified"


@invariant
def i17_one_parse(outcome: "Outcome") -> Iterable[str]:
    """What is activated is what starts: from one to the other the slot does not change."""
    activated: dict[str, str | None] = {}
    for entry in outcome.entries_of("set_boot", "boot"):
        if entry["event"] == "set_boot":
            activated[entry["label"]] = entry["holds"]
        elif entry["on_trial"] and activated.get(entry["slot"], entry["holds"]) != entry["holds"]:
            yield f"{entry['slot']} was activated as {activated[entry['slot']]} and starts as {entry['holds']}"


@invariant
def i18_confirm(outcome: "Outcome") -> Iterable[str]:
    """A trial is confirmed only after the cloud has answered in the same boot, and never an image that is broken."""
    broken = {step.version for step in outcome.story.steps if step.breaks in ("crash", "unhealthy")}
    holds, on_trial, has_answer = None, False, False
    for entry in outcome.entries_of("boot", "answer", "mark_valid"):
        if entry["event"] == "boot":
            holds, on_trial, has_answer = entry["holds"], entry["on_trial"], False
        elif entry["event"] == "answer":
            has_answer = True
        elif on_trial and holds in broken:
            yield f"{holds} is confirmed, which is broken"
        elif on_trial and not has_answer:
            yield f"{holds} is confirmed before the cloud was reached"


@invariant
def i19_no_loop(outcome: "Outcome") -> Iterable[str]:
    """An image is tried once, and never again when it has failed; with other faults than cuts at most three times.

    A cut while the bootloader or the confirmation rewrites its boot record takes the choice back (esp32.md 0, fact 6):
    then nobody knows that it was tried. After a soft reset the same try goes on: the bootloader is not asked, and
    Ctrl-D changes nothing (esp32.md 3.3, reliability.md F175).
    """
    for version, entries in outcome.offers():
        tries, has_failed, is_soft = 0, False, False
        for entry in entries:
            if entry["event"] == "reset":
                is_soft = entry["cause"] == SOFT
            elif entry["event"] == "off":
                is_soft = False
            elif entry["event"] == "boot" and not is_soft and entry["on_trial"] and entry["holds"] == version:
                tries += 1
                if has_failed:
                    yield f"{version} is tried again after it has failed"
            elif entry["event"] == "state":
                has_failed = has_failed or (entry["kind"] == "FIRMWARE" and entry["end"] in ("failed", "rolled_back"))
        leaves = any(step.breaks == "leaves" and step.version == version for step in outcome.story.steps)  # and goes on
        if tries > (1 + leaves + _lost_records(entries) if outcome.is_cuts_only else _TRIES):
            yield f"{version} was tried {tries} times"


def _lost_records(entries: list[dict]) -> int:
    """Cuts in the midst of a boot record that somebody else than `set_boot` was writing."""
    lost, last, is_choosing = 0, None, False
    for entry in entries:
        if entry["event"] in ("set_boot", "mark_valid", "boot"):
            is_choosing = entry["event"] == "set_boot"
        elif entry["event"] == "op":
            last = entry
        elif entry["event"] == "off" and last and last["area"] == "otadata":
            lost += not is_choosing or last["by"] == "bootloader"
    return lost


@invariant
def i20_secrets(outcome: "Outcome") -> Iterable[str]:
    """The token, or the key, is in no line of the console and in nothing that is told to the cloud."""
    for entry in outcome.entries_of("console", "said", "nonsense"):
        text = entry["line"] if entry["event"] == "console" else entry["text"]
        if outcome.secret in text:
            yield f"the secret is in {text!r}"


@invariant
def i23_restart(outcome: "Outcome") -> Iterable[str]:
    """However often it was restarted: the selected slot holds what the last report says, confirmed; no job is open."""
    if outcome.stop:
        return
    expected = OLD
    for step, end in zip(outcome.story.steps, outcome.ends, strict=True):
        expected = step.version if step.kind == "FIRMWARE" and end == "updated" else expected
    slot, state = outcome.selected
    is_kept = state == otadata.VALID if slot else True  # without a record there is nothing to confirm
    if outcome.holds[slot or _WITHOUT_RECORDS] != expected or not is_kept:
        yield f"{slot} is selected, state {state}, and holds {outcome.holds.get(slot or '')}, not {expected}"
    for kind in KINDS:
        job = outcome.journal_of(kind).get("job")
        if job:
            yield f"the journal of {kind} still has a job, {job.get('stage')}"
    if outcome.open_files:
        yield f"{outcome.open_files} files are still open"


@invariant
def i25_version(outcome: "Outcome") -> Iterable[str]:
    """The version that is told is that of the slot that runs; it is told after each boot of a whole firmware."""
    is_current = False  # what arrives after a boot on a link of the one before was sent by that one
    for entry in outcome.entries_of("boot", "connect", "version"):
        if entry["event"] != "version":
            is_current = entry["event"] == "connect"
        elif is_current and entry["kind"] == "FIRMWARE" and entry["version"] != entry["holds"]:
            yield f"version {entry['version']} is told, {entry['holds']} runs"
    if outcome.case.story not in LWM2M_SOFTWARE and not outcome.told("version", "FIRMWARE"):
        yield "no version was ever told"
