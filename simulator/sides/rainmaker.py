# SPDX-License-Identifier: MIT
"""RainMaker as a Side: nodes with certificates over MQTT and TLS, images by HTTPS, jobs that are pushed."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from simulator.clouds.rainmaker import Image, ImageStore, NodeApi, RainMaker, jobs
from simulator.clouds.rainmaker.pki import Authority, NodeCertificate
from simulator.errors import UserError
from simulator.sides.side import FAILED, UPDATED, Entrance, Side, Told, mac

_RESULTS = {jobs.SUCCESS: UPDATED, jobs.REJECTED: FAILED}
_TRIES = 3  # of a download; then the node gives up for five minutes (rainmaker.md 2.3)


class RainMakerSide(Side):
    """See Side. `authority` has issued what clouds and nodes show."""

    NAME: ClassVar = "rainmaker"
    HEAP: ClassVar = "88k"

    def __init__(self, cloud: RainMaker, authority: Authority | None = None) -> None:
        self.cloud: RainMaker = cloud
        self.authority = authority or Authority()
        store = ImageStore(cloud)
        self.entrances = (
            Entrance("mqtts_port", cloud, self.authority, asks=True),
            Entrance("https_port", store, self.authority),
            Entrance("node_port", NodeApi(cloud), self.authority, asks=True),
        )
        self.shown: dict[str, NodeCertificate] = {}

    @classmethod
    def fresh(cls, now_ms: int) -> "RainMakerSide":
        return cls(RainMaker(seed=1, now_ms=now_ms))

    def reached(self, host: str, ports: Mapping[str, int]) -> None:
        self._where = {"host": host.encode(), "port": ports["mqtts_port"]}
        self.cloud.image_base = f"https://{host}:{ports['https_port']}"

    def add(self, number: int) -> str:
        """A node id is the MAC, as after claiming."""
        return self.add_node(mac(number).hex().upper())

    def add_node(self, node_id: str) -> str:
        """Raises UserError as RainMaker.add_node."""
        shown = self.authority.node(node_id)
        self.cloud.add_node(node_id, shown.der)
        self.shown[node_id] = shown
        return node_id

    def settings(self, device: str) -> dict[str, int | bytes]:
        shown = self.shown[device]
        credentials = {"ca": self.authority.pem, "cert": shown.cert, "key": shown.key}
        return {"cloud": b"rainmaker", "node_id": device.encode(), **self._where, **credentials}

    def package(self, title: str, version: str, data: bytes, type: str = "FIRMWARE") -> Image:
        """Raises UserError("no_software"): RainMaker knows firmware only."""
        if type != "FIRMWARE":
            raise UserError("no_software", "RainMaker has firmware images only")
        return self.cloud.add_image(f"{title} {version}", data, version, model=title)

    def offer(self, devices: Sequence[str], package: Image, now_ms: int) -> None:
        """Jobs for the same nodes are cancelled, lest they come again one day."""
        for job in list(self.cloud.jobs.values()):
            if job.is_active and set(job.nodes) & set(devices):
                self.cloud.cancel_job(job, now_ms)
        name = f"job {len(self.cloud.jobs) + 1}: {package.name}"
        self.cloud.create_job(name, package, now_ms, nodes=tuple(devices), force_push=True)

    def spoil(self) -> None:
        """By HTTPS and over streams: a board tries the one after the other."""
        for rule in ("imagex*:corrupt", "block=5x*:corrupt"):
            self.cloud.add_fault(rule)

    def told(self, event: dict) -> list[Told]:
        kind, node = event["event"], event.get("node")
        if kind == "otaurl" and event["delivered"] and event["cause"] != "wait":
            return [Told(node, "offer", self.cloud.jobs[event["job"]].image.name)]
        if kind == "http" and node and event["status"] in (200, 206):
            return [Told(node, "bytes", size=event["length"])]
        if kind == "node_job":
            state = event["state"]
            return [
                Told(node, "state", state, event["info"], is_report=state in jobs.REPORTED, result=self._end(event))
            ]
        return []

    def _end(self, event: dict) -> str | None:
        """A failed download is tried again; the last try ends it for now."""
        node_job = self.cloud.jobs[event["job"]].node_jobs[event["node"]]
        tries = sum(entry.status == jobs.FAILED for entry in node_job.history)
        if event["state"] == jobs.FAILED and tries % _TRIES == 0:
            return FAILED
        return _RESULTS.get(event["state"])
