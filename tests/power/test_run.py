# SPDX-License-Identifier: MIT
"""One case, from the first power-on to the last."""

import pytest

from simulator.campaign.case import FAULTS, Case
from simulator.campaign.run import execute
from simulator.campaign.stories import STORIES, partitions, sources
from simulator.errors import UserError


@pytest.mark.parametrize("story", STORIES)
def test_run_without_faults_ends_as_the_story_says(story):
    outcome = execute(Case(story))
    assert outcome.ends == [step.end for step in STORIES[story].steps]
    assert not outcome.record()["violations"]


def test_run_of_the_same_case_twice_is_the_same_to_the_last_entry():
    """I24."""
    first, second = (execute(Case("update", 7, ("cut=30:random",))) for _ in range(2))
    assert first.entries == second.entries
    assert first.cuts == [30]


ENDLESS = b"""
import esp32
while True:
    esp32.Partition(esp32.Partition.RUNNING).readblocks(0, bytearray(16), 0)
"""


@pytest.mark.parametrize(
    "program", [b"raise RuntimeError('nothing works')", ENDLESS, b"import machine\nmachine.reset()"]
)
def test_run_that_never_ends_is_stuck_and_is_a_breach(program):
    record = execute(Case("update"), sources() | {"main.py": program}).record()
    assert record["end"] == "stuck"
    assert "I4" in [name for name, _ in record["violations"]]


class SpoiltApp:
    """The only app has lost some bits before the board ever started."""

    def attach(self, run):
        run.twin.flash.program(partitions()["ota_0"].offset + 5000, bytes(16))


def test_run_of_a_board_without_a_whole_app_is_unbootable(monkeypatch):
    monkeypatch.setitem(FAULTS, "spoilt", lambda arguments, rng: SpoiltApp())
    record = execute(Case("update", 0, ("spoilt=yes",))).record()
    assert record["end"] == "unbootable"
    assert "I1" in [name for name, _ in record["violations"]]


def test_run_of_an_unknown_story_is_refused():
    with pytest.raises(UserError, match="nonsense"):
        execute(Case("nonsense"))
