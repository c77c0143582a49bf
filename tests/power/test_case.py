# SPDX-License-Identifier: MIT
"""A case is one line of text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.campaign import run  # noqa: F401 (registers the faults)
from simulator.campaign.case import Case
from simulator.errors import UserError

_FAULT = st.builds("{}={}:{}".format, st.sampled_from(["cut", "net", "flash"]), st.integers(1, 999), st.just("before"))


@given(st.sampled_from(["update", "chain"]), st.integers(0, 1 << 40), st.lists(_FAULT, max_size=20))
def test_case_as_text_and_back_is_the_same(story, seed, faults):
    case = Case(story, seed, tuple(faults))
    assert Case.parse(str(case)) == case


@pytest.mark.parametrize("line", ["update seed=x", "update cut", "update seed=1 CUT=3", "update seed=1 =3"])
def test_case_that_is_no_case_is_refused(line):
    with pytest.raises(UserError) as refusal:
        Case.parse(line)
    assert refusal.value.code == "bad_case"


@pytest.mark.parametrize("text", ["nonsense=1", "cut=x:before", "cut=1", "cut=1:never", "cut=1:byte", "cut=1:before:2"])
def test_case_with_a_fault_that_does_not_exist_is_refused_when_made(text):
    with pytest.raises(UserError) as refusal:
        Case("update", 0, (text,)).make_faults()
    assert refusal.value.code == "bad_case"
