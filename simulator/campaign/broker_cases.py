# SPDX-License-Identifier: MIT
"""Which faults the campaign puts into stories of the maker's own broker. Each function gives cases."""

import itertools
from collections.abc import Iterator

from simulator.campaign.case import Case
from simulator.campaign.fault_cases import CHUNKS, MISHAPS, POINTS, sides

_GOOD, _ROLLBACK = "broker", "broker-rollback"
CHUNK_ACTIONS = (
    *("drop", "duplicate", "delay=3000", "delay=12000", "empty", "corrupt", "truncate=1", "truncate=4000"),
    *("extend=1", "extend=5000", "close"),
)
LINES = (
    *(f"connect{times}:{action}" for times in ("", "x3") for action in ("mute", "close")),
    *(f"subscribe{times}:{action}" for times in ("", "x2", "x5") for action in ("mute", "close", "refuse")),
    *(f"publish{times}:{action}" for times in ("", "x2", "x4", "x9") for action in ("drop", "mute", "close")),
)
_MOMENTS_MS = (1300, 1900, 2600, 3000, 3300, 4500, 5200)
_MOMENTARY = ("wifi=1000", "wifi=60000", "reset=hard", "reset=soft", "reset=power", "cloud=publish:mute")


def line_cases(seed: int = 0) -> Iterator[Case]:
    """The broker is silent, refuses, or loses what is said to it; in both stories."""
    for story, rule in itertools.product((_GOOD, _ROLLBACK), LINES):
        yield Case(story, seed, (f"cloud={rule}",))


def chunk_cases(seed: int = 0) -> Iterator[Case]:
    """Chunks that are lost, late, doubled or spoilt: once, and more often than anybody asks again."""
    for point, times, action in itertools.product((*POINTS, CHUNKS - 2), ("", "x3", "x9"), CHUNK_ACTIONS):
        yield Case(_GOOD, seed, (f"cloud=chunk={point}{times}:{action}",))


def seam_cases(seed: int = 0) -> Iterator[Case]:
    """The connection reset, and dead, at the seams of what is said; where much is said again, reset at a third."""
    for talk, side in sides(_GOOD):
        for at, how in itertools.product(talk.seams(), ("cut", "silence")):
            yield Case(_GOOD, seed, (f"net={how}:{at}{side}",))
    for talk, side in sides(_ROLLBACK):
        seams = talk.seams()
        yield from (Case(_ROLLBACK, seed, (f"net=cut:{at}{side}",)) for at in [*seams[:-1:3], seams[-1]])


def other_cases(seed: int = 0) -> Iterator[Case]:
    """What is so from the beginning, and what happens at some moment."""
    for text in MISHAPS:
        yield Case(_GOOD, seed, (text,))
    for text, ms in itertools.product(_MOMENTARY, _MOMENTS_MS):
        yield Case(_GOOD, seed, (f"later={ms}:{text}",))


def all_cases(seed: int = 0) -> Iterator[Case]:
    yield from line_cases(seed)
    yield from chunk_cases(seed)
    yield from seam_cases(seed)
    yield from other_cases(seed)
