# SPDX-License-Identifier: MIT
"""The RainMaker mock on real sockets: a user over REST, nodes by paho-mqtt over TLS."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator.clouds.rainmaker import ImageStore, RainMaker
from simulator.clouds.rainmaker.pki import Authority
from simulator.clouds.rainmaker.rest.app import application
from simulator.clouds.rainmaker.rest.auth import Account
from simulator.clouds.server import Door, Server
from simulator.loop_thread import LoopThread
from tests.clouds import rm_peer
from tests.clouds.paho_client import Client
from tests.clouds.rest import Rest, rest

HOST = "127.0.0.1"
NODE, OTHER = rm_peer.NODE, "B1B2C3D4E5F6"
OTA_SERVICE = {
    "name": "OTA",
    "type": "esp.service.ota",
    "params": [
        {"name": "Status", "type": "esp.param.ota_status", "data_type": "string", "properties": ["read"]},
        {"name": "Info", "type": "esp.param.ota_info", "data_type": "string", "properties": ["read"]},
        {"name": "URL", "type": "esp.param.ota_url", "data_type": "string", "properties": ["write"]},
    ],
}


class User(Rest):
    """`node(id)` is a node that has connected; `made` what a call gave back, which succeeded."""

    cloud: RainMaker
    mqtt_port = 0
    folder = Path()

    def log_in(self) -> "User":
        about = {"user_name": Account.user_name, "password": Account.password}
        self.headers = {"Authorization": self.made("POST", "/v1/login2", about)["accesstoken"]}
        return self

    def made(self, method: str, path: str, body: object = None, **query: object) -> Any:
        kind = {"json": body} if body is not None else {}
        status, answer = self._ask(method, path, query, **kind)
        assert status < 300, answer
        return answer

    def refused(self, method: str, path: str, body: object = None, **query: object) -> tuple[int, int]:
        """(status, the service's number)"""
        kind = {"json": body} if body is not None else {}
        status, answer = self._ask(method, path, query, **kind)
        assert answer["status"] == "failure", answer
        assert answer["description"]
        return status, answer["error_code"]

    def node(self, node_id: str = NODE, **config: Any) -> "Node":
        if node_id not in self.cloud.nodes:
            self.act(lambda now_ms: self.cloud.add_node(node_id))
        shown = rm_peer.certificate(node_id)
        file = self.folder / f"{node_id}.pem"
        file.write_bytes(shown.cert + shown.key)
        tls = ssl.create_default_context(cadata=rm_peer.authority().pem.decode())
        tls.load_cert_chain(file)
        return Node(node_id, Client(self.mqtt_port, 4, None, client_id=node_id, tls=tls), config)

    def job(self, name: str = "job", **options: Any) -> str:
        """Its id. What begins with the name of a flag goes into the query."""
        flags = ("force_push", "user_approval", "notify", "continuous", "network_serialised")
        query = {key: str(options.pop(key)).lower() for key in flags if key in options}
        if "ota_image_id" not in options and "ota_image_url" not in options:
            options["ota_image_id"] = self.image(f"{name}.bin")
        if not options.keys() & {"groups", "node_type", "node_model", "node_fw_version"}:
            options.setdefault("nodes", [NODE])
        return self.made("POST", "/v1/admin/otajob", {"ota_job_name": name, **options}, **query)["ota_job_id"]

    def image(self, name: str = "fw.bin", data: bytes = b"firmware") -> str:
        """Its id."""
        return self.act(lambda now_ms: self.cloud.add_image(name, data, fw_version="1.5.0", model="demo")).id


class Node:
    """A node that has told its config and listens."""

    def __init__(self, node_id: str, client: Client, config: dict[str, Any]) -> None:
        self.id, self.client = node_id, client
        told = {**rm_peer.config(node_id, **config), "services": [OTA_SERVICE]}
        self.say("config", told)
        self.say("params/local/init", {"OTA": {"Status": "", "Info": "", "URL": ""}})
        client.subscribe(f"node/{node_id}/otaurl", f"node/{node_id}/params/remote")

    def say(self, what: str, payload: object) -> None:
        self.client.publish(f"$aws/rules/{rm_peer.RULES[what]}/node/{self.id}/{what}", payload)

    def fetch(self) -> None:
        self.say("otafetch", {"node_id": self.id, "fw_version": "1.4.0"})

    def report(self, job_id: str, status: str, info: str = "") -> None:
        self.say("otastatus", {"ota_job_id": job_id, "status": status, "additional_info": info})

    def heard(self) -> dict[str, Any]:
        """The next otaurl or params/remote."""
        return json.loads(self.client.get()[1])

    @property
    def is_quiet(self) -> bool:
        return self.client.messages.empty()


@contextmanager
def service(folder: Path, **settings: Any) -> Iterator[User]:
    """Serves the cloud until the end of the block; the user has logged in."""
    thread = LoopThread("cloud")
    cloud = RainMaker(seed=5, connect_interval_ms=0, answer_ms=(0, 1), **settings)
    authority: Authority = rm_peer.authority()
    server = Server(ImageStore(cloud), HOST, 0, Door(cloud, 0, authority.mqtt(HOST)))
    try:
        cloud.image_base = f"http://{HOST}:{thread.run(server.open())}"
        with rest(thread, server, application(cloud, server), User) as user:
            user.cloud, user.mqtt_port, user.folder = cloud, server.ports[1], folder
            yield user.log_in()
        thread.run(server.close())
    finally:
        thread.stop()
