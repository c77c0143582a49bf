# SPDX-License-Identifier: MIT
"""A node for tests of the RainMaker mock in virtual time: certificate, login, and the firmware's own messages."""

import functools
import json
from typing import ClassVar
from urllib.parse import urlsplit

from simulator.clouds.rainmaker import ImageStore, RainMaker
from simulator.clouds.rainmaker.pki import Authority, NodeCertificate
from tests.clouds import peer

NODE = "A1B2C3D4E5F6"
RULES = {
    "config": "esp_node_config",
    "params/local": "esp_set_params",
    "params/local/init": "esp_init_params",
    "otafetch": "esp_node_otafetch",
    "otastatus": "esp_node_otastatus",
}
ANSWER_MS = 200  # an otafetch takes no longer


@functools.cache
def authority() -> Authority:
    return Authority()


@functools.cache
def certificate(node_id: str) -> NodeCertificate:
    return authority().node(node_id)


def connect(level: int = 4, client: str = NODE, keepalive_s: int = 120, will: tuple[str, str] | None = None) -> bytes:
    """As the firmware does it: clean, with a user name that is only telemetry."""
    flags = 0x82 | (0x0C if will else 0)
    header = peer.text("MQIsdp" if level == 3 else "MQTT") + bytes((level, flags)) + keepalive_s.to_bytes(2)
    no_properties = b"\0" * (level == 5)
    last_words = no_properties + b"".join(map(peer.text, will)) if will else b""
    username = peer.text("?Platform=APN3|A0|RM|EX00|RMDev|1x0|A1B2C3D4E5F6")
    return peer.packet(0x10, header, no_properties, peer.text(client), last_words, username)


def config(node_id: str = NODE, fw_version: str = "1.4.0", attributes: dict | None = None, **info: str) -> dict:
    """The minimal one of rainmaker.md section 1."""
    about = {"name": "demo", "fw_version": fw_version, "type": "Sensor", "model": "demo", "platform": "esp32", **info}
    listed = [{"name": name, "value": value} for name, value in (attributes or {}).items()]
    head = {"node_id": node_id, "config_version": "2020-03-20", "info": about}
    return {**head, "attributes": listed, "devices": [], "services": []}


class NodePeer(peer.Peer):
    """One connection of a node. `ingest`: its publishes go to the rules of Basic Ingest."""

    def __init__(self, world: peer.World, level: int = 4, node_id: str = NODE, ingest: bool = True) -> None:
        self.node_id = node_id
        self.ingest = ingest
        super().__init__(world, level, certificate(node_id).der)
        world.deliver()

    def login(self, **fields) -> "NodePeer":
        self.send(connect(self.level, **{"client": self.node_id, **fields}))
        return self

    def start(self) -> "NodePeer":
        """Connects, says what it is, listens: the firmware's order."""
        self.login().say("config", config(self.node_id))
        self.subscribe(f"node/{self.node_id}/otaurl")
        return self

    def say(self, what: str, payload: object, qos: int = 1) -> "NodePeer":
        """Publishes on one of the node's own topics."""
        rule = f"$aws/rules/{RULES[what]}/" if self.ingest else ""
        data = payload if isinstance(payload, str | bytes) else json.dumps(payload)
        self.publish(f"{rule}node/{self.node_id}/{what}", data, qos)
        return self

    def fetch(self) -> list[dict]:
        """Asks for a job; the offers that come."""
        self.take()
        self.say("otafetch", {"node_id": self.node_id, "fw_version": "1.4.0"})
        self.world.wait(ANSWER_MS)
        return self.offers()

    def report(self, job_id: str, status: str, **more: object) -> "NodePeer":
        ts = self.world.now_ms // 1000
        return self.say("otastatus", {"ota_job_id": job_id, "status": status, "additional_info": "", "ts": ts, **more})

    def heard(self) -> list[dict]:
        """The publishes that were unread, each acknowledged as it is taken, and those that waited for that."""
        found = []
        while packets := self.take("publish"):
            for packet in packets:
                if packet["qos"]:
                    self.send(peer.packet(0x40, packet["packet_id"].to_bytes(2)))
            found += packets
        return found

    def offers(self) -> list[dict]:
        """What came on otaurl and was unread."""
        wanted = f"node/{self.node_id}/otaurl"
        return [json.loads(packet["payload"]) for packet in self.heard() if packet["topic"] == wanted]

    def _connack(self, flags: int, body: bytes) -> dict:
        assert self.level == 5 or len(body) == 2
        return {"kind": "connack", "session_present": body[0], "code": body[1], "properties": body[3:]}

    _PARSERS: ClassVar = {**peer.Peer._PARSERS, 2: _connack}


def get(url: str, method: str = "GET", **headers: str) -> bytes:
    """A request for a URL of the image store; `_` in the name of a header is `-`."""
    parts = urlsplit(url)
    rows = [f"{method} {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}"]
    rows += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*rows, "", ""]).encode()


class Site:
    """A RainMaker in virtual time with one node; `add` makes another, `job` a job."""

    def __init__(self, level: int = 4, **settings) -> None:
        self.cloud = RainMaker(seed=7, **settings)
        self.store = ImageStore(self.cloud)
        self.world = peer.World(self.cloud, doors=[self.store])
        self.level = level
        self.node = self.cloud.add_node(NODE)

    def connect(self, node_id: str = NODE, ingest: bool = True) -> NodePeer:
        return NodePeer(self.world, self.level, node_id, ingest)

    def start(self, node_id: str = NODE, ingest: bool = True) -> NodePeer:
        """Connects a node and lets it start; it has listened to nothing yet."""
        return self.connect(node_id, ingest).start()

    def add(self, node_id: str) -> NodePeer:
        """Another node, started."""
        self.cloud.add_node(node_id)
        return self.start(node_id)

    def image(self, data: bytes = b"firmware", name: str = "fw.bin", fw_version: str = "1.5.0"):
        return self.cloud.add_image(name, data, fw_version=fw_version)

    def job(self, name: str = "job", image=None, **options):
        if not options.keys() & {"nodes", "groups", "rule"}:
            options["nodes"] = (NODE,)
        job = self.cloud.create_job(name, image or self.image(), self.world.now_ms, **options)
        self.world.deliver()
        return job

    def web(self) -> peer.HttpPeer:
        """A connection to the image store."""
        return peer.HttpPeer(self.world, self.store)

    def events(self, kind: str) -> list[dict]:
        return [event for event in self.cloud.events if event["event"] == kind]

    def state(self, job, node_id: str = NODE) -> str:
        return job.node_jobs[node_id].state
