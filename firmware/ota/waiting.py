# SPDX-License-Identifier: MIT
"""Generators for what an update seldom has to wait for, with an eye on the cloud meanwhile."""

from ota.errors import TransferError
from ota.port import const

_ASK_AGAIN_MS = const(5000)


def ask_again(agent):
    """Waits a little and reads the offer anew."""
    yield from agent.link.pause(_ASK_AGAIN_MS)
    error = None
    try:
        if agent.cloud.linked:
            agent.cloud.refresh()
    except TransferError as failure:
        error = failure
    yield from agent.online(error)


def held(agent, track, job):
    """Waits while the application or a rule about time holds the reset. Until then the job can still be called off."""
    while agent.hold_reset or (agent.hours and agent.hours.hold(track, job)):
        error = None
        try:
            agent.link.moment(agent.board.step_ms)
        except TransferError as failure:
            error = failure
        yield from agent.online(error)
        yield
