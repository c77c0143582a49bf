# SPDX-License-Identifier: MIT
"""Faults of reliability.md, section 2, as cases of the campaign: no rule is broken, and the job ends as it should.

Samples, small enough for every change; `make powercut` takes every place. docs/faults.md has the whole list.
"""

import functools
import itertools

import pytest

from simulator.board.flash import SECTOR
from simulator.board.otadata import RECORD_SIZE
from simulator.board.story import says
from simulator.campaign import cuts, stories
from simulator.campaign.case import Case
from simulator.campaign.outcome import Outcome
from simulator.campaign.run import Run, execute
from simulator.campaign.talk import listen

_FIRST_CHUNK = 700  # bytes to the device before it; a wrong bit in those is another offer, as there is no TLS


@functools.cache
def clean(story: str = "update") -> Outcome:
    """The story without faults."""
    return execute(Case(story))


def play(*faults: str, story: str = "update", seed: int = 0) -> Outcome:
    """Runs a case, in which no rule may be broken."""
    outcome = execute(Case(story, seed, faults))
    assert outcome.record()["violations"] == [], str(outcome.case)
    return outcome


def boot_record_writes(story: str) -> list[dict]:
    """The operations on otadata of the story without faults."""
    return [entry for entry in clean(story).entries_of("op") if entry["area"] == "otadata"]


def ends(outcomes: list[Outcome]) -> set[str]:
    return {outcome.end for outcome in outcomes}


def test_f012_a_boot_record_cut_in_its_midst_leaves_a_board_that_boots():
    writes = [entry for entry in boot_record_writes("update") if entry["operation"] == "program"]
    assert len(writes) >= 3  # selected, on trial, confirmed
    for entry in writes:
        runs = [play(f"cut={entry['number']}:byte:{count}") for count in range(1, entry["size"], 2)]
        assert all(run.cuts == [entry["number"]] for run in runs)
        assert ends(runs) <= {"updated", "rolled_back"}


def test_f018_a_rollback_that_is_cut_is_made_up_for_within_two_boots():
    writes = boot_record_writes("rollback")
    assert len(writes) >= 4
    for entry, mode in itertools.product(writes, cuts.MODES):
        run = play(f"cut={entry['number']}:{mode}", story="rollback")
        assert run.cuts == [entry["number"]]
        assert (run.end, run.extra_boots <= 2) == ("rolled_back", True)


def test_f019_any_two_cuts_end_as_one_does():
    count = len(clean().entries_of("op"))
    pairs = cuts.pairs("update", count, tuple(itertools.product(cuts.MODES, repeat=2)))
    runs = [play(*case.faults) for case in itertools.islice(pairs, 0, None, 701)]
    assert len(runs) > 50
    assert ends(runs) <= {"updated", "rolled_back"}


def test_f067_bytes_that_trickle_are_waited_for():
    run = play("net=dribble:30000:8")
    assert run.end == "updated"
    assert run.board_s > clean().board_s + 20


def test_f080_a_flipped_bit_on_the_way_is_caught():
    down, _ = listen("update")
    last_chunk = max(part.end for part in down.said if part.end - part.start > 1000)
    places = range(_FIRST_CHUNK, last_chunk, 389)
    runs = [play(f"net=flip:{at}", seed=at) for at in places]
    assert ends(runs) == {"updated"}
    assert sum(bool(run.redownloaded) for run in runs) > len(places) // 2


@pytest.mark.parametrize("record", [0, 1])
def test_f044_a_flipped_bit_of_a_boot_record_leaves_a_board_that_runs_and_says_what(record):
    """tests/unit/test_otadata.py looks at each bit; here a board is started with some of them."""
    before = Run(Case("update"))
    before.play()
    start = stories.partitions()["otadata"].offset + record * SECTOR
    running = set()
    for bit in range(0, 8 * RECORD_SIZE, 5):
        run = Run(Case("update"))
        run.cells[:] = before.cells
        run.cells[start + bit // 8] ^= 1 << bit % 8
        with run.twin:
            assert run.twin.run(lambda event: says(event, "idle"), max_boots=1), bit
        boot, version = (run.recorder.entries[n] for n in _first(run, "boot", "version"))
        assert version["version"] == boot["holds"]
        assert not any(entry["event"] == "state" for entry in run.recorder.entries)
        assert not any("Traceback" in line for line in run.twin.story.lines)
        running.add(boot["holds"])
    assert running == ({"1.1.0"} if record == 0 else {"1.1.0", "1.0.0"})  # the other one where its number was lost


def _first(run: Run, *kinds: str) -> list[int]:
    """Where the first entry of each kind is."""
    return [next(n for n, entry in enumerate(run.recorder.entries) if entry["event"] == kind) for kind in kinds]
