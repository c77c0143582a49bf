# SPDX-License-Identifier: MIT
"""OTA jobs: made, listed, watched, pushed again, cancelled, archived."""

from typing import Any

from simulator.clouds.rainmaker.images import Image
from simulator.clouds.rainmaker.jobs import DEFAULT_PRIORITY, Job, NodeJob, Rule, Serialisation
from simulator.clouds.rainmaker.rest.call import SUCCESS, Call, given
from simulator.clouds.rainmaker.rest.job_json import job_json, status_json, summary_json
from simulator.clouds.rainmaker.rest.paging import page
from simulator.clouds.rest.call import Routes
from simulator.errors import UserError


def _make(call: Call) -> dict[str, Any]:
    said = call.fields
    if "secure_boot" in said:
        raise UserError("bad_request", "the mock signs no images: secure_boot is not modelled")
    options = {
        "description": str(said.get("description", "")),
        "nodes": _names(said, "nodes"),
        "groups": _names(said, "groups"),
        "rule": Rule(*(said.get(f"node_{name}") for name in ("type", "model", "fw_version"))),
        "priority": _whole(said, "priority", "bad_priority") if "priority" in said else DEFAULT_PRIORITY,
        "timeout_s": _whole(said, "timeout", "bad_timeout") if "timeout" in said else None,
        "metadata": said.get("metadata", {}),
        "force_push": call.flag("force_push"),
        "user_approval": call.flag("user_approval"),
        "notify": call.flag("notify"),
        "user_access": said.get("user_ota_image_acccess") is True,  # three c: the service's own spelling
        "continuous": call.flag("continuous"),
        "serialisation": _serialisation(call),
    }
    name = given(said.get("ota_job_name"), "bad_name")
    return _made(call.cloud.create_job(name, _image(call), call.cloud.now_ms, **options))


def _image(call: Call) -> Image | str:
    """By its id, or a URL that leads anywhere."""
    said = call.fields
    if said.get("ota_image_url"):
        return str(said["ota_image_url"])
    return call.cloud.image(given(said.get("ota_image_id"), "no_image"))


def _names(said: dict[str, Any], key: str) -> tuple[str, ...]:
    names = said.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError("bad_request", f"{key} is no array of texts")
    return tuple(names)


def _whole(said: dict[str, Any], key: str, code: str) -> int:
    if not isinstance(said[key], int) or isinstance(said[key], bool):
        raise UserError(code, f"{key} is no whole number")
    return said[key]


def _serialisation(call: Call) -> Serialisation | None:
    if not call.flag("network_serialised"):
        return None
    said = call.fields.get("network_serialisation")
    if not isinstance(said, dict) or "ota_task_duration" not in said:
        raise UserError("no_task_duration", "network_serialisation needs ota_task_duration")
    known = ("ota_task_duration", "min_wait", "max_wait")
    return Serialisation(**{key: _whole(said, key, "bad_request") for key in known if key in said})


def _made(job: Job) -> dict[str, Any]:
    return {**SUCCESS, "ota_job_id": job.id}


def _list(call: Call) -> dict[str, Any]:
    """One by its id; or those that are not archived, or only those, or all, with this in the name or for this image."""
    if "ota_job_id" in call.query:
        return job_json(call.job())
    found = [job for job in call.cloud.jobs.values() if call.flag("all") or job.is_archived == call.flag("archived")]
    found = [job for job in found if call.query.get("ota_job_name", "") in job.name]
    if "ota_image_id" in call.query:  # the latest one only
        found = [job for job in found if job.image.id == call.query["ota_image_id"]][-1:]
    found, more = page(call, found[::-1], lambda job: job.id)
    return {"ota_jobs": [job_json(job) for job in found], **more}


def _change(call: Call) -> dict[str, Any]:
    """Cancels it, or puts it into the archive."""
    said = call.fields
    is_archive = str(said.get("archive", "")).lower() == "true"
    job_id = given(said.get("ota_job_id"), "no_job_id")
    if job_id not in call.cloud.jobs:
        raise UserError("job_not_archivable" if is_archive else "job_not_active", f"there is no job {job_id}")
    job = call.cloud.jobs[job_id]
    (call.cloud.archive_job if is_archive else call.cloud.cancel_job)(job, call.cloud.now_ms)
    return job_json(job)


def _status(call: Call) -> dict[str, Any]:
    """How far each node is; for a `node_id` how it got there, the latest first."""
    job = call.job()
    if "node_id" in call.query:
        node_job = job.node_jobs.get(call.query["node_id"])
        entries = node_job.history[::-1] if node_job else []
        return {"node_ota_status": [status_json(node_job, entry) for entry in entries]}
    node_jobs, more = page(call, list(job.node_jobs.values()), lambda node_job: node_job.node.id)
    groups = [{"group_id": name, "group_name": call.cloud.group(name).name} for name in job.groups]
    return {"node_ota_status": [_latest(node_job) for node_job in node_jobs], "node_groups": groups, **more}


def _latest(node_job: NodeJob) -> dict[str, Any]:
    return status_json(node_job, node_job.history[-1])


def _retrigger(call: Call) -> dict[str, Any]:
    """To all that are not done yet."""
    job = call.job(call.fields)
    try:
        call.cloud.retrigger(job, call.cloud.now_ms)
    except UserError as error:
        raise UserError("not_retriggerable" if error.code == "job_not_active" else error.code, error.text) from error
    return _made(job)


ROUTES: Routes = (
    ("POST", "/v1/admin/otajob", _make),
    ("GET", "/v1/admin/otajob", _list),
    ("PUT", "/v1/admin/otajob", _change),
    ("GET", "/v1/admin/otajob/status", _status),
    ("GET", "/v1/admin/otajob/status/summary", lambda call: summary_json(call.job())),
    ("POST", "/v1/admin/otajob/retrigger", _retrigger),
)
