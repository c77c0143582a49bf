# SPDX-License-Identifier: MIT
"""What a node publishes about itself and its job, read as the cloud reads it (rainmaker.md 2.2, 2.3, items 44-49)."""

from functools import partial
from typing import TYPE_CHECKING

from simulator.clouds.rainmaker import bodies, jobs, nodes
from simulator.clouds.rainmaker.jobs import Entry, NodeJob
from simulator.clouds.rainmaker.nodes import Node

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.cloud import RainMaker

_FIRST_TS = 1_546_300_800  # 2019: nobody's clock was set before
_AHEAD_S = 86_400  # a clock may be wrong, but not by more than this


def occasion(kind: str, payload: bytes) -> str:
    """Under which name the faults know this publish."""
    if kind == "otastatus":
        try:
            return "success" if bodies.load_object(payload).get("status") == jobs.SUCCESS else kind
        except ValueError:
            return kind
    if kind in ("get", "describe"):
        return "stream"
    return "params" if kind.startswith("params/") else kind


def config(cloud: "RainMaker", node: Node, payload: bytes) -> None:
    """Kept if it is one; jobs are matched anew."""
    try:
        node.config = nodes.check_config(bodies.load(payload), node.id)
    except (ValueError, nodes.BadConfig) as error:
        cloud.ignore("bad_config", node, reason=str(error))
        return
    cloud.log("config", node=node.id, fw_version=node.fw_version, type=node.type, model=node.model)
    cloud.ota.changed(node)


def params(cloud: "RainMaker", node: Node, payload: bytes, is_init: bool = False) -> None:
    """By device; `params/local/init` replaces all, `params/local` only what it names."""
    try:
        said = bodies.load_object(payload)
    except ValueError as error:
        cloud.ignore("bad_params", node, reason=str(error))
        return
    if is_init:
        node.params = {}
    for device, values in said.items():
        if isinstance(values, dict):
            node.params.setdefault(device, {}).update(values)
    cloud.log("params", node=node.id, params=said, init=is_init)


def fetch(cloud: "RainMaker", node: Node, payload: bytes) -> None:
    """Answers some time later, if there is anything to say."""
    try:
        said = bodies.load_object(payload)
    except ValueError as error:
        cloud.ignore("bad_fetch", node, reason=str(error))
        return
    cloud.log("otafetch", node=node.id, fw_version=said.get("fw_version"), network_id=said.get("network_id"))
    cloud.schedule(cloud.random.randint(*cloud.settings.answer_ms), partial(cloud.ota.fetch, node))


def status(cloud: "RainMaker", node: Node, payload: bytes) -> str | None:
    """Enters it into the node-job's history if that is open; says and counts why if not. Returns why, or None."""
    try:
        said = bodies.load_object(payload)
        job_id, word = said["ota_job_id"], said["status"]
    except (ValueError, KeyError) as error:
        cloud.ignore("bad_status", node, reason=repr(error), payload=payload.decode(errors="replace"))
        return "bad_status"
    node_job, problem = _find(cloud, node, job_id)
    info = said.get("additional_info")
    cloud.log("otastatus", node=node.id, job=job_id, status=word, info=info, ts=said.get("ts"), problem=problem)
    if problem is None and word not in jobs.REPORTED:
        problem = "unknown_status"
    if problem:
        cloud.ignore(problem, node, job=job_id, status=word)
    else:
        cloud.ota.reported(node_job, _entry(cloud, word, str(info or ""), said.get("ts")))
    return problem


def _find(cloud: "RainMaker", node: Node, job_id: object) -> tuple[NodeJob | None, str | None]:
    """The open node-job, or why there is none."""
    job = cloud.jobs.get(job_id) if isinstance(job_id, str) else None
    if job is None:
        return None, "unknown_job"
    node_job = job.node_jobs.get(node.id)
    if node_job is None:
        return None, "not_a_target"
    if job.status == jobs.CANCELLED:
        return None, "cancelled_job"
    if cloud.ota.is_done(node_job):
        return None, "done_already"
    return node_job, None


def _entry(cloud: "RainMaker", word: str, info: str, ts: object) -> Entry:
    """With the node's own time, if it can be true."""
    now_s = cloud.now_ms // 1000
    is_number = isinstance(ts, int | float) and not isinstance(ts, bool)
    if is_number and _FIRST_TS <= ts <= now_s + _AHEAD_S:
        return Entry(word, info, int(ts), "NODE")
    return Entry(word, info, now_s, "CLOUD", ts if is_number else None)
