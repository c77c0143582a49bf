# SPDX-License-Identifier: MIT
"""OTA jobs, what each target has made of its own, and who may have which (rainmaker.md section 9, items 42-52)."""

from dataclasses import dataclass, field

from simulator.clouds.rainmaker.images import Image
from simulator.clouds.rainmaker.nodes import Node
from simulator.errors import UserError

TRIGGERED, STARTED, IN_PROGRESS, DELAYED = "triggered", "started", "in-progress", "delayed"
FAILED, SUCCESS, REJECTED = "failed", "success", "rejected"
REPORTED = (IN_PROGRESS, SUCCESS, FAILED, DELAYED, REJECTED)  # the words a node may use
ACTIVE, FINISHED, CANCELLED = "active", "finished", "cancelled"

NODE_LIMIT, GROUP_LIMIT = 100, 10
DEFAULT_PRIORITY, PRIORITIES = 5, range(1, 11)  # 1 is the highest
TIMEOUT_LIMIT_S = 2_592_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a node-job's history. `timestamp` is unix seconds: the node's own, if that can be (`ts_source` NODE),
    else when it came (CLOUD), and then `invalid_node_ts` is what the node said.
    """

    status: str
    additional_info: str
    timestamp: int
    ts_source: str = "CLOUD"
    invalid_node_ts: int | float | None = None


@dataclass(eq=False)
class NodeJob:
    """`is_approved`: the user has said yes. `started_ms`: when it last got the job."""

    job: "Job"
    node: Node
    state: str = TRIGGERED
    is_approved: bool = False
    started_ms: int = 0
    history: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        self.state = entry.status
        self.history.append(entry)


@dataclass(frozen=True)
class Serialisation:
    """Of a network_serialised job, in seconds; `min_wait` and `max_wait` are both there or both None."""

    ota_task_duration: int
    min_wait: int | None = None
    max_wait: int | None = None


@dataclass(frozen=True)
class Rule:
    """Whom a dynamic job is for: nodes whose config says all of what is not None here."""

    type: str | None = None
    model: str | None = None
    fw_version: str | None = None

    def __bool__(self) -> bool:
        return (self.type, self.model, self.fw_version) != (None, None, None)

    def matches(self, node: Node) -> bool:
        pairs = ((self.type, node.type), (self.model, node.model), (self.fw_version, node.fw_version))
        return all(wanted in (None, found) for wanted, found in pairs)


@dataclass(eq=False)
class Job:
    """`nodes` and `groups` are ids; `rule` is that of a dynamic job. `node_jobs` are by node id. `number` counts jobs:
    of two the one with the higher number is the newer. `status` is active, finished or cancelled; `is_expired`: it was
    the time that cancelled it. `ended_ms` is when it finished or was cancelled. `user_access`: users may have the image
    themselves.
    """

    id: str
    name: str
    image: Image
    number: int = 0
    description: str = ""
    nodes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    rule: Rule = field(default_factory=Rule)
    priority: int = DEFAULT_PRIORITY
    timeout_s: int | None = None
    force_push: bool = False
    user_approval: bool = False
    notify: bool = False
    user_access: bool = False
    continuous: bool = False
    serialisation: Serialisation | None = None
    metadata: dict = field(default_factory=dict)
    stream_id: str | None = None
    status: str = ACTIVE
    is_expired: bool = False
    is_archived: bool = False
    created_ms: int = 0
    ended_ms: int | None = None
    node_jobs: dict[str, NodeJob] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        return self.status == ACTIVE

    @property
    def is_endless(self) -> bool:
        """Dynamic jobs are continuous: another node may match at any time."""
        return self.continuous or bool(self.rule)

    def is_for(self, node: Node) -> bool:
        if self.rule:
            return self.rule.matches(node)
        return node.id in self.nodes or not node.groups.isdisjoint(self.groups)

    def counts(self) -> dict[str, int]:
        """How many node-jobs are in each state, all states named."""
        found = dict.fromkeys((TRIGGERED, STARTED, *REPORTED), 0)
        for node_job in self.node_jobs.values():
            found[node_job.state] += 1
        return found


def check(job: Job) -> None:
    """Can there be such a job? UserError: bad_name, no_target, target_conflict, too_many_nodes, too_many_groups,
    bad_priority, bad_timeout, push_with_approval, timeout_with_approval, notify_without_approval,
    access_without_approval, bad_serialisation, bad_metadata.
    """
    if not job.name:
        raise UserError("bad_name", "a job needs a name")
    _check_target(job)
    if isinstance(job.priority, bool) or job.priority not in PRIORITIES:
        raise UserError("bad_priority", "a job's priority is 1 to 10")
    if job.timeout_s is not None and not 0 < job.timeout_s <= TIMEOUT_LIMIT_S:
        raise UserError("bad_timeout", f"a job's timeout is 1 to {TIMEOUT_LIMIT_S} seconds")
    if job.user_approval and job.timeout_s is not None:
        raise UserError("timeout_with_approval", "a job that users approve has no timeout")
    if job.user_approval and job.force_push:
        raise UserError("push_with_approval", "a job that users approve is not pushed")
    if job.notify and not job.user_approval:
        raise UserError("notify_without_approval", "users are only notified of jobs that they approve")
    if job.user_access and not job.user_approval:
        raise UserError("access_without_approval", "users only get images of jobs that they approve")
    if job.serialisation and (job.serialisation.min_wait is None) != (job.serialisation.max_wait is None):
        raise UserError("bad_serialisation", "min_wait and max_wait go together")
    if not isinstance(job.metadata, dict):
        raise UserError("bad_metadata", "a job's metadata is an object")


def _check_target(job: Job) -> None:
    if job.rule and (job.nodes or job.groups):
        raise UserError("target_conflict", "a dynamic job names no nodes and no groups")
    if not (job.rule or job.nodes or job.groups):
        raise UserError("no_target", "a job needs nodes, groups or a rule")
    if len(job.nodes) > NODE_LIMIT:
        raise UserError("too_many_nodes", f"a job names at most {NODE_LIMIT} nodes")
    if len(job.groups) > GROUP_LIMIT:
        raise UserError("too_many_groups", f"a job names at most {GROUP_LIMIT} groups")
