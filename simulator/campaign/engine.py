# SPDX-License-Identifier: MIT
"""Many cases on all cores, and the smallest case that still fails.

A worker is a plain function from lines of text to flat records, so that it can run anywhere that has this project.
"""

import gc
import itertools
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor

from simulator.campaign import branches
from simulator.campaign.case import Case
from simulator.campaign.run import execute

_CHUNK = 20  # cases: half a second of work
_TOGETHER = 15  # times as many, when they have cuts only and so may begin alike
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
    """Neighbours, of which one kind needs much less time than the other."""
    for is_together, group in itertools.groupby(cases, branches.has_cuts_only):
        size = _CHUNK * (_TOGETHER if is_together else 1)
        while chunk := list(itertools.islice(group, size)):
            yield chunk


def work(lines: list[str]) -> list[dict]:
    """The records of some cases."""
    records = branches.records(list(map(Case.parse, lines)))
    gc.collect()  # by itself it would look several times for what comes once a chunk
    return records


def _warm_up() -> None:
    """What every run needs is loaded once and is no longer looked at by the garbage collector, which `work` calls."""
    execute(Case("update"))
    gc.collect()
    gc.freeze()
    gc.disable()


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
