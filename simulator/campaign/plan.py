# SPDX-License-Identifier: MIT
"""Which cases a campaign has: minutes of them, or many more, `full`; `quick` is a sample for every change."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.campaign import broker_cases, cuts, facts, fault_cases, lwm2m_cases, rainmaker_cases, search
from simulator.campaign.case import Case
from simulator.campaign.run import execute
from simulator.campaign.stories import (
    CONTROL,
    FAILING,
    LEAVING,
    LWM2M,
    LWM2M_SOFTWARE,
    MANNERS,
    PARAMS,
    RAINMAKER,
    RUNTIME,
    SHORT,
    SOFTWARE,
    STORIES,
    VARIATIONS,
)

# Areas whose records are cut at every byte together with all operations.
_BYTEWISE = {"update": cuts.RECORDS, "rollback": cuts.RECORDS, "fallback": ("otadata",)}
_BYTES_APART = (*RAINMAKER, "fallback")  # every record of theirs that is left, in brief
_DATED = "rainmaker-rollback"  # the story of a rollback with a clock: its end notes until when, too
_BY_HTTP = "short-http"  # which no other story is
_SEVENTH = 7  # of the cuts, in variations of a story: no divisor of the number of modes, so each mode comes everywhere
_TO_THE_END = ("update", "rollback")  # the stories of which each case of one cut is played to its very end
_SCHEDULES = 9_000  # of the search, in all 10,000
_RAINMAKER_SCHEDULES = _BROKER_SCHEDULES = 500


@dataclass(frozen=True)
class Size:
    """Of everything one in `share`. `pairs`: of the twos of places in a story one in so many, each in all 25 modes.

    `many`, `many_slow`: runs of 3 to 20 cuts for each story; with files or TLS one takes five times as long.
    `manners`: of that story's cases with a cut at an operation one in so many. `apart`: a datagram is cut short at each
    so manieth byte.
    """

    share: int
    pairs: dict[str, int]
    many: int
    many_slow: int
    manners: int = 1
    apart: int = lwm2m_cases.APART


SIZES = {
    "quick": Size(97, {"update": 97, "rollback": 97, "rainmaker-stream": 4999}, 7, 1, manners=5),
    "standard": Size(1, {"update": 1, "rollback": 3, "url": 23, "rainmaker-stream": 331}, 20, 10, 29),
    "full": Size(1, {"update": 1, "url": 1, "rollback": 1, "unhealthy": 1, "rainmaker-stream": 47}, 700, 60, 5, 1),
}


def cases(seed: int, size: str = "standard") -> Iterator[Case]:
    """No fault; one cut everywhere in every story; other faults; random schedules; pairs of cuts; many cuts."""
    of = SIZES[size]
    operations = {story: execute(Case(story)).entries_of("op") for story in (*STORIES, _BY_HTTP)}
    others = SHORT | CONTROL | PARAMS | FAILING | LEAVING | LWM2M | LWM2M_SOFTWARE | MANNERS | RUNTIME
    yield from (Case(story, seed) for story in (*STORIES, *others))
    for story in (*STORIES, _BY_HTTP):
        everywhere = cuts.everywhere(story, operations[story], seed, bytewise=_BYTEWISE.get(story, ()))
        some = itertools.islice(everywhere, 0, None, of.share * (_SEVENTH if story in VARIATIONS else 1))
        yield from some if story in _TO_THE_END else cuts.brief(some)
    yield from itertools.islice(control_cases(seed), 0, None, of.share)
    yield from itertools.islice(params_cases(seed), 0, None, of.share)
    yield from itertools.islice(crashes_cases(seed), 0, None, of.share)
    yield from itertools.islice(leaving_cases(seed), 0, None, of.share)
    yield from itertools.islice(manners_cases(seed, of.manners), 0, None, of.share)
    yield from itertools.islice(dated_cases(seed), 0, None, of.share)
    yield from itertools.islice(runtime_cases(seed), 0, None, of.share)
    for story in _BYTES_APART:
        left = [entry for entry in operations[story] if entry["area"] not in _BYTEWISE.get(story, ())]
        yield from cuts.brief(itertools.islice(cuts.at_bytes(story, left, seed), 0, None, of.share))
    yield from itertools.islice(fault_cases.all_cases(seed), 0, None, of.share)
    yield from cuts.brief(itertools.islice(rainmaker_cases.all_cases(seed), 0, None, of.share))
    yield from cuts.brief(itertools.islice(broker_cases.all_cases(seed), 0, None, of.share))
    yield from itertools.islice(lwm2m_cases.all_cases(seed, of.apart), 0, None, of.share)
    yield from itertools.islice(lwm2m_cases.software_cases(seed), 0, None, of.share)
    yield from cuts.brief(search.cases(_SCHEDULES // of.share, seed))
    yield from cuts.brief(search.cases(_RAINMAKER_SCHEDULES // of.share, seed, "rainmaker"))
    yield from cuts.brief(search.cases(_BROKER_SCHEDULES // of.share, seed, "broker"))
    for story, step in of.pairs.items():
        count = len(execute(Case(story, seed, (cuts.ONCE,))).entries_of("op"))
        yield from cuts.pairs(story, count, seed, step)
    for story in STORIES:
        is_slow = story in SOFTWARE + RAINMAKER
        yield from cuts.many(story, len(operations[story]), of.many_slow if is_slow else of.many, seed)


def control_cases(seed: int = 0) -> Iterator[Case]:
    """One cut everywhere while the product has its say; what writes a fact of that is cut at every byte."""
    for story in CONTROL:
        operations = execute(Case(story)).entries_of("op")
        yield from cuts.brief(cuts.everywhere(story, operations, seed, bytewise=()))
        yield from _at_bytes(story, operations, facts.beyond_usual(story), seed)


def params_cases(seed: int = 0) -> Iterator[Case]:
    """What the user of a node has written is cut everywhere while it is kept, and lost while it counts."""
    for story in PARAMS:
        yield from cuts.brief(cuts.everywhere(story, facts.of_number(story, "enabled"), seed))
        for ms, how in itertools.product((6000, 20_000), ("power", "hard")):
            yield Case(story, seed, (f"later={ms}:reset={how}",))


def crashes_cases(seed: int = 0) -> Iterator[Case]:
    """How often an application has crashed, and why, is cut everywhere while it is noted."""
    for story in FAILING:
        yield from cuts.brief(cuts.everywhere(story, facts.of_number(story, "crashes"), seed))
        operations = execute(Case(story)).entries_of("op")
        yield from _at_bytes(story, operations, facts.first_beyond_usual(story), seed)


def dated_cases(seed: int = 0) -> Iterator[Case]:
    """The record of a quarantine that ends is cut at every byte."""
    operations = execute(Case(_DATED)).entries_of("op")
    yield from _at_bytes(_DATED, operations, facts.first_beyond_usual(_DATED), seed)


def leaving_cases(seed: int = 0) -> Iterator[Case]:
    """All that is written from a trial's begin to its next start is cut everywhere, and the count of crashes then."""
    for story in LEAVING:
        entries = execute(Case(story)).entries
        boots = [number for number, entry in enumerate(entries) if entry["event"] == "boot"]
        written = [entry for entry in entries[boots[1] : boots[2]] if entry["event"] == "op"]
        noted = [entry for entry in facts.of_number(story, "crashes") if entry not in written]
        yield from cuts.brief(cuts.everywhere(story, written + noted, seed))


def manners_cases(seed: int = 0, share: int = 1) -> Iterator[Case]:
    """The same while an image is watched and left, and flash rests: one in `share`; facts of that at every byte."""
    for story in MANNERS:
        operations = execute(Case(story)).entries_of("op")
        yield from cuts.brief(itertools.islice(cuts.everywhere(story, operations, seed, bytewise=()), 0, None, share))
        yield from _at_bytes(story, operations, facts.beyond_usual(story), seed)


def runtime_cases(seed: int = 0) -> Iterator[Case]:
    """What is refused for the firmware that runs, cut at every byte while that is noted and forgotten again; and
    wherever the firmware may go again."""
    refused, taken, _ = RUNTIME  # the first one is over soon, so it goes to the very end each time
    yield from _at_bytes(refused, execute(Case(refused)).entries_of("op"), facts.first_beyond_usual(refused), seed)
    numbers = facts.beyond_usual(taken)
    operations = execute(Case(taken)).entries_of("op")
    noted = [entry for entry in operations if entry["number"] in numbers or entry["area"] == "otadata"]
    everywhere = cuts.everywhere(taken, noted, seed, bytewise=())  # in each second mode: their number is odd
    yield from cuts.brief(itertools.islice(everywhere, 0, None, 2))
    yield from _at_bytes(taken, operations, numbers, seed)


def _at_bytes(story: str, operations: list[dict], numbers: set[int], seed: int) -> Iterator[Case]:
    of_them = [entry for entry in operations if entry["number"] in numbers]
    yield from cuts.brief(cuts.at_bytes(story, of_them, seed))
