# SPDX-License-Identifier: MIT
"""Faults of reliability.md, section 2, as cases of the campaign: no rule is broken, and the job ends as it should.

Samples, small enough for every change; `make powercut` takes every place. docs/faults.md has the whole list.
"""

import functools
import itertools

from simulator.campaign import cuts, fault_cases, mqtt_faults
from simulator.campaign.case import Case
from simulator.campaign.outcome import Outcome
from simulator.campaign.run import execute

BLOCKS = range(5)  # of the image
_FIRST_CHUNK = 700  # bytes to the device before it; a wrong bit in those is another offer, as there is no TLS
ALWAYS, ONCE = "", ":1"


@functools.cache
def clean(story: str = "update") -> Outcome:
    """The story without faults."""
    return execute(Case(story))


def play(*faults: str, story: str = "update", seed: int = 0) -> Outcome:
    """Runs a case, in which no rule may be broken."""
    outcome = execute(Case(story, seed, faults))
    assert outcome.record()["violations"] == [], str(outcome.case)
    return outcome


def flash(kind: str, times: str, story: str = "update") -> list[Outcome]:
    """This fault at each block of the spare slot in turn, once the board is on line."""
    return [play(f"later={fault_cases.BEGIN_MS}:flash={kind}:spare+{n}{times}", story=story) for n in BLOCKS]


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


def test_f025_a_program_that_fails_is_tried_again_and_then_given_up():
    assert ends(flash("program-error", ONCE)) == {"updated"}
    assert ends(flash("program-error", ALWAYS)) == {"failed"}


def test_f026_a_program_that_does_nothing_is_found_by_reading_back():
    once = flash("noop-program", ONCE)
    assert ends(once) == {"updated"}
    assert all(run.redownloaded for run in once)
    assert ends(flash("noop-program", ALWAYS)) == {"failed"}


def test_f027_an_erase_that_fails_is_tried_again_and_then_given_up():
    assert ends(flash("erase-error", ONCE)) == {"updated"}
    assert ends(flash("erase-error", ALWAYS)) == {"failed"}


def test_f028_an_erase_that_does_nothing_is_found_by_reading_back():
    used = [play(f"flash=noop-erase:spare+{n}", story="fallback") for n in (0, 1)]  # there is an old image in these
    assert all(run.ends[0] == "failed" for run in used)


def test_f029_a_stuck_bit_anywhere_is_found_or_does_no_harm():
    for kind in ("stuck-0", "stuck-1"):
        runs = [play(f"flash={kind}:spare+{bit % 5}:{bit}") for bit in range(9, 32768, 1021)]
        assert ends(runs) == {"updated", "failed"}  # half of the bits are what they are stuck at


def test_f032_a_read_that_fails_is_tried_again_and_then_given_up():
    assert ends(flash("read-error", ONCE)) == {"updated"}
    assert ends(flash("read-error", ALWAYS)) == {"failed"}


def test_f033_bits_that_read_this_way_and_that_are_found_or_do_no_harm():
    runs = [play(f"flash=weak:spare+{bit % 5}:{bit}", seed=bit) for bit in range(9, 32768, 1021)]
    assert ends(runs) <= {"updated", "rolled_back", "failed"}
    assert any(run.redownloaded for run in runs)


def test_f038_slow_flash_takes_longer_and_nothing_else():
    for times in (3, 10):
        run = play(f"flash=slow:all:{times}")
        assert (run.end, run.boots) == ("updated", clean().boots)
        assert run.board_s > clean().board_s


def test_f065_a_link_that_is_reset_at_any_byte_is_made_again():
    down, up = fault_cases.SESSION_BYTES
    runs = [play(f"net=cut:{at}") for at in range(1, down, 499)] + [play(f"net=cut:{at}:up") for at in range(1, up, 23)]
    assert ends(runs) == {"updated"}
    assert sum(len(run.entries_of("connect")) > len(clean().entries_of("connect")) for run in runs) > 0.8 * len(runs)


def test_f066_a_link_that_dies_at_any_byte_is_noticed():
    down, _ = fault_cases.SESSION_BYTES
    runs = [play(f"net=silence:{at}") for at in range(1, down, 997)]
    assert ends(runs) == {"updated"}
    assert min(run.board_s for run in runs) > clean().board_s


def test_f067_bytes_that_trickle_are_waited_for():
    run = play("net=dribble:30000:8")
    assert run.end == "updated"
    assert run.board_s > clean().board_s + 20


def test_f072_names_that_do_not_resolve_are_asked_again():
    run = play("net=noname:600")
    assert run.end == "updated"
    assert run.board_s > 600


def test_f076_a_captive_portal_is_no_cloud():
    run = play("net=portal:3")
    assert run.end == "updated"
    assert run.board_s > clean().board_s


def test_f080_a_flipped_bit_on_the_way_is_caught():
    down, _ = fault_cases.SESSION_BYTES
    places = range(_FIRST_CHUNK, down - 200, 389)
    runs = [play(f"net=flip:{at}", seed=at) for at in places]
    assert ends(runs) == {"updated"}
    assert sum(bool(run.redownloaded) for run in runs) > len(places) // 2


def test_f116_malformed_packets_cost_the_link_at_most():
    for kind in ("short", "long-length", "long-topic", "bad-utf8"):
        assert ends([play(f"mqtt={kind}:{chunk}") for chunk in fault_cases.POINTS]) == {"updated"}, kind


def test_f158_f159_a_clock_that_jumps_changes_nothing():
    jumps = ("jump:315360000", "jump:-86400", "set:2145916800", "set:4102444800")  # ten years, a day, 2038, 2100
    for jump, ms in itertools.product(jumps, fault_cases.MOMENTS_MS):
        run = play(f"later={ms}:clock={jump}")
        assert (run.end, run.board_s) == ("updated", clean().board_s)


def test_f160_ticks_that_wrap_at_any_time_change_nothing():
    for ms in range(100, 4000, 100):
        run = play(f"ticks={ms}")
        assert (run.end, run.board_s) == ("updated", clean().board_s)


def test_f168_pushes_that_make_no_sense_change_nothing():
    for kind in mqtt_faults.PUSHES:
        assert play(f"later=1500:push={kind}").end == "updated", kind
