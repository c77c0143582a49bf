# SPDX-License-Identifier: MIT
"""The rules of reliability.md section 3, one named check each, over what a run has shown.

A check yields one line for each breach. What a run in this mode cannot show is judged by tests of its own:
I9, I21, I22 come with signatures; I10 (heap) tests/budget; I11 (limits of parsers) tests/wire and tests/unit;
I24 (same seed, same run) tests/power/test_run.py.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.campaign.outcome import Outcome

Check = Callable[["Outcome"], Iterable[str]]
INVARIANTS: dict[str, Check] = {}


def _invariant(check: Check) -> Check:
    """Registers `i4_progress` as I4."""
    INVARIANTS[check.__name__.partition("_")[0].upper()] = check
    return check


def violations(outcome: "Outcome") -> Iterator[tuple[str, str]]:
    """(name, text) of every breach."""
    for name, check in INVARIANTS.items():
        for text in check(outcome):
            yield name, text


@_invariant
def i1_boot(outcome: "Outcome") -> Iterable[str]:
    """Each boot starts a slot that holds one whole image, one of those that were offered or the first."""
    for entry in outcome.entries_of("boot"):
        if not entry["holds"]:
            yield f"boot {entry['number']} starts {entry['slot'] or 'nothing'}, which holds no whole image"
