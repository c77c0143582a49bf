# SPDX-License-Identifier: MIT
"""A board with the unmodified firmware, its mock RainMaker and a file server, all behind TLS on virtual time.

    job = world.offer("1.1.0")
    world.wait("success")
    assert world.statuses() == [*GOOD]

What knows no cloud is in board_world.py.
"""

import functools
import json
from collections.abc import Callable
from pathlib import Path

from simulator.board.inprocess import InProcess
from simulator.board.lockstep import HOST
from simulator.board.net import EPOCH_MS
from simulator.breakage import FIRMWARE
from simulator.clouds.mqtt import Publish
from simulator.clouds.rainmaker import Job, RainMaker
from simulator.interpreters import Interpreter
from tests import pki
from tests.agent.board_world import BoardWorld, firmware
from tests.agent.web import Web

NODE = "7CDFA1B2C3D4"
PORT = 8883
FILES = "images.example"
PROGRESS = "in-progress"
GOOD = (PROGRESS, PROGRESS, PROGRESS, PROGRESS, "success")  # starting, downloaded, verified, about to reboot
EPOCH_2000 = 946_684_800  # unix time at which the board's clock begins
LIMIT = 200  # bytes of a status (rainmaker.md 2.3)


@functools.cache
def authority() -> pki.Authority:
    return pki.Authority()


@functools.cache
def credentials() -> dict[str, str]:
    pair = {name: pem.decode() for name, pem in authority().client(NODE).items()}
    return {"ca": authority().pem.decode(), **pair}


@functools.cache
def sleepy(step_s: int) -> bytes:
    """Our firmware in a product that sleeps for most of the time, so that days pass soon."""
    main = (FIRMWARE / "main.py").read_text()
    return firmware("1.0.0", main.replace("board = Board()", f"board = Board()\n    board.step_ms = {step_s * 1000}"))


class Plain:
    """The cloud for a node that speaks no TLS: it is told whose certificate it would have seen."""

    def __init__(self, cloud: RainMaker) -> None:
        self._cloud = cloud
        self._certificate = pki.der(credentials()["cert"].encode())

    def open(self, conn: int, now_ms: int) -> None:
        self._cloud.open(conn, now_ms, self._certificate)

    def __getattr__(self, name: str) -> object:
        return getattr(self._cloud, name)


class RainMakerWorld(BoardWorld):
    """`cloud` is the core, `node` the board's record there, `web` the server of images."""

    def __init__(
        self,
        interpreter: Interpreter | InProcess,
        app: bytes | None = None,
        settings: dict[str, int | str] | None = None,
        heap: str | None = "108k",
        layout: str = "4MiB",
        files: Path | None = None,
        **server: object,
    ) -> None:
        self.cloud = RainMaker(seed=1, now_ms=EPOCH_MS, image_base=f"https://{FILES}", **server)
        self.node = self.cloud.add_node(NODE)
        self.web = Web(b"")
        values = {"cloud": "rainmaker", "node_id": NODE, "port": PORT, "streams": 0, **credentials()}
        values.update(settings or {})
        core = self.cloud if values.get("tls", 1) else Plain(self.cloud)
        super().__init__(interpreter, core, values, app, heap, layout, files)

    def connect(self) -> None:
        self.twin.net.tells_time = True
        self.twin.net.serve(HOST, PORT, self.core, () if isinstance(self.core, Plain) else authority().chain(HOST))
        self.twin.net.serve(FILES, 443, self.web, authority().chain(FILES))

    # what people do

    def offer(self, version: str = "1.1.0", data: bytes | None = None, **options: object) -> Job:
        """Uploads an image (our firmware as `version` unless there is `data`) and makes a job for this node."""
        self.web.data = firmware(version) if data is None else data
        image = self.cloud.add_image(f"{version}.bin", self.web.data, version)
        return self.job(image, **options)

    def job(self, image: object, **options: object) -> Job:
        """A job for this node with an image of the cloud's, or with whatever is at a URL."""
        name = f"job {len(self.cloud.jobs)}"
        return self.cloud.create_job(name, image, self.twin.now_ms, nodes=(NODE,), **options)

    def push(self, payload: dict | bytes, topic: str = "otaurl") -> None:
        """The cloud publishes this to the node, right now."""
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        assert self.node.session is not None, "the node is not connected"
        assert self.node.session.deliver(f"node/{NODE}/{topic}", text)

    def write(self, **params: object) -> None:
        """The node's user writes parameters of the service that is about updates."""
        assert self.cloud.set_params(self.node, {"Updates": params}, self.twin.now_ms)

    def push_online(self, payload: dict | bytes) -> None:
        """The same once the node has asked for a job and is idle."""
        self.wait_online()
        self.settle(0.5)
        self.push(payload)

    # time

    @property
    def clock(self) -> int:
        """Unix seconds, as the board's clock has them."""
        return self.twin.chip.time() + EPOCH_2000

    def wait_second(self, second: int) -> None:
        """Runs on until the board's clock has just come to a unix second."""
        assert self.clock < second
        while self.clock < second:
            self.pass_time(0.02)

    def wait(self, what: str | Callable[[], bool], timeout_s: float = 600) -> None:
        """Runs on until the node has sent this status once more, or until `what()`; fails after `timeout_s`."""
        if callable(what):
            self.wait_until(what, timeout_s, what)
        else:
            seen = self.statuses().count(what)
            self.wait_until(lambda: self.statuses().count(what) > seen, timeout_s, what)

    def wait_online(self) -> None:
        """Runs on until the node has asked for a job."""
        self.wait_until(lambda: bool(self.fetches), what="otafetch")

    # what was seen

    @property
    def events(self) -> list[dict]:
        return self.cloud.events

    def published(self, name: str = "") -> list[Publish]:
        """What the node has published, on topics that end with `name`."""
        packets = (packet for _, packet in self.wire if isinstance(packet, Publish))
        return [packet for packet in packets if packet.topic.endswith(name)]

    def said(self, name: str) -> list[tuple[float, dict]]:
        """(second, body) of what the node has published on a topic that ends with `name`."""
        return [
            (at / 1000, json.loads(packet.payload))
            for at, packet in self.wire
            if isinstance(packet, Publish) and packet.topic.endswith("/" + name)
        ]

    def reports(self, job: Job | str | None = None) -> list[dict]:
        """The bodies of the node's statuses, all of them or those of one job."""
        wanted = getattr(job, "id", job)
        return [body for _, body in self.said("otastatus") if wanted in (None, body["ota_job_id"])]

    def statuses(self, job: Job | str | None = None) -> list[str]:
        return [body["status"] for body in self.reports(job)]

    def infos(self, status: str) -> list[str]:
        """What was said beside a status word."""
        return [body["additional_info"] for body in self.reports() if body["status"] == status]

    @property
    def fetches(self) -> list[float]:
        """When the node has asked for a job."""
        return [at for at, _ in self.said("otafetch")]

    @property
    def erased(self) -> bool:
        """Whether the spare slot was touched."""
        return any(self.erases("ota_1"))
