# SPDX-License-Identifier: MIT
"""What a user's app asks for a node: is there an update to say yes to, yes, and how far is it?"""

from typing import Any

from simulator.clouds.rainmaker import otaurl
from simulator.clouds.rainmaker.rest.call import SUCCESS, Call, given
from simulator.clouds.rest.call import Routes
from simulator.errors import UserError

_NO_NODE = "no_node_id_for_job"
_REFUSALS = {
    "no_target": "not_for_node",
    "no_approval_job": "not_approvable",
    "job_not_active": "not_approvable",
    "job_done": "not_approvable",
}


def _available(call: Call) -> dict[str, Any]:
    """The job that waits for a yes; with the image's URL if the job's maker lets users have that."""
    node = call.node(_NO_NODE)
    node_job = call.cloud.available(node)
    if node_job is None:
        return {**SUCCESS, "ota_available": False, "description": "No OTA update available"}
    job = node_job.job
    hidden = () if job.user_access else ("url", "file_md5")
    offer = {name: value for name, value in otaurl.offer(call.cloud, job, node).items() if name not in hidden}
    return {**SUCCESS, "ota_available": True, "description": job.description, **offer}


def _approve(call: Call) -> dict[str, Any]:
    said = call.fields
    node = call.cloud.node(given(said.get("node_id"), _NO_NODE))
    job_id = given(said.get("ota_job_id"), "no_job_id")
    if job_id not in call.cloud.jobs:
        raise UserError("not_approvable", f"there is no job {job_id}")
    try:
        call.cloud.approve(call.cloud.jobs[job_id], node, call.cloud.now_ms)
    except UserError as error:
        raise UserError(_REFUSALS.get(error.code, error.code), error.text) from error
    return {**SUCCESS, "description": "OTA update pushed to the node"}


def _status(call: Call) -> dict[str, Any]:
    """The latest of this node; `timestamp` in milliseconds, as Espressif's own app reads it (rainmaker.md 9)."""
    node = call.node(_NO_NODE)
    job = call.cloud.jobs.get(given(call.query.get("ota_job_id"), "no_job_id"))
    node_job = job.node_jobs.get(node.id) if job else None
    if node_job is None:
        raise UserError("no_status", f"node {node.id} has no such job")
    entry = node_job.history[-1]
    about = {"additional_info": entry.additional_info, "timestamp": entry.timestamp * 1000}
    return {"node_id": node.id, "status": entry.status, **about}


ROUTES: Routes = (
    ("GET", "/v1/user/nodes/ota_update", _available),
    ("POST", "/v1/user/nodes/ota_update", _approve),
    ("GET", "/v1/user/nodes/ota_status", _status),
)
