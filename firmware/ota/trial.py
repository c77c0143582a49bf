# SPDX-License-Identifier: MIT
"""A trial, watched by the agent: it ends well once the cloud is reached and the application is content, or in time.

Loaded on a trial boot only, as what it needs of bootcheck.py. Which image or tree runs next is not known here.
"""

from ota import bootcheck
from ota.errors import OtaError
from ota.log import log
from ota.port import forget, print_exception, ticks_diff


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


def decide(agent):
    """Now, for nothing will be there to go on with it. Resets where it ends badly."""
    why = "health check failed"
    try:
        confirm(agent)
    except OtaError as error:
        why = error.text()
    _give_up(agent, why)


def watch(agent):
    """Resets a little before the watchdog would, so that the reason is known."""
    board = agent.board
    if ticks_diff(board.ticks_ms(), agent.booted) > board.trial_ms - board.trial_ms // 8:
        _give_up(agent, "health check failed" if agent.cloud.ready else "cloud not reached")


def _give_up(agent, why):
    for track in agent.tracks:
        if track.on_trial:
            bootcheck.give_up(agent.board, track.journal, why)
