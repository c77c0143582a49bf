# SPDX-License-Identifier: MIT
"""OTA jobs and what nodes made of them, as the service tells them. Times are UTC, `2026-11-28 09:30:00`.

The service's description calls times texts and says no more of their form.
"""

import datetime
from typing import Any

from simulator.clouds.rainmaker import jobs
from simulator.clouds.rainmaker.jobs import Entry, Job, NodeJob, Rule


def job_json(job: Job) -> dict[str, Any]:
    counts = job.counts()
    told = {state.replace("-", "_") + "_count": count for state, count in counts.items()}
    about = {
        "ota_job_id": job.id,
        "ota_job_name": job.name,
        "ota_image_id": job.image.id,
        "ota_image_url": job.image.url,
        "description": job.description,
        "completed_count": counts[jobs.SUCCESS] + counts[jobs.REJECTED],
        "total_count": len(job.node_jobs) - counts[jobs.TRIGGERED],
        "total_node_count": len(job.node_jobs),
        **told,
        "other_count": 0,
        "triggered_timestamp": _time(job.created_ms // 1000),
        "status": job.status,
        "archived": job.is_archived,
        "priority": job.priority,
        **_options(job),
    }
    if job.status == jobs.CANCELLED and job.ended_ms is not None:
        about["cancelled_timestamp"] = _time(job.ended_ms // 1000)
    return {name: value for name, value in about.items() if value is not None}


def _options(job: Job) -> dict[str, Any]:
    """What not every job has; None for what this one has not."""
    return {
        "nodes": list(job.nodes) or None,
        "groups": list(job.groups) or None,
        "group_query": _query(job.rule) if job.rule else None,
        "metadata": job.metadata or None,
        "stream_id": job.stream_id,
        "force_push": job.force_push,
        "user_approval": job.user_approval,
        "notify_flag": job.notify,
        "continuous": job.is_endless,
        "expiry_timestamp_num": job.created_ms // 1000 + job.timeout_s if job.timeout_s is not None else None,
        "network_serialised": True if job.serialisation else None,
        "network_serialisation": _set(vars(job.serialisation)) if job.serialisation else None,
    }


def _query(rule: Rule) -> str:
    return " AND ".join(f"node_{name}: {value}" for name, value in _set(vars(rule)).items())


def summary_json(job: Job) -> dict[str, int]:
    counts = {state.replace("-", "_"): count for state, count in job.counts().items()}
    return {**counts, "total": len(job.node_jobs)}


def status_json(node_job: NodeJob, entry: Entry) -> dict[str, Any]:
    """One line of the history."""
    told = {
        "node_id": node_job.node.id,
        "status": entry.status,
        "timestamp": _time(entry.timestamp),
        "additional_info": entry.additional_info,
        "ts_source": entry.ts_source,
        "invalid_node_ts": entry.invalid_node_ts,
    }
    return _set(told)


def _set(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _time(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
