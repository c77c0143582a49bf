# SPDX-License-Identifier: MIT
"""Groups of nodes that OTA jobs can be for: an administrator's, flat, without types."""

from typing import Any

from simulator.clouds.rainmaker.nodes import Group
from simulator.clouds.rainmaker.rest.call import SUCCESS, Call, given
from simulator.clouds.rest.call import Routes
from simulator.errors import UserError


def _make(call: Call) -> dict[str, Any]:
    """Of no nodes unless `nodes` names some."""
    nodes = _nodes(call)
    group = call.cloud.add_group(given(call.fields.get("group_name"), "bad_request"), *nodes)
    return {**SUCCESS, "group_id": group.id}


def _list(call: Call) -> dict[str, Any]:
    if "group_id" in call.query:
        return {"groups": [_json(call, call.cloud.group(call.query["group_id"]))]}
    return {"groups": [_json(call, group) for group in call.cloud.groups.values()]}


def _json(call: Call, group: Group) -> dict[str, Any]:
    nodes = [node.id for node in call.cloud.nodes.values() if group.id in node.groups]
    return {"group_id": group.id, "group_name": group.name, "nodes": nodes, "total": len(nodes)}


def _change(call: Call) -> dict[str, Any]:
    """Nodes come or go: `operation` is add or remove."""
    group, act = call.cloud.group(call.need("group_id")), call.fields.get("operation")
    if act not in ("add", "remove"):
        raise UserError("bad_request", "operation is add or remove")
    for node in _nodes(call):
        (call.cloud.join if act == "add" else call.cloud.leave)(group, node)
    return SUCCESS


def _nodes(call: Call) -> list[Any]:
    named = call.fields.get("nodes", [])
    if not isinstance(named, list):
        raise UserError("bad_request", "nodes is no array")
    return [call.cloud.node(str(node_id)) for node_id in named]


ROUTES: Routes = (
    ("POST", "/v1/admin/node_group", _make),
    ("GET", "/v1/admin/node_group", _list),
    ("PUT", "/v1/admin/node_group", _change),
)
