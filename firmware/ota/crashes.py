# SPDX-License-Identifier: MIT
"""An application that cannot run must not keep its board from being mended. Loaded at a boot after a crash.

How often in a row the board has come up after a crash, the watchdog or a reset by program, without having run for a
minute in between (probation.py), is a number in NVS, `crashes`; it is 3 at most. Then, and as long as such boots go
on, the application is not started: a software package gives way to the tree from before it, a firmware's own to
safe.py. A trial has its own end, and begins the count anew; so do a restart in good order (leaving.py) and waking from
deep sleep, which are no crashes. Switching the power off and on gives the application one more try.
"""

from ota.bootcheck import CRASHES, TREE, noted, uses_trees
from ota.log import log
from ota.port import const, forget

ORDERLY = const(-2)  # in its place: a reset that was none
_MOST = const(3)


def guard(board, is_trial):
    """For boot.py, before the application is looked for."""
    cause, count = board.reset_cause, noted(board, CRASHES)
    is_trial = is_trial or noted(board, TREE) >> 4 in (1, 2)  # of software: NEW or TRIAL in trees.py
    if is_trial or count == ORDERLY or cause == "deepsleep":
        note(board, 0)
        return
    if cause in ("hard", "watchdog"):
        count = min(max(count, 0) + 1, _MOST)
        note(board, count)
        _watch(board)
    if count == _MOST and cause != "power" and not _gave_way(board):
        from ota import safe

        safe.enter()


def note(board, count):
    """One write of NVS, none if nothing has changed."""
    known = noted(board, CRASHES)
    if count == known or (count == 0 and known == -1):
        return
    try:
        board.nvs.set_i32(CRASHES, count)
        board.nvs.commit()
    except OSError as error:
        log("warning", "code", "crash_not_noted", "error", error)


def _watch(board):
    """Firmware that is watched may have crashed too often."""
    from ota.journal import Journal

    journal = Journal(board.nvs)
    if journal.get("watch"):
        from ota import watching

        forget("ota.watching", "ota.deadline")
        watching.crashed(board, journal)


def _gave_way(board):
    """Whether another tree of software runs from now on."""
    if not uses_trees(board):
        return False
    from ota.trees import CRASHED, Trees

    trees = Trees(board)
    if not trees.active:
        return False
    tree = trees.before if trees.before != trees.active and trees.is_whole(trees.before) else 0
    if trees.state == CRASHED:  # the agent has not come to a step since: it is the other one that did not run
        tree = 0
    log("warning", "code", "software_crashes", "tree", trees.active)
    try:
        trees.save(CRASHED, tree, trees.active)
    except OSError:
        return False
    note(board, 0)
    return True
