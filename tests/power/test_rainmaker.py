# SPDX-License-Identifier: MIT
"""A share of the campaign's cases with ESP RainMaker for every change, and those that have found something."""

import itertools

import pytest

from simulator.campaign import branches, facts, plan, rainmaker_cases
from simulator.campaign.case import Case
from simulator.campaign.engine import sweep
from simulator.campaign.planted import hunt
from simulator.campaign.planted_rainmaker import RAINMAKER_BUGS
from simulator.campaign.run import Run, execute
from simulator.campaign.sides.rainmaker import RainMakerStory
from simulator.errors import UserError

FOUND = (  # what the agent did wrong before
    "rainmaker cloud=success:drop",  # success was said twice
    "rainmaker-stream cloud=successx3:drop cut=50:after",
    "rainmaker-stream cloud=otaurl:omit=file_size",  # the application stood still
    "rainmaker-stream net=cut:800",  # a job that was on its way when the line was lost came a day later
    "rainmaker-stream net=silence:17",
)
QUICK = {
    "says success before the reboot": "I7",
    "says success again when the job is offered before the first was acknowledged": "I6",
    "hears of other jobs between rebooting and the reset": "I6",
    "starts whatever the window is while the clock is unknown": "R24",
    "takes blocks of another file": "R35",
    "forgets at a reset what its user has switched off": "C5",
}


def breaches(records) -> list[tuple[str, list]]:
    return [(record["case"], record["violations"]) for record in records if record["violations"]]


def test_faults_here_and_there_break_no_invariant():
    cases = list(itertools.islice(rainmaker_cases.all_cases(3), 0, None, 11))
    assert breaches(sweep(cases, 2)) == []


@pytest.mark.parametrize("line", FOUND)
def test_case_that_has_found_something_breaks_no_invariant_any_more(line):
    assert breaches([execute(Case.parse(line)).record()]) == []


def test_what_the_node_s_user_writes_is_cut_at_every_byte_and_off_is_off_after_any_reset():
    outcome = execute(Case("rainmaker-switched"))
    words = [entry["word"] for entry in outcome.entries_of("state")]
    assert (words[:2], outcome.ends) == (["delayed", "in-progress"], ["updated"])
    written = facts.of_number("rainmaker-switched", "enabled")
    assert [entry["size"] for entry in written] == [32, 4, 32, 4, 4], "an entry of NVS and its bits, twice"
    cases = list(plan.params_cases(3))
    assert sum(":byte:" in str(case) for case in cases) == sum(entry["size"] - 1 for entry in written)
    assert breaches(branches.records(cases)) == []


@pytest.mark.parametrize("text", ["params=Enabled", "params=Enabled:no", "params=Enabled:true:x"])
def test_parameter_that_makes_no_sense_is_refused(text):
    with pytest.raises(UserError):
        Run(Case("rainmaker", 0, (text,)))


def test_stream_is_cut_at_the_seam_between_its_batches():
    outcome = execute(Case("rainmaker-stream"))
    asked = [(entry["o"], entry["n"]) for entry in outcome.entries_of("stream_request")]
    assert [first for first, _ in asked] == [0, 0, 4], "the beginning, one batch, another"


@pytest.mark.parametrize("name", QUICK)
def test_planted_bug_is_caught(name):
    catch = hunt(next(bug for bug in RAINMAKER_BUGS if bug.name == name))
    assert catch.case is not None
    assert QUICK[name] in catch.invariants


def test_board_and_cloud_have_the_same_certificates_whenever_they_are_made():
    """A board's flash depends on nothing but the case: the digest is that of another day."""
    first, second = (RainMakerStory.of(0).board() for _ in range(2))
    assert first == second
    assert (len(first["cert"]), len(first["key"]), len(first["ca"])) == (473, 227, 477)


@pytest.mark.parametrize("text", ["push=whole", "unassign=3000", "cloud=telemetry:mute"])
def test_fault_of_another_cloud_is_refused(text):
    with pytest.raises(UserError):
        Run(Case("rainmaker", 0, (text,)))
