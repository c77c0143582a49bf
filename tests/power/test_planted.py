# SPDX-License-Identifier: MIT
"""The campaign can fail. All planted bugs are `make powercut-selftest`; here are those that a few cases find."""

import pytest

from simulator.campaign.planted import PLANTED, Planted, hunt
from simulator.campaign.stories import sources
from simulator.errors import UserError

QUICK = {
    "activates without reading back": "I2",
    "installs into the running slot": "I4",
    "never confirms": "I7",
    "confirms before it has reached the cloud": "I18",
    "reports again what was acknowledged": "I6",
    "takes the older of two journal records": "I14",
    "tells the wrong version": "I25",
    "writes its token to the log": "I20",
}


def test_planted_bugs_are_many_and_each_can_still_be_planted():
    assert len(PLANTED) >= 25
    assert len({bug.name for bug in PLANTED}) == len(PLANTED)
    for bug in PLANTED:
        assert bug.sources()[bug.file] != sources()[bug.file]


def test_planted_bug_whose_line_has_gone_is_refused():
    with pytest.raises(UserError) as refusal:
        Planted("old", "ota/slot.py", "no such line", "").sources()
    assert refusal.value.code == "planted_rotten"


def test_planted_bug_takes_all_of_its_lines():
    bug = Planted("two", "ota/slot.py", "class Slot", "class Slit", also=(("ota/log.py", "def log(", "def lag("),))
    changed = {name for name, text in bug.sources().items() if text != sources()[name]}
    assert changed == {"ota/slot.py", "ota/log.py"}


def test_planted_bug_one_of_whose_lines_has_gone_is_refused():
    with pytest.raises(UserError) as refusal:
        Planted("old", "ota/slot.py", "class Slot", "class Slit", also=(("ota/log.py", "no such line", ""),)).sources()
    assert refusal.value.code == "planted_rotten"


@pytest.mark.parametrize("name", QUICK)
def test_planted_bug_is_caught(name):
    catch = hunt(next(bug for bug in PLANTED if bug.name == name))
    assert catch.case is not None
    assert QUICK[name] in catch.invariants
