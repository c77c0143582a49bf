# SPDX-License-Identifier: MIT
"""The search for an order of events that breaks a promise: drawn by hypothesis here, by the campaign from seeds.

After every step the schedule so far is played to its end and judged, so each is a case that `replay` takes.
"""

import re

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from simulator.campaign.case import Case
from simulator.campaign.run import execute
from simulator.campaign.search import MOST_STEPS, RULES_OF_PLAY, cases, schedule, search
from simulator.campaign.stories import BROKER, RAINMAKER, THINGSBOARD

EXAMPLES, STEPS = 25, 6


class Schedules(RuleBasedStateMachine):
    """One rule of the machine for each rule of play; `judge` says what it thinks of a case."""

    judge = staticmethod(lambda case: execute(case).record()["violations"])

    @initialize(story=st.sampled_from(THINGSBOARD), seed=st.integers(0, 99))
    def begin(self, story, seed):
        self.case = Case(story, seed)

    @invariant()
    def nothing_is_violated(self):
        if hasattr(self, "case"):
            found = self.judge(self.case)
            note(f'python -m simulator replay "{self.case}"')
            assert not found, f'python -m simulator replay "{self.case}": {found}'


def _step(make):
    def step(self, rng):
        self.case = Case(self.case.story, self.case.seed, (*self.case.faults, make(rng)))

    return rule(rng=st.randoms(use_true_random=False))(step)


for _name, _make in RULES_OF_PLAY.items():
    setattr(Schedules, _name, _step(_make))


def searched(machine, examples=EXAMPLES) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck), print_blob=False,
        ),
    )  # fmt: skip


@pytest.mark.timeout(300)
def test_search_finds_no_schedule_that_breaks_a_promise():
    searched(Schedules)


def test_search_that_finds_something_shrinks_it_and_tells_how_to_replay_it():
    class Strict(Schedules):
        judge = staticmethod(lambda case: ["no resets"] if any("reset=" in text for text in case.faults) else [])

    with pytest.raises(AssertionError) as caught:
        searched(Strict, 60)
    line = re.search(r'replay "([^"]*)"', str(caught.value))[1]
    assert len(Case.parse(line).faults) == 1


def test_search_every_rule_makes_a_fault_that_attaches():
    names = {text.partition("=")[0] for case in cases(300) for text in case.faults}
    assert {"cut", "later", "net", "cloud", "mqtt"} == names
    for case in cases(300):
        assert Case.parse(str(case)) == case
        assert case.make_faults()
        assert 1 <= len(case.faults) <= MOST_STEPS


def test_search_schedule_of_a_number_is_always_the_same():
    assert schedule(7) == schedule(7) != schedule(8)
    assert {schedule(seed).story for seed in range(300)} == set(THINGSBOARD)
    for cloud, stories in (("rainmaker", RAINMAKER), ("broker", BROKER)):
        assert {schedule(seed, cloud).story for seed in range(100)} == set(stories)


def test_search_by_seed_yields_a_clean_record_for_each_schedule():
    records = list(search(40, seed=3))
    assert [record["case"] for record in records] == [str(case) for case in cases(40, seed=3)]
    assert not [record for record in records if record["violations"]]
    assert {record["end"] for record in records} >= {"updated", "rolled_back"}
