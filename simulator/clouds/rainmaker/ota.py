# SPDX-License-Identifier: MIT
"""The OTA service: which node gets which job and when, and what ends a job (rainmaker.md section 9, items 41-52)."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from simulator.clouds.rainmaker import jobs, otaurl
from simulator.clouds.rainmaker.jobs import Entry, Job, NodeJob
from simulator.clouds.rainmaker.nodes import Node
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.cloud import RainMaker


class Ota:
    """`jobs` are all there ever were, by id, in the order they were made."""

    def __init__(self, cloud: "RainMaker") -> None:
        self._cloud = cloud
        self.jobs: dict[str, Job] = {}

    # Jobs

    def create(self, job: Job) -> Job:
        """Takes the job on and pushes it, if it is to be pushed. Raises UserError as jobs.check, and job_exists."""
        jobs.check(job)
        job.force_push = job.force_push or job.timeout_s is not None
        if any(other.name == job.name for other in self.jobs.values()):
            raise UserError("job_exists", f"there is a job {job.name} already")
        job.number = len(self.jobs)
        self.jobs[job.id] = job
        self._cloud.log("job_created", job=job.id, name=job.name, image=job.image.name, priority=job.priority)
        for node in self._cloud.nodes.values():
            self._join(job, node)
        if job.notify:
            self._cloud.log("notified", job=job.id, nodes=list(job.node_jobs))
        if job.timeout_s is not None:
            self._cloud.schedule(job.timeout_s * 1000, partial(self._expire, job))
        if job.force_push:
            self._push(job)
        return job

    def cancel(self, job: Job) -> None:
        """Nobody gets it any more; a node that has its URL goes on. Raises UserError("job_not_active")."""
        self._check_active(job)
        self._end(job, jobs.CANCELLED)

    def archive(self, job: Job) -> None:
        """Raises UserError("job_not_archivable") for one that is active or archived already."""
        if job.is_active or job.is_archived:
            raise UserError("job_not_archivable", f"job {job.name} is active or archived already")
        job.is_archived = True
        self._cloud.log("job_changed", job=job.id, status=job.status, archived=True)

    def retrigger(self, job: Job) -> None:
        """Pushes the job again, to all that are not done. Raises UserError: job_not_active, approval_job."""
        if job.user_approval:
            raise UserError("approval_job", f"users approve job {job.name}, nobody pushes it")
        self._check_active(job)
        self._push(job)

    def approve(self, job: Job, node: Node) -> NodeJob:
        """A user says yes, for a node that is there to hear it.

        Raises UserError: job_not_active, no_approval_job, no_target, job_done, node_offline, no_network_id,
        network_busy.
        """
        self._check_active(job)
        if not job.user_approval:
            raise UserError("no_approval_job", f"job {job.name} needs no approval")
        node_job = job.node_jobs.get(node.id)
        if node_job is None or not job.is_for(node):
            raise UserError("no_target", f"job {job.name} is not for node {node.id}")
        if self.is_done(node_job):
            raise UserError("job_done", f"node {node.id} is done with job {job.name}")
        if not node.is_connected:
            raise UserError("node_offline", f"node {node.id} is not connected")
        if job.serialisation and _network(node) is None:
            raise UserError("no_network_id", f"node {node.id} does not say which network it is in")
        if not self._has_slot(node_job):
            raise UserError("network_busy", f"enough nodes of the network have job {job.name} already")
        node_job.is_approved = True
        self._serve(node_job, "approval")
        return node_job

    # Nodes

    def changed(self, node: Node) -> None:
        """The node is new, or what it is or where it belongs has changed: other jobs may be for it now."""
        for job in self.jobs.values():
            if job.is_active:
                self._join(job, node)

    def candidates(self, node: Node) -> list[NodeJob]:
        """What is for this node and not done, the first to be done first: by priority, then the newest."""
        found = [job.node_jobs[node.id] for job in self.jobs.values() if job.is_active and node.id in job.node_jobs]
        todo = [node_job for node_job in found if self._is_open(node_job)]
        return sorted(todo, key=lambda node_job: (node_job.job.priority, -node_job.job.number))

    def fetch(self, node: Node) -> None:
        """The node asks over MQTT: the answer is a job, a time to wait, or nothing at all."""
        if found := self.hand_out(node):
            job, cause, offer = found
            self._cloud.tell(node, offer, job=job.id, cause=cause)

    def hand_out(self, node: Node) -> tuple[Job, str, dict] | None:
        """What there is for a node that asks: a job ("fetch") or a time to wait ("wait"), and how it is told."""
        may_have = (one for one in self.candidates(node) if one.is_approved or not one.job.user_approval)
        node_job = next(may_have, None)
        if node_job is None:
            return None
        if self._has_slot(node_job):
            return node_job.job, "fetch", self._start(node_job, "fetch")
        return node_job.job, "wait", otaurl.wait(node_job.job.serialisation)

    def is_done(self, node_job: NodeJob) -> bool:
        """Will the node never get it again?"""
        is_failed = node_job.state == jobs.FAILED and self._cloud.settings.failed_is_terminal
        return is_failed or node_job.state in (jobs.SUCCESS, jobs.REJECTED)

    def reported(self, node_job: NodeJob, entry: Entry) -> None:
        """The node has said how far it is."""
        self._enter(node_job, entry)
        job = node_job.job
        if job.is_active and not job.is_endless and all(map(self.is_done, job.node_jobs.values())):
            self._end(job, jobs.FINISHED)

    def by_stream(self, stream_id: str) -> Job | None:
        """Whose stream this is; a cancelled job has none any more."""
        streamed = (job for job in self.jobs.values() if job.stream_id == stream_id)
        return next((job for job in streamed if job.status != jobs.CANCELLED), None)

    # Inside

    def _check_active(self, job: Job) -> None:
        if not job.is_active:
            raise UserError("job_not_active", f"job {job.name} is {job.status}")

    def _join(self, job: Job, node: Node) -> None:
        if node.id not in job.node_jobs and job.is_for(node):
            job.node_jobs[node.id] = node_job = NodeJob(job, node)
            self._enter(node_job, self._entry(jobs.TRIGGERED, "job created"))

    def _push(self, job: Job) -> None:
        """To all that are not done; who is not there counts as told and has to ask (items 50 and 52)."""
        for node_job in list(job.node_jobs.values()):
            if self._is_open(node_job) and self._has_slot(node_job):
                self._serve(node_job, "push")

    def _serve(self, node_job: NodeJob, cause: str) -> None:
        self._cloud.tell(node_job.node, self._start(node_job, cause), job=node_job.job.id, cause=cause)

    def _start(self, node_job: NodeJob, cause: str) -> dict:
        """The node has it from now on; returns how it is told."""
        node_job.started_ms = self._cloud.now_ms
        self._enter(node_job, self._entry(jobs.STARTED, cause))
        return otaurl.offer(self._cloud, node_job.job, node_job.node)

    def _is_open(self, node_job: NodeJob) -> bool:
        """Is the job still for the node, and to be done? A node in no known network gets no serialised job."""
        job, node = node_job.job, node_job.node
        has_network = job.serialisation is None or _network(node) is not None
        return job.is_for(node) and has_network and not self.is_done(node_job)

    def _has_slot(self, node_job: NodeJob) -> bool:
        """Only so many nodes of a network are at it at once. One that takes longer than planned loses its slot."""
        if node_job.job.serialisation is None:
            return True
        busy = [other for other in self._busy(node_job.job, _network(node_job.node)) if other is not node_job]
        return len(busy) < self._cloud.settings.network_slots

    def _busy(self, job: Job, network: str | None) -> Iterator[NodeJob]:
        until_ms = self._cloud.now_ms - job.serialisation.ota_task_duration * 1000
        for node_job in job.node_jobs.values():
            is_at_it = node_job.state in (jobs.STARTED, jobs.IN_PROGRESS) and node_job.started_ms > until_ms
            if is_at_it and _network(node_job.node) == network:
                yield node_job

    def _expire(self, job: Job) -> None:
        if job.is_active:
            job.is_expired = True
            self._end(job, jobs.CANCELLED)

    def _end(self, job: Job, status: str) -> None:
        job.status, job.ended_ms = status, self._cloud.now_ms
        self._cloud.log("job_changed", job=job.id, status=status, expired=job.is_expired)

    def _entry(self, status: str, info: str) -> Entry:
        return Entry(status, info, self._cloud.now_ms // 1000)

    def _enter(self, node_job: NodeJob, entry: Entry) -> None:
        node_job.add(entry)
        about = {"node": node_job.node.id, "job": node_job.job.id, "state": entry.status}
        self._cloud.log("node_job", **about, info=entry.additional_info, ts_source=entry.ts_source)


def _network(node: Node) -> str | None:
    return node.attribute("network-id")
