# SPDX-License-Identifier: MIT
"""LwM2M as a Side: devices with endpoint names over CoAP, each update a task of the server.

Without DTLS, unless images are to come by `coaps`: then the server is reached by DTLS, too, and devices have
certificates. Those who fetch by `https` know the authority and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from simulator.clouds.lwm2m import FileDoor, Lwm2mServer, Options, Package, WebDoor, objects, tasks
from simulator.clouds.rainmaker.pki import Authority
from simulator.sides.side import FAILED, UPDATED, Entrance, Side, Told

_RESULTS = {tasks.GOOD: UPDATED, tasks.ERROR: FAILED}


class Lwm2mSide(Side):
    """See Side. `OPTIONS`: of every task."""

    NAME: ClassVar = "lwm2m"
    HEAP: ClassVar = "96k"
    OPTIONS: ClassVar = Options(starts_at_once=True)

    def __init__(self, cloud: Lwm2mServer) -> None:
        self.cloud: Lwm2mServer = cloud
        web = WebDoor(cloud)
        self.entrances = (
            Entrance("coap_port", cloud, datagrams=True),
            Entrance("file_port", FileDoor(cloud), datagrams=True),
            Entrance("http_port", web),
        )
        self.authority = Authority() if self.OPTIONS.protocol in ("coaps", "https") else None
        if self.needs_dtls():
            self.entrances += (Entrance("coaps_port", cloud, self.authority, asks=True, datagrams=True),)
        elif self.authority:
            self.entrances += (Entrance("https_port", web, self.authority),)

    @classmethod
    def needs_dtls(cls) -> bool:
        """Whether only a board that has DTLS can be updated so."""
        return cls.OPTIONS.protocol == "coaps"

    @classmethod
    def fresh(cls, now_ms: int) -> "Lwm2mSide":
        return cls(Lwm2mServer(seed=1, now_ms=now_ms))

    @classmethod
    def choosing(cls, **options: str) -> type["Lwm2mSide"]:
        """The same with other options for its tasks. Raises UserError("bad_options")."""
        return type(cls.__name__, (cls,), {"OPTIONS": replace(cls.OPTIONS, **options)})

    def reached(self, host: str, ports: Mapping[str, int]) -> None:
        """`coaps_port` and `https_port` if there are any; images over DTLS are where the devices are, too."""
        self._where = {"host": host.encode(), "port": ports["coaps_port" if self.needs_dtls() else "coap_port"]}
        names = {"coap": "file_port", "coaps": "coaps_port", "http": "http_port", "https": "https_port"}
        self.cloud.bases |= {
            scheme: f"{scheme}://{host}:{ports[name]}" for scheme, name in names.items() if name in ports
        }

    def add(self, number: int) -> str:
        return self.cloud.add_device(f"board-{number}").endpoint

    def settings(self, device: str) -> dict[str, int | bytes]:
        found = {"cloud": b"lwm2m", **self._where, "endpoint": device.encode()}
        if self.authority:
            found["ca"] = self.authority.pem
        if self.authority and self.needs_dtls():
            shown = self.authority.node(device)
            found |= {"security": b"cert", "cert": shown.cert, "key": shown.key}
        return found

    def package(self, title: str, version: str, data: bytes, type: str = "FIRMWARE") -> Package:
        """By object 5, or 9 for SOFTWARE."""
        return Package(f"{title} {version}", data, version, type)

    def offer(self, devices: Sequence[str], package: Package, now_ms: int) -> None:
        self.cloud.tick(now_ms)
        known = [self.cloud.devices[device] for device in devices]
        for device in known:
            for task in self.cloud.tasks.of(device):
                if task.package.type == package.type:
                    self.cloud.tasks.cancel(task)
        self.cloud.tasks.upgrade(known, package, self.OPTIONS)

    def spoil(self) -> None:
        """Pushed, and fetched in either way."""
        for rule in ("file=5x*:corrupt", "push=5x*:corrupt", "imagex*:corrupt"):
            self.cloud.add_fault(rule)

    def told(self, event: dict) -> list[Told]:
        kind, device = event["event"], event.get("device")
        if kind in ("block", "file", "http") and device and event["size"]:
            return [Told(device, "bytes", size=event["size"])]
        if kind == "values" and event["path"] == objects.STATE:
            return [Told(device, "state", objects.state_text(event["state"]), is_report=True)]
        if kind == "values" and event["path"] == objects.SW_STATE:
            state = objects.software_state_text(event["state"])
            return [Told(device, "state", state, is_report=True, type="SOFTWARE")]
        if kind == "task" and event["step"] == "pending":
            return [Told(device, "offer", event["package"], type=event["type"])]
        if kind == "task" and event["step"] == "over":
            facts = {"is_report": True, "result": _RESULTS.get(event["status"]), "type": event["type"]}
            return [Told(device, "state", event["status"], event["summary"], **facts)]
        return []
