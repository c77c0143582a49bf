# SPDX-License-Identifier: MIT
"""A trial, watched by the agent: it ends well once the cloud is reached and the application is content, or in time.

Loaded on a trial boot only, as what it needs of bootcheck.py. Which image or tree runs next is not known here.
"""

from ota import bootcheck, otadata
from ota.job import SOFTWARE
from ota.log import log
from ota.port import const, forget, print_exception, ticks_diff

_LEAVES = const(10)  # restarts in good order and deep sleeps that a trial may outlive
_NEW = b"\0\0\0\0"  # the state of a record


def confirm(agent):
    """Keeps what is on trial, if every health check is content; else the next step asks again. Raises FlashError."""
    for check in agent.health:
        try:
            if not check():
                return
        except Exception as error:  # a check that fails is a check that says no
            print_exception(error)
            return
    for track in agent.tracks:
        if track.on_trial:
            track.confirm()
    agent.board.watchdog.relax()
    agent.cloud.changed.update(agent.cloud.known)  # what had to wait for this may start
    log("confirmed")
    forget("ota.trial", "ota.bootcheck", "ota.otadata")


def outlive(agent, is_restart):
    """It goes on after a restart or a deep sleep in good order. Returns whether it can; after too many of them resets.

    Raises FlashError, OSError: it cannot.
    """
    for track in agent.tracks:
        job = track.journal.get("job")
        if track.on_trial:
            if not job or job["stage"] != "activating":
                return False  # not of our making, so they could not be counted
            leaves = job.get("leaves", 0)
            if leaves >= _LEAVES:
                _give_up(agent, _why(agent))
            if is_restart or track.kind == SOFTWARE:  # else `wake` counts it
                track.journal.save(job=dict(job, leaves=leaves + 1))  # first: no cut makes it endless
            if not _begin_anew(track, is_restart):
                return False
    return True


def wake(board):
    """For boot.py, where a trial of firmware goes on after a deep sleep, in good order or not: counts it.

    Resets after too many of them.
    """
    from ota.journal import Journal

    journal = Journal(board.nvs)
    job = journal.get("job")
    if job and job["stage"] == "activating" and job["slot"] == board.running.info()[4]:
        leaves = job.get("leaves", 0)
        if leaves >= _LEAVES:
            bootcheck.give_up(board, journal, "it went to sleep again and again")
        bootcheck.note(job, "leaves", leaves + 1, journal)


def _begin_anew(track, is_restart):
    """The next start is on trial again. Returns whether that is so."""
    board = track.agent.board
    if track.kind == SOFTWARE:
        from ota.trees import NEW, Trees

        trees = Trees(board)
        trees.save(NEW, trees.active, trees.before)
    elif is_restart:  # the bootloader is not asked after a deep sleep (esp32.md 3.4)
        state = bootcheck.read_state(board)
        if state is None or not state.on_trial:
            return False
        # from PENDING to NEW is one bit that is cleared: no erase, and a cut leaves one of both
        board.otadata.writeblocks(state.active, _NEW, otadata.STATE_AT)
    return True


def watch(agent):
    """Resets a little before the watchdog would, so that the reason is known."""
    board = agent.board
    if ticks_diff(board.ticks_ms(), agent.booted) > board.trial_ms - board.trial_ms // 8:
        _give_up(agent, _why(agent))


def _why(agent):
    return "health check failed" if agent.cloud.ready else "cloud not reached"


def _give_up(agent, why):
    for track in agent.tracks:
        if track.on_trial:
            bootcheck.give_up(agent.board, track.journal, why)
