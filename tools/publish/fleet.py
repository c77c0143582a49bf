# SPDX-License-Identifier: MIT
"""What a broker tells of a fleet, message by message: who is there, what each is to run and does run. No sockets.

Which release is for which device the agent's own code decides.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulator.clouds.broker.scheme import FIRMWARE, SOFTWARE, Names
from simulator.firmware_code import of_firmware

_choice = of_firmware("cloud.br_choice")
_job = of_firmware("job")
_errors = of_firmware("errors")
UPDATED, FAILED = "UPDATED", "FAILED"
_JOBS = {"job": FIRMWARE, "software/job": SOFTWARE}
_PROGRESS = {"progress": FIRMWARE, "software/progress": SOFTWARE}


def job_id(record: dict[str, Any], kind: str = FIRMWARE) -> str:
    """What devices call the job that a release is. Raises JobError for what they would refuse."""
    fields = _choice.release(json.dumps(record).encode(), kind)
    return _job.Job(fields, False, kind).id


@dataclass
class Device:
    """`config`: None while nothing is special about it. `jobs`, `progress`: by kind, `running` too: "title version"."""

    name: str
    is_online: bool | None = None
    config: Any = field(default_factory=_choice.Config)
    running: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    progress: dict[str, int] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class Fleet:
    """`devices` by name. Feed it with what is on the topics of `filters`."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._devices_at = names.device("", "")[:-1]
        self._releases: dict[str, tuple[str, dict[str, Any]]] = {}  # topic -> (kind, fields)
        self.devices: dict[str, Device] = {}

    @property
    def filters(self) -> list[str]:
        base = self._names.base
        places = [f"{base}/{part}release" for part in ("", "software/", "group/+/", "group/+/software/")]
        return [*places, f"{base}/device/#"]

    def hear(self, topic: str, payload: bytes) -> None:
        """Whatever nobody can read changes nothing."""
        if topic.startswith(self._devices_at):
            device, _, name = topic.removeprefix(self._devices_at).partition("/")
            if name in ("release", "software/release"):
                self._release(topic, payload)
            elif not name.startswith("set/"):
                self._device(device, name, payload)
        else:
            self._release(topic, payload)

    def _release(self, topic: str, payload: bytes) -> None:
        kind = SOFTWARE if topic.endswith("/software/release") else FIRMWARE
        try:
            fields = _choice.release(payload, kind) if payload else None
        except _errors.JobError as error:
            fields = _choice.refused(payload, error.code)
        if fields:
            self._releases[topic] = (kind, fields)
        else:
            self._releases.pop(topic, None)

    def _device(self, device: str, name: str, payload: bytes) -> None:
        known = self.devices.setdefault(device, Device(device))
        if name == "config":
            known.config = _config(payload)
            return
        try:
            told = json.loads(payload)
        except ValueError:
            return
        if name == "online" and isinstance(told, bool):
            known.is_online = told
        elif name in _JOBS and isinstance(told, dict) and isinstance(told.get("state"), str):
            known.jobs[_JOBS[name]] = told
            known.progress.pop(_JOBS[name], None)
        elif name in _PROGRESS and isinstance(told, int):
            known.progress[_PROGRESS[name]] = told
        elif name == "status" and isinstance(told, dict):
            known.status = told
            for kind in (FIRMWARE, SOFTWARE):
                if isinstance(told.get(kind), list):
                    known.running[kind] = " ".join(map(str, told[kind]))
        elif name == "error" and isinstance(told, dict):
            known.error = str(told.get("code"))

    def wanted(self, device: Device, kind: str) -> str | None:
        """The topic of the release that is for a device; None for nothing, or what it is locked to."""
        config, base = device.config, self._names.base + "/"
        places = _choice.places(config, base, self._names.device(device.name, ""))
        best: tuple[int, dict[str, Any], str] | None = None
        for topic, (place_kind, rank) in places.items():
            if place_kind != kind or topic not in self._releases:
                continue
            fields = self._releases[topic][1]
            if best is None or _choice.wins(rank, fields, best[0], best[1]):
                best = (rank, fields, topic)
        return best[2] if best else None

    def audience(self, topic: str, kind: str) -> list[Device]:
        """The devices that a release is for, by name."""
        found = [device for device in self.devices.values() if self.wanted(device, kind) == topic]
        return sorted(found, key=lambda device: device.name)


@dataclass(frozen=True)
class Count:
    """How an audience has answered. A device that says UPDATED and runs another version has not."""

    updated: int
    failed: int
    others: int

    @property
    def answered(self) -> int:
        return self.updated + self.failed


def count(devices: Iterable[Device], kind: str, job: str, version: str) -> Count:
    ends = [end_of(device, kind, job, version) for device in devices]
    return Count(ends.count(UPDATED), ends.count(FAILED), ends.count(""))


def end_of(device: Device, kind: str, job: str, version: str) -> str:
    """UPDATED, FAILED, or "" while there is no end."""
    told = device.jobs.get(kind, {})
    if told.get("id") != job:
        return ""
    if told["state"] == UPDATED and told.get("version") != version:
        return ""
    return told["state"] if told["state"] in (UPDATED, FAILED) else ""


@dataclass(frozen=True)
class Rule:
    """A rollout stops when so many in a hundred of those that have answered failed, and `least` have answered."""

    percent: float
    least: int = 1

    def is_broken(self, count: Count) -> bool:
        return count.answered >= max(self.least, 1) and count.failed * 100 >= self.percent * count.answered > 0


def _config(payload: bytes) -> Any:
    """As a device takes it: of one that it cannot read it makes a device of development."""
    try:
        return _choice.Config(payload)
    except _errors.JobError:
        broken = _choice.Config()
        broken.is_development = True
        return broken
