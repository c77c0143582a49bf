# SPDX-License-Identifier: MIT
"""Nodes as their user sees them: what they are, whether they are there, their parameters read and written."""

from typing import Any

from simulator.clouds.rainmaker.nodes import Node
from simulator.clouds.rainmaker.rest.call import SUCCESS, Call, given
from simulator.clouds.rainmaker.rest.errors import failure
from simulator.clouds.rainmaker.rest.paging import page
from simulator.clouds.rest.call import Raw, Routes
from simulator.errors import UserError

_UPDATED = {**SUCCESS, "description": "Node params updated successfully"}


def _list(call: Call) -> dict[str, Any]:
    """Ids; with `node_details=true` everything, and for `node_id` of one node only."""
    if "node_id" in call.query:
        found, more = [call.node()], {}
    else:
        found, more = page(call, list(call.cloud.nodes.values()), lambda node: node.id)
    answer: dict[str, Any] = {"nodes": [node.id for node in found], "total": len(call.cloud.nodes), **more}
    if call.flag("node_details"):
        answer["node_details"] = [_details(node) for node in found]
    return answer


def _details(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "role": "primary",
        "primary": True,
        "status": _status(node),
        "config": node.config,
        "params": node.params,
        "node_type": "rainmaker",
        "mapping_timestamp": node.created_ms // 1000,
    }


def _status(node: Node) -> dict[str, Any]:
    """Of a node that was never there, nothing is known."""
    if node.changed_ms is None:
        return {"connectivity": {}}
    return {"connectivity": {"connected": node.is_connected, "timestamp": node.changed_ms}}


def _params(call: Call) -> dict[str, Any]:
    """As the node has reported them."""
    node = call.node()
    if not node.params:
        raise UserError("no_params", f"node {node.id} has reported no parameters")
    return node.params


def _set_params(call: Call) -> object:
    """One object for the node of the query, or an array for several, each with an answer of its own.

    They go out on `params/remote` at once; a node that is not there does not hear of them, and nobody is told.
    """
    if isinstance(call.body, list):  # what newer clients send, of one node too
        return Raw.json([_set_one(call, item) for item in call.body], 207)
    call.cloud.set_params(call.node(), call.fields, call.cloud.now_ms)
    return _UPDATED


def _set_one(call: Call, item: object) -> dict[str, Any]:
    said = item if isinstance(item, dict) else {}
    about = {"node_id": said["node_id"]} if "node_id" in said else {}
    try:
        if not isinstance(said.get("payload"), dict):
            raise UserError("bad_request", "payload is missing or no object")
        node = call.cloud.node(given(said.get("node_id"), "no_node_id"))
        call.cloud.set_params(node, said["payload"], call.cloud.now_ms)
    except UserError as error:
        return {**about, **failure(error)[1]}
    return {**about, **_UPDATED}


ROUTES: Routes = (
    ("GET", "/v1/user/nodes", _list),
    ("GET", "/v1/user/nodes/config", lambda call: call.node().config),
    ("GET", "/v1/user/nodes/status", lambda call: _status(call.node())),
    ("GET", "/v1/user/nodes/params", _params),
    ("PUT", "/v1/user/nodes/params", _set_params),
)
