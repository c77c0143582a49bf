# SPDX-License-Identifier: MIT
"""What the product `controls` was told of its updates, and what it answers."""

import json

from tests.agent.harness import World


def events(world: World) -> list[str]:
    """What the product was told, without progress and the status."""
    return [line for line in heard(world) if not line.startswith(("progress", "status"))]


def heard(world: World) -> list[str]:
    """All that it was told, one of many blocks of progress in a row."""
    lines = [line[6:] for line in world.log if line.startswith("event ")]
    return [line for line, before in zip(lines, ["", *lines], strict=False) if line != before or line != "progress 2"]


def ask(world: World, method: str = "status", **params) -> dict:
    """What the product answers to a call."""
    known = len(world.seen("rpc_response"))
    world.call(method, **params)
    world.wait(lambda: len(world.seen("rpc_response")) > known)
    return json.loads(world.seen("rpc_response")[-1]["body"])


def said(world: World, name: str) -> list:
    """What the device has told the cloud under this name, in order."""
    name = "ota_" + name
    return [event["values"][name] for event in world.seen("attributes") if name in event["values"]]
