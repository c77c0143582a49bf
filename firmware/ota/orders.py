# SPDX-License-Identifier: MIT
"""What the cloud orders (`commands` in ota.cloud), carried out. Loaded with Control."""

from ota.log import log


def obey(control, name, value):
    """One of the commands."""
    log("control", "command", name)
    if name == "forced":
        control.gating.is_forced = value
    elif name == "enabled":
        control.gating.is_allowed = value
    elif name == "pending":
        control.is_announced = value
    elif name == "tell":
        control.availability.owe(value)
    elif name == "explain":
        control.availability.explain(value)
    elif name == "safe_mode":  # our own (safe.py)
        why = control.agent.tracks[0].journal.get("crash") or "it crashed"
        control.availability.trouble = "safe_mode: " + why if value else ""
    elif name in ("cancel", "force", "restart_soon"):
        getattr(control, name)()


def pardoned(agent, track):
    """The Job that is offered and was refused for how it ended before, None: there is none."""
    from ota import explain, quarantine

    job, _ = explain.offered(agent.cloud, track.kind)
    if job is None or explain.runs(track, job) or not quarantine.pardon(track, job):
        return None
    agent.cloud.changed.add(track.kind)
    return job
