# SPDX-License-Identifier: MIT
"""ESP RainMaker in the campaign: one node with a certificate, over MQTT and HTTPS, both in TLS."""

import functools
from typing import TYPE_CHECKING, ClassVar

from simulator.board.lockstep import HOST
from simulator.board.net import EPOCH_MS
from simulator.campaign.sides.fixed_authority import FixedAuthority
from simulator.campaign.sides.story_side import StorySide
from simulator.clouds.rainmaker import Image, RainMaker, jobs
from simulator.clouds.rainmaker.pki import NodeCertificate
from simulator.sides import RainMakerSide

if TYPE_CHECKING:
    from simulator.board.net import VirtualNet

NODE = "7CDFA1B2C3D4"
PORTS = {"mqtts_port": 8883, "https_port": 443, "node_port": 8443}
_BATCH, _BLOCK = 4 + 1, 4096  # of a stream: the next ones are asked for before the last of these is there
_MISREAD = ("bad_status", "unknown_status", "bad_config", "bad_fetch", "bad_params")
_ENDS = {jobs.SUCCESS: "updated", jobs.REJECTED: "failed", jobs.FAILED: "again"}


@functools.cache
def _authority() -> FixedAuthority:
    return FixedAuthority()


@functools.cache
def _chain() -> tuple[bytes, ...]:
    return _authority().chain(HOST)


@functools.cache
def _shown() -> NodeCertificate:
    return _authority().node(NODE)


class RainMakerStory(RainMakerSide, StorySide):
    """See StorySide. A job ends with success or rejected; after failed it comes again (rainmaker.md 9).

    `wanted`: what the node's user wants its parameters to be.
    """

    HEAD: ClassVar = 289  # the beginning of an image is asked for first, to be judged
    AHEAD: ClassVar = HEAD + _BATCH * _BLOCK
    IS_SILENT: ClassVar = True

    def __init__(self, cloud: RainMaker) -> None:
        super().__init__(cloud, _authority())
        self.reached(HOST, PORTS)
        self.shown[NODE] = _shown()
        self.peer = cloud.add_node(NODE, _shown().der)
        self.wanted: dict[str, bool] = {}
        self.secret = _shown().key.decode().splitlines()[1]

    @classmethod
    def of(cls, seed: int) -> "RainMakerStory":
        return cls(RainMaker(seed=seed, now_ms=EPOCH_MS))

    def serve(self, net: "VirtualNet") -> None:
        net.tells_time = True
        for entrance in self.entrances:
            net.serve(HOST, PORTS[entrance.name], entrance.core, _chain())

    def board(self) -> dict[str, int | str]:
        return {name: v if isinstance(v, int) else v.decode() for name, v in self.settings(NODE).items()}

    def give(self, package: Image, now_ms: int) -> None:
        self.offer((NODE,), package, now_ms)

    def take_back(self, kind: str, now_ms: int) -> bool:
        active = [job for job in self.cloud.jobs.values() if job.is_active]
        for job in active:
            self.cloud.cancel_job(job, now_ms)
        return bool(active)

    def take_over(self, number: int, now_ms: int) -> None:
        self.cloud.take_over(self.peer, now_ms)

    def entries(self, event: dict) -> list[dict]:
        kind = event["event"]
        if kind == "subscribe":
            return [{"event": "answer"}]
        if kind == "block":
            return [{"event": "bytes", "length": event["length"]}]
        if kind == "http" and event["status"] in (200, 206):
            return [{"event": "bytes", "length": 0}]
        if kind == "ignored" and event["why"] in _MISREAD:
            return [{"event": "nonsense", "text": str(event)}]
        if kind == "otastatus":
            said = {"event": "said", "text": str(event["info"])}
            return [said, {"event": "state", "kind": "FIRMWARE", "version": self._version(event["job"]), **_end(event)}]
        if kind not in ("config", "otafetch"):
            return []
        found = [{"event": "said", "text": str(event)}]
        found.append({"event": "version", "kind": "FIRMWARE", "version": event["fw_version"]})
        if kind == "otafetch" and not self.cloud.ota.candidates(self.peer):
            found.append({"event": "nothing"})
        return found

    def _version(self, job_id: str) -> str:
        job = self.cloud.jobs.get(job_id)
        return f"job {job_id!r}, which nobody has made" if job is None else str(job.image.fw_version)

    @property
    def constants(self) -> tuple[object, ...]:
        return (*super().constants, self.authority, _shown(), _chain())


def _end(event: dict) -> dict:
    is_back = event["status"] == jobs.REJECTED and str(event["info"]).startswith("rolled_back")
    return {"word": event["status"], "end": "rolled_back" if is_back else _ENDS.get(event["status"])}
