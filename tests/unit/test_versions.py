# SPDX-License-Identifier: MIT
"""Which of two versions is the higher one."""

from ota.versions import is_higher, key

ASCENDING = (
    "alpha",
    "beta",
    "0",
    "0.0.1-rc1",
    "0.0.1",
    "0.9",
    "1.0-alpha",
    "1.0-alpha.1",
    "1.0-beta.2",
    "1.0-beta.11",
    "1.0-rc",
    "1.0rc1",
    "1.0",
    "1.0+1",
    "1.0+2",
    "1.0.0.1",
    "1.9",
    "1.10",
    "1.10.1",
    "2",
    "2024.11.28",
)


def test_versions_are_in_order_whichever_two_are_compared():
    for low in range(len(ASCENDING)):
        for high in range(len(ASCENDING)):
            assert is_higher(ASCENDING[high], ASCENDING[low]) == (high > low), (ASCENDING[low], ASCENDING[high])


def test_versions_that_are_as_high():
    for one, other in (("1", "1.0"), ("v1.2", "1.2"), ("V1.2.0.0", "1.2"), ("1.02", "1.2"), ("", "")):
        assert key(one) == key(other), (one, other)


def test_versions_anything_is_a_version():
    for text in ("v", ".", "..1", "1..2", "-", "+", "1.", "\u0662", "9" * 255, "1.x.3", "v.1"):
        assert key(text) == key(text)
        for other in ASCENDING:
            assert is_higher(text, other) != (key(other) >= key(text))
