# SPDX-License-Identifier: MIT
"""The HTTPS alternative for nodes that do without MQTT: ask for a job, tell how far it is (rainmaker.md section 9).

A client's certificate says who it is, as on the MQTT side. GET and POST /v1/node/otafetch, POST /v1/node/otastatus.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.clouds import http, http_door
from simulator.clouds.rainmaker import login, reports
from simulator.clouds.rainmaker.nodes import Node

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.cloud import RainMaker

# (status, number, text). The service's description has 400 and 105061 for a node without a job; what Espressif's own
# client meets is 404 and 105065 (esp-rainmaker, rmaker_node_api_constants.h).
_NO_UPDATE = (404, 105065, "No latest OTA available for the node")
_NO_NODE = (400, 100049, "Error, node_id not found in the provided node certificate")
_PROBLEMS = {
    "bad_status": (400, 100006, "Invalid request body"),
    "unknown_status": (400, 100006, "Invalid request body"),
    "unknown_job": (400, 105012, "OTA job not found"),
    "not_a_target": (400, 105012, "OTA job not found"),
    "cancelled_job": (400, 105015, "Either Job is cancelled/expired or Job does not exists"),
    "done_already": (400, 105051, "Error, the OTA job is finished for the node"),
}


class NodeApi(http_door.HttpDoor):
    """In front of the same state as MQTT."""

    cloud: "RainMaker"

    def serve(self, request: http.Request, answer: Callable[[http.Response], None], close: Callable[[], None]) -> None:
        node, _ = login.owner(self.cloud, request.certificate)
        response = self._answer(node, request) if node else _failure(_NO_NODE)
        self.cloud.log(
            "node_api",
            node=node.id if node else None,
            method=request.method,
            what="/".join(request.path),
            status=response.status,
        )
        answer(response)

    def _answer(self, node: Node, request: http.Request) -> http.Response:
        match request.method, request.path:
            case "GET" | "POST", ("v1", "node", "otafetch"):
                return self._fetch(node)
            case "POST", ("v1", "node", "otastatus"):
                problem = reports.status(self.cloud, node, request.body)
                return _failure(_PROBLEMS[problem]) if problem else http.Response.json({"status": "success"})
        return http.Response.json({"message": "Missing Authentication Token"}, 403)  # Amazon API Gateway's 404

    def _fetch(self, node: Node) -> http.Response:
        self.cloud.log("otafetch", node=node.id, fw_version=node.fw_version, network_id=None)
        found = self.cloud.ota.hand_out(node)
        return http.Response.json(found[2]) if found else _failure(_NO_UPDATE)


def _failure(about: tuple[int, int, str]) -> http.Response:
    status, number, text = about
    return http.Response.json({"status": "failure", "error_code": number, "description": text}, status)
