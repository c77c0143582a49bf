# SPDX-License-Identifier: MIT
"""The maker's own broker in the campaign: a sample of its cases, and that they can fail."""

import itertools

import pytest

from simulator.campaign import broker_cases, cuts
from simulator.campaign.case import Case
from simulator.campaign.run import execute
from simulator.campaign.stories import sources

BROKER = "ota/cloud/broker.py"
BUGS = {
    "hands out no command but the report's end": (
        BROKER,
        "        if packet_id == self._unacked:\n            self._unacked = -1\n",
        "        if packet_id == self._unacked:\n            pass\n",
        "broker seed=1",
    ),
    "never asks for the releases again": (
        BROKER,
        "        self.config = None\n        self._read()\n",
        "        self.config = self.config or None\n        if self._read_at is not None:\n            self._read()\n"
        "        self._read_at = None\n",
        "broker seed=1",
    ),
    "never asks for a lost chunk again": (
        "ota/source/tb_chunks.py",
        "        self._asks += 1\n        if self._asks >= _ASKS:\n",
        "        self._since = ticks_ms()\n        return\n        if self._asks >= _ASKS:\n",
        "broker seed=1 cloud=chunk=0:drop",
    ),
}


@pytest.mark.parametrize("story", ["broker", "broker-rollback"])
def test_cuts_of_the_power_are_all_survived(story):
    operations = execute(Case(story)).entries_of("op")
    for case in itertools.islice(cuts.everywhere(story, operations, 3, bytewise=()), 0, None, 17):
        assert execute(case).record()["violations"] == [], case


def test_faults_are_all_survived():
    for case in itertools.islice(broker_cases.all_cases(3), 0, None, 19):
        assert execute(case).record()["violations"] == [], case


@pytest.mark.parametrize("name", BUGS)
def test_planted_bug_is_found(name):
    file, old, new, case = BUGS[name]
    firmware = dict(sources())
    text = firmware[file].decode()
    assert text.count(old) == 1
    firmware[file] = text.replace(old, new).encode()
    assert execute(Case.parse(case), firmware).record()["violations"]
