# SPDX-License-Identifier: MIT
"""Every item of the sheets' checklists has a test that bears its name, those of the board on each interpreter.

thingsboard.md section 8: A of the agent, M of the mock. rainmaker.md section 11: R up to 39 of the agent, from R40 on
of the mock. particle.md section 11: P, what a product and its cloud have to say; all of its thirty apply to us, P30 to
the maker's tool. lwm2m.md section 9: L of the agent, and what its items ask of the mock, `LM`.
"""

import re
import subprocess
import sys
from collections import defaultdict

import pytest

from simulator.interpreters import NAMES, ROOT

AGENT = [*(f"A{number}" for number in range(1, 37)), *(f"R{number}" for number in range(1, 40))]
AGENT += [*(f"P{number}" for number in range(1, 30)), *(f"L{number}" for number in range(1, 58))]
CLOUD = ["P30", *(f"M{number}" for number in range(1, 28)), *(f"R{number}" for number in range(40, 57))]
CLOUD += [f"LM{number}" for number in (*range(1, 9), 12, 18, 19, 27, 29, 30, 37, 38, 42, 46, 47, 49, 51, 52, 53, 58)]
MORE = [f"LM{number}" for number in range(1, 58)]  # what the board is asked in the others
_OF_MOCK = re.compile(r"::test_((?:l\d\d_)+)m_")  # may be for several items
_TEST = re.compile(
    r"^(?P<file>\S+)::test_(?!(?:l\d\d_)+m_)(?P<letter>[almrp])0*(?P<number>\d+)_\w*(?:\[(?P<parameters>.*)\])?$"
)


def items(listing: str) -> dict[str, set[str]]:
    """For each id that a test is named after: the interpreters it runs on, "" for a test that needs none."""
    found = defaultdict(set)
    for line in listing.splitlines():
        match = _TEST.match(line)
        if match:
            on = set((match["parameters"] or "").split("-")) & set(NAMES)
            found[match["letter"].upper() + match["number"]] |= on or {""}
        for numbers in _OF_MOCK.findall(line):
            for number in re.findall(r"\d+", numbers):
                found[f"LM{int(number)}"].add("")
    return found


@pytest.fixture(scope="module")
def collected() -> dict[str, set[str]]:
    """What pytest itself would run."""
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-n",
        "0",
        "tests/agent",
        "tests/clouds",
        "tests/publish",
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return items(done.stdout)


def test_items_of_the_agent_have_tests_on_every_interpreter(collected):
    assert {item: set(NAMES) - collected[item] for item in AGENT if set(NAMES) - collected[item]} == {}


def test_items_of_the_cloud_and_the_maker_have_tests(collected):
    assert [item for item in CLOUD if not collected[item]] == []


def test_items_that_are_none_name_no_test(collected):
    assert sorted(set(collected) - {*AGENT, *CLOUD, *MORE}) == []


def test_items_map_would_notice():
    listing = """
tests/agent/test_x.py::test_a05_either_order[micropython32-deleted-first]
tests/agent/test_x.py::test_a05_either_order[cpython-deleted-first]
tests/agent/lwm2m/test_x.py::test_l08_reads[micropython-tlv]
tests/clouds/test_y.py::test_l09_l10_m_any_bytes[plain]
tests/clouds/test_y.py::test_m1_any_password
tests/clouds/test_y.py::test_model_of_m2_cannot_be_meant[cpython]
tests/clouds/test_z.py::test_r40_both_forms[plain]
"""
    of_lwm2m = {"L8": {"micropython"}, "LM9": {""}, "LM10": {""}}
    assert items(listing) == {"A5": {"micropython32", "cpython"}, **of_lwm2m, "M1": {""}, "R40": {""}}
