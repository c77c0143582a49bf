# SPDX-License-Identifier: MIT
"""Why what is offered waits, or that it would start: a tuple (rule, verdict, reason, until) for each rule. Dry.

`verdict`: "ok" or "overruled" (closed, but the job is above it), "wait", "done" or "refuse". `until`: the unix second
at which it may change, 0: nobody knows, None: as soon as the clock is known. The rules in order:
offer     of which kind, title and version (the reason); nothing else follows where there is none
job       what it is: done before, too large, rolled back ...
time      validity and windows, where anybody has rules about time
operator, updates, pause, and the product's gates by their names
deferral  how often it was put off, until when at most
verdict   what comes of all this
Neither flash nor journal nor cloud are touched, and nobody is asked for the time.
"""

from ota import gating, identity, policy
from ota.errors import JobError

_WORDS = ("ok", "done", "wait", "refuse")  # by policy's numbers


class Looked:
    """A track as the policy wants it, without a change to the real one."""

    def __init__(self, track, on_trial):
        self.running = track.running
        self.installed_by = identity.installed_by(track.journal, track.label)
        self.slot = track.slot
        self.unconfirmed = on_trial


def of_agent(agent, gates):
    """Of everything that is offered to `agent`, whose Gating is `gates`."""
    rules = []
    for track in agent.tracks:
        job, error = offered(agent.cloud, track.kind)
        if error:
            rules.append(("offer", "refuse", error, 0))
        elif job:
            if track.pending and track.pending.id == job.id:
                job = track.pending
            forced = gates.is_above(job)
            hours = _hours(agent, job, forced)
            facts = track.journal.facts
            rules += of_job(job, facts, Looked(track, agent.on_trial), gates.all(job), hours, forced)
            if gates.deferral.count(job):
                deferred = "%d times" % gates.deferral.count(job)
                rules.insert(len(rules) - 1, ("deferral", "ok", deferred, gates.deferral.end(job)))
    return rules or [("offer", "wait", "nothing", 0)]


def of_job(job, facts, track, gates, hours, forced):
    """The rules for one job; arguments as of policy.decide, but for all gates and whether it is above the soft ones."""
    rules = [("offer", "ok", "%s %s %s" % (job.kind, job.title, job.version), 0)]
    verdict, reason, _ = policy.decide(job, facts, track)
    rules.append(("job", _WORDS[verdict], reason, 0))
    if hours:
        from ota import schedule

        verdict, reason, until = schedule.may_start(job.rules, *hours)
        rules.append(("time", _WORDS[verdict], reason, until))
    for name, is_open, reason, until, is_hard in gates:
        word = "ok" if is_open else "overruled" if forced and not is_hard else "wait" if until >= 0 else "refuse"
        rules.append((name, word, "" if is_open else reason, 0 if is_open else max(until, 0)))
    verdict, reason, until = policy.decide(job, facts, track, gating.shut(gates, forced), hours)
    rules.append(("verdict", "start" if verdict == policy.GO else _WORDS[verdict], reason, until))
    return rules


def offered(cloud, kind):
    """(Job or None, error or "") without a trace: who is to consider it has yet to."""
    offer_id, is_changed = cloud.offer_id, kind in cloud.changed
    try:
        return cloud.job(kind), ""
    except JobError as error:
        return None, error.text()
    finally:
        cloud.offer_id = offer_id
        if is_changed:
            cloud.changed.add(kind)


def runs(track, job):
    """Whether that is what runs already."""
    return policy.decide(job, track.journal.facts, Looked(track, False))[0] == policy.DONE


def _hours(agent, job, forced):
    if agent.hours is None and not job.rules:
        return None
    if agent.hours is not None:
        return agent.hours.look(forced)
    from ota.hours import Hours

    return Hours(agent.board).look(forced)


def line(rule):
    """A rule for people."""
    name, verdict, reason, until = rule
    text = "%s: %s" % (name, verdict)
    if reason:
        text += ", " + reason
    if until is None:
        return text + ", until the clock is known"
    return text + (", until %d" % until if until else "")
