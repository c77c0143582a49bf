# SPDX-License-Identifier: MIT
"""The mock RainMaker itself: the sans-IO core of its MQTT end point, and what its administrators and users can do."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from simulator.clouds.core import Close
from simulator.clouds.mock import Mock
from simulator.clouds.rainmaker import faults, images, login, otaurl, urls
from simulator.clouds.rainmaker.faults import Rule
from simulator.clouds.rainmaker.ids import Ids
from simulator.clouds.rainmaker.images import Image
from simulator.clouds.rainmaker.jobs import Job, NodeJob
from simulator.clouds.rainmaker.nodes import EVERYBODY, Group, Node
from simulator.clouds.rainmaker.ota import Ota
from simulator.clouds.rainmaker.session import Session
from simulator.clouds.rainmaker.urls import Signer
from simulator.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """The service's configuration, in milliseconds unless a name says otherwise.

    `failed_is_terminal`: a node that failed gets the job never again (rainmaker.md section 0, 3).
    `send_md5`: otaurl has `file_md5`.
    `url_valid_s`, `url_token`: how long an image's URL works; characters of its session token, as many as S3's has.
    `network_slots`: nodes of a network that have a serialised job at once.
    `answer_ms`: how long an otafetch takes, least and most.
    `stream_ms`: the same for a request about a stream.
    `json_blocks`: how a block travels in JSON, "base64" or "hex".
    `connect_interval_ms`: a client id may connect that often (AWS IoT Core quotas).
    `redeliver_ms`: a publish without a PUBACK comes again after that, 0: never; AWS IoT does not say when.
    """

    failed_is_terminal: bool = False
    send_md5: bool = True
    url_valid_s: int = 86_400
    url_token: int = 700
    network_slots: int = 3
    answer_ms: tuple[int, int] = (20, 200)
    stream_ms: tuple[int, int] = (5, 50)
    json_blocks: str = "base64"
    connect_interval_ms: int = 1000
    redeliver_ms: int = 20_000


class RainMaker(Mock):
    """A sans-IO core (simulator/clouds/core.py).

    `nodes` and `groups` are kept by id, `images` and `jobs` too and in the order they were made. `image_base` is where
    the image store is served, `scheme://host:port`. `ignored` counts what nodes said in vain, by reason.
    """

    client = "node"

    def __init__(
        self,
        seed: int = 0,
        now_ms: int = 0,
        on_event: Callable[[dict], None] | None = None,
        image_base: str = "https://images.rainmaker.test",
        **settings,
    ) -> None:
        super().__init__(seed, now_ms, on_event)
        self.settings = Settings(**settings)
        self.image_base = image_base
        self.nodes: dict[str, Node] = {}
        self.groups = {EVERYBODY: Group(EVERYBODY, "all claimed nodes")}
        self.images: dict[str, Image] = {}
        self.ota = Ota(self)
        self.retained: dict[str, bytes] = {}
        self.ignored: Counter[str] = Counter()
        self.signer = Signer(seed, self.settings.url_token)
        self._url_owners: dict[str, str] = {}
        self._ids = Ids(seed)

    # The contract of a core

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        """`certificate` is what the client has shown, in DER. Without that of a node the connection is over."""
        self.tick(now_ms)
        node, problem = login.owner(self, certificate)
        if node is None:
            self.log("refused", conn=conn, client_id=None, reason=problem)
            self.hang_up(conn)
        else:
            self.sessions[conn] = Session(self, conn, node)

    # Administrators

    def add_node(self, node_id: str, certificate: bytes | None = None) -> Node:
        """A claimed node. `certificate` in DER is the only one it can log in with; None: any with its id as CN.

        Raises UserError: bad_name, node_exists.
        """
        if not node_id or any(letter in "/+#$" for letter in node_id):
            raise UserError("bad_name", f"{node_id!r} cannot be a node id")
        if node_id in self.nodes:
            raise UserError("node_exists", f"there is a node {node_id} already")
        node = self.nodes[node_id] = Node(node_id, certificate, created_ms=self.now_ms)
        self.log("node_added", node=node_id)
        self.ota.changed(node)
        return node

    def add_group(self, name: str, *nodes: Node) -> Group:
        """Raises UserError: bad_name, group_exists."""
        if not name:
            raise UserError("bad_name", "a group needs a name")
        if any(other.name == name for other in self.groups.values()):
            raise UserError("group_exists", f"there is a group {name} already")
        group = Group(self.new_id(), name)
        self.groups[group.id] = group
        for node in nodes:
            self.join(group, node)
        return group

    def join(self, group: Group, node: Node) -> None:
        """The group's active jobs are the node's from now on."""
        node.groups.add(group.id)
        self.ota.changed(node)

    def leave(self, group: Group, node: Node) -> None:
        node.groups.discard(group.id)

    def add_image(
        self,
        name: str,
        data: bytes,
        fw_version: str | None = None,
        type: str | None = None,
        model: str | None = None,
        image_id: str | None = None,
    ) -> Image:
        """Version and model that are not given come from the image itself. Raises UserError as images.uploaded."""
        image = images.uploaded(image_id or self.new_id(), name, data, fw_version=fw_version, type=type, model=model)
        return self._keep(image)

    def archive_image(self, image: Image, archived: bool = True) -> None:
        """No new job for it; `archived` False: again."""
        image.is_archived = archived

    def delete_image(self, image: Image) -> None:
        """Its URLs lead nowhere from now on. Raises UserError("image_in_use") while a job with it is active."""
        if any(job.image is image and job.is_active for job in self.jobs.values()):
            raise UserError("image_in_use", f"there is an active job for image {image.name}")
        del self.images[image.id]

    def create_job(self, name: str, image: Image | str, now_ms: int, **options) -> Job:
        """A job for this image, or for whatever is at this URL. `options` are the fields of Job.

        Raises UserError as Ota.create, and: no_such_node, no_such_group, image_archived.
        """
        self.tick(now_ms)
        if isinstance(image, str):
            image = Image(self.new_id(), image, url=image)
        if image.is_archived:
            raise UserError("image_archived", f"image {image.name} is archived")
        job = Job(self.new_id(), name, image, created_ms=now_ms, **options)
        for node_id in job.nodes:
            self.node(node_id)
        for group_id in job.groups:
            self.group(group_id)
        job.stream_id = self.new_id() if image.can_stream else None
        return self.ota.create(job)

    def cancel_job(self, job: Job, now_ms: int) -> None:
        """Raises UserError as Ota.cancel."""
        self.tick(now_ms)
        self.ota.cancel(job)

    def archive_job(self, job: Job, now_ms: int) -> None:
        """Raises UserError as Ota.archive."""
        self.tick(now_ms)
        self.ota.archive(job)

    def retrigger(self, job: Job, now_ms: int) -> None:
        """Raises UserError as Ota.retrigger."""
        self.tick(now_ms)
        self.ota.retrigger(job)

    def set_params(self, node: Node, params: dict, now_ms: int) -> bool:
        """Writes parameters, on `params/remote`; whether the node was there to hear it."""
        self.tick(now_ms)
        payload = otaurl.text(params)
        is_heard = node.session is not None and node.session.deliver(f"node/{node.id}/params/remote", payload)
        self.log("set_params", node=node.id, params=params, delivered=is_heard)
        return is_heard

    def take_over(self, node: Node, now_ms: int) -> None:
        """A second client logs in under the node's id and goes again: the first is disconnected."""
        self.tick(now_ms)
        if node.session:
            login.end_other(node)

    def add_fault(self, text: str) -> None:
        """Puts a rule in force (faults.py says which there are); UserError("bad_fault")."""
        self.add_rule(Rule.parse(text), text)

    # Users

    def available(self, node: Node) -> NodeJob | None:
        """The job that a user of the node could say yes to."""
        return next((one for one in self.ota.candidates(node) if one.job.user_approval), None)

    def approve(self, job: Job, node: Node, now_ms: int) -> NodeJob:
        """Raises UserError as Ota.approve."""
        self.tick(now_ms)
        return self.ota.approve(job, node)

    # What there is

    @property
    def jobs(self) -> dict[str, Job]:
        return self.ota.jobs

    def node(self, node_id: str) -> Node:
        """Raises UserError("no_such_node")."""
        return _find(self.nodes, node_id, "node")

    def group(self, group_id: str) -> Group:
        """Raises UserError("no_such_group")."""
        return _find(self.groups, group_id, "group")

    def image(self, image_id: str) -> Image:
        """Raises UserError("no_such_image")."""
        return _find(self.images, image_id, "image")

    def job(self, job_id: str) -> Job:
        """Raises UserError("no_such_job")."""
        return _find(self.jobs, job_id, "job")

    def image_url(self, image: Image, node: Node | None = None, base: str = "") -> str:
        """A new URL of the image, good for `url_valid_s`; `node` is who gets it. `base`: instead of `image_base`."""
        if image.url is not None:
            return image.url
        url = self.signer.url(base or self.image_base, image.path, self.now_ms, self.settings.url_valid_s)
        if node:
            self._url_owners[urls.signature(url)] = node.id
        return url

    def url_owner(self, signature: str) -> str | None:
        """The id of the node that a URL with this signature was made for."""
        return self._url_owners.get(signature)

    # For the parts of the cloud

    def new_id(self) -> str:
        return self._ids.new()

    def ignore(self, why: str, node: Node, **fields: object) -> None:
        """Counts what a node said in vain."""
        self.ignored[why] += 1
        self.log("ignored", node=node.id, why=why, **fields)

    def retain(self, topic: str, payload: bytes) -> None:
        """Keeps a retained message; one without a payload takes the old one away."""
        if payload:
            self.retained[topic] = payload
        else:
            self.retained.pop(topic, None)

    def tell(self, node: Node, offer: dict, **about: object) -> None:
        """Publishes on the node's otaurl, to whoever listens there now, the way the faults leave it."""
        rules = self.strike("otaurl") if node.is_connected else []
        payload = faults.spoil_offer(offer, rules)
        copies, delay_ms = 1, 0
        for rule in rules:
            copies += {"duplicate": 1, "drop": -1}.get(rule.action, 0)
            delay_ms += int(rule.argument) if rule.action == "delay" else 0

        if delay_ms:
            self.schedule(delay_ms, partial(self._push, node, payload, copies, about))
        else:
            self._push(node, payload, copies, about)

    def _push(self, node: Node, payload: bytes, copies: int, about: dict) -> None:
        for _ in range(copies):
            is_heard = node.session is not None and node.session.deliver(f"node/{node.id}/otaurl", payload)
            self.log("otaurl", node=node.id, **about, size=len(payload), delivered=is_heard)

    def hang_up(self, conn: int) -> None:
        self.actions.append(Close(conn))

    def _keep(self, image: Image) -> Image:
        image.created_ms = self.now_ms
        self.images[image.id] = image
        return image


def _find(known: dict[str, T], wanted: str, kind: str) -> T:
    if wanted not in known:
        raise UserError(f"no_such_{kind}", f"there is no {kind} {wanted!r}")
    return known[wanted]
