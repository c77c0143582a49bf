# SPDX-License-Identifier: MIT
"""Many cases on all cores, and the smallest case that still fails.

A worker is a plain function from lines of text to flat records, so that it can run anywhere that has this project.
"""

import gc
import itertools
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor

from simulator.board.inprocess import Gone
from simulator.campaign import branches
from simulator.campaign.case import Case
from simulator.campaign.run import execute

_CHUNK = 60  # cases: a tenth of a second of work, or a second
_ALONE = 3  # what a case counts that begins like no other
_GARBAGE = 100_000  # objects: those of some eighty runs
_AHEAD = 4  # chunks for each process that are waiting


def sweep(cases: Iterable[Case], jobs: int) -> Iterator[dict]:
    """A record for each case, in their order, whatever the number of processes. Raises UserError for a bad case."""
    if jobs == 1:
        for chunk in _chunks(cases):
            yield from branches.records(chunk)
        return
    chunks = (list(map(str, chunk)) for chunk in _chunks(cases))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_warm_up) as pool:
        waiting: list[Future] = [pool.submit(work, chunk) for chunk in itertools.islice(chunks, jobs * _AHEAD)]
        try:
            while waiting:
                yield from waiting.pop(0).result()
                waiting += [pool.submit(work, chunk) for chunk in itertools.islice(chunks, 1)]
        finally:
            pool.shutdown(cancel_futures=True)


def _chunks(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Neighbours; those that are best played together (`branches.start`) are not parted."""
    chunk: list[Case] = []
    weight, last = 0, None
    for case in cases:
        start = branches.start(case)
        if weight >= _CHUNK and (start is None or start != last):
            yield chunk
            chunk, weight = [], 0
        chunk.append(case)
        weight += 1 if start else _ALONE
        last = start
    if chunk:
        yield chunk


def work(lines: list[str]) -> list[dict]:
    """The records of some cases."""
    return branches.records(list(map(Case.parse, lines)))


def _warm_up() -> None:
    """What every run needs is loaded once, and is no longer looked at by the garbage collector, which comes rarely."""
    execute(Case("update"))
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    sys.unraisablehook = _unraisable


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    """A generator of a program that has ended closes what it has open, and asks in vain: that is no news."""
    if not isinstance(found.exc_value, Gone):
        sys.__unraisablehook__(found)


def shrink(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The case with as few faults as still fail: one after the other is left out."""
    number = 0
    while number < len(case.faults):
        fewer = Case(case.story, case.seed, case.faults[:number] + case.faults[number + 1 :])
        if fails(fewer):
            case = fewer
        else:
            number += 1
    return case


def violates(case: Case) -> bool:
    """Whether some invariant is broken."""
    return bool(execute(case).record()["violations"])
