# SPDX-License-Identifier: MIT
"""What an update has to wait for: before its start, and generators with an eye on the cloud for later. Loaded then."""

from ota.errors import TransferError
from ota.log import log
from ota.port import const, forget, ticks_diff

_ASK_AGAIN_MS = const(5000)
_FLUSH_MS = const(5000)  # of an acknowledgement (lwm2m.md 5)


def put_off(agent, track, job, reason, until):
    """A job has to wait; arguments as from the policy."""
    track.pending = job
    if agent.control is None and job.terms is not None:
        agent.tick()  # loads Control: somebody has to count how long it waits
    if agent.control:
        agent.control.waits(job, reason, until)
    if until == 0:
        log("idle", "reason", reason)
    else:
        agent.hours.wait(track, reason, until)
    if agent.cloud.remembers:
        agent.cloud.postponed(job, reason, until or None)


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
    """Waits while the cloud, the application or a rule about time holds the reset. Until then the job can still be
    called off."""
    has_rested = False
    while _is_held(agent, track, job):
        has_rested = has_rested or _rest(track, job)
        error = None
        try:
            agent.link.moment(agent.board.step_ms)
        except TransferError as failure:
            error = failure
        yield from agent.online(error)
        yield


def _rest(track, job):
    """Who waits may be switched off meanwhile. Not part of `held`: a generator would keep what it has imported."""
    from ota import attempts

    forget("ota.attempts")
    attempts.rest(track.journal, job.id)
    return True


def _is_held(agent, track, job):
    cloud = agent.cloud
    if not cloud.is_released:
        if agent.control:
            agent.control.events.complete()
        return True
    tell = getattr(cloud, "deferred", None)
    if tell:
        tell(job)
    is_held = (agent.control and agent.control.holds()) or (agent.hours and agent.hours.hold(track, job))
    if tell:
        tell(job, bool(is_held))
    return is_held


def restart(agent):
    """Tells the application, says what is left to say, then resets."""
    board, cloud = agent.board, agent.cloud
    if agent.control is not None:
        yield from agent.control.before_reset()
    since = board.ticks_ms()
    while ticks_diff(board.ticks_ms(), since) < max(
        _FLUSH_MS if agent.link.waiting and cloud.linked else 0, cloud.linger_ms
    ):
        agent.link.moment_if_up()
        board.sleep_ms(board.step_ms)
        yield
    cloud.close()
    log("reset")
    board.reset()
