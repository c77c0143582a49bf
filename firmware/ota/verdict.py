# SPDX-License-Identifier: MIT
"""What is offered, judged for a track. Loaded when something is, for an update needs its place."""

from ota import identity
from ota.errors import JobError
from ota.port import const, forget
from ota.report import FAILED, UPDATED

_RUNTIME = const("runtime_too_old")


def consider(track):
    """The Job to install now, or None."""
    track.pending = None
    agent = track.agent
    cloud = agent.cloud
    try:
        job = cloud.job(track.kind)
    except JobError as error:
        if not track.on_trial:
            track.finish(cloud.offer_id, FAILED, error.text())
        return None
    if job is None:
        if not cloud.remembers:
            _forget(track)
        return None
    track.installed_by = identity.installed_by(track.journal, track.label)
    track.unconfirmed = agent.on_trial
    _forgive(track, job)
    if job.rules and agent.hours is None:
        agent.add_hours()
    gates = agent.gates(track, job) if agent.control or job.terms or agent.board.number("spread_s", 0) else ()
    hours = agent.hours and agent.hours.ask(track)
    forget("ota.identity")
    from ota import policy  # not before: what has checked the offer has to make room

    verdict, reason, until = policy.decide(job, track.journal.facts, track, gates, hours)
    forget("ota.policy")  # which rules about time have loaded, too
    if verdict == policy.GO:
        return job
    if verdict == policy.WAIT:
        from ota import waiting

        forget("ota.waiting")
        waiting.put_off(agent, track, job, reason, until)
    else:
        if reason.startswith(_RUNTIME):
            track.journal.keep(runtime=[job.id] + list(agent.tracks[0].running))
        track.finish(job.id, UPDATED if verdict == policy.DONE else FAILED, reason)
    return None


def _forget(track):
    if not track.on_trial:
        track.journal.keep(starts=None)  # who makes the offer again wants all attempts
    track.forget()
    if track.agent.control:
        track.agent.control.gating.forget(track.kind)


def _forgive(track, job):
    if track.journal.get("free") or track.journal.get("runtime"):
        from ota import quarantine

        forget("ota.quarantine")
        quarantine.forgive(track, job)
