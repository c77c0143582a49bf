# SPDX-License-Identifier: MIT
"""Attributes: saved and deleted with a push to a subscribed device, posted by it, asked for (thingsboard.md 2)."""

import json
from functools import partial
from typing import TYPE_CHECKING

from simulator.clouds.thingsboard import bodies
from simulator.clouds.thingsboard.bodies import Value
from simulator.clouds.thingsboard.devices import Device

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard
    from simulator.clouds.thingsboard.session import Request, Session


def save(cloud: "ThingsBoard", device: Device, values: dict[str, Value]) -> None:
    """Writes shared attributes and pushes exactly these."""
    device.shared.update(values)
    _push(cloud, device, values)


def delete(cloud: "ThingsBoard", device: Device, names: list[str]) -> None:
    """Deletes shared attributes and pushes their names in arbitrary order, also of those that never existed."""
    for name in names:
        device.shared.pop(name, None)
    _push(cloud, device, {"deleted": cloud.random.sample(names, len(names))})


def _push(cloud: "ThingsBoard", device: Device, body: dict) -> None:
    """No replay: a device that is offline or not subscribed, and does not wait over HTTP, never hears of it."""
    waiting, device.pushes = device.pushes, []
    for answer_poll in waiting:
        answer_poll(body)
    session = device.session
    topic = session.subscriptions.push_topic if session else None
    if topic is None or topic.endswith("/p"):
        return
    cloud.log("push", device=device.name, body=body)
    session.publish(topic, json.dumps(body).encode())


def post(session: "Session", request: "Request") -> None:
    """Client attributes from the device; it gets no echo."""
    receive(session.cloud, session.device, request.payload)
    request.ack()


def receive(cloud: "ThingsBoard", device: Device, payload: bytes) -> None:
    values = bodies.attributes(payload)
    cloud.spend(device, len(values))
    device.client.update(values)
    cloud.log("attributes", device=device.name, values=values)


def answer(session: "Session", request: "Request") -> None:
    """Answers a request with what exists; PUBACK and answer come in either order, as their ways are independent."""
    cloud, device = session.cloud, session.device
    client_keys, shared_keys = bodies.attribute_request(request.payload)
    request_id = bodies.request_id(request.route.parts[0])
    cloud.spend(device)
    cloud.log(
        "attribute_request", device=device.name, request_id=request_id, client_keys=client_keys, shared_keys=shared_keys
    )
    rules = cloud.strike("attributes")
    if session.disturbed(rules):
        return

    steps = [request.ack]
    if request_id >= 0 and not any(rule.action == "drop" for rule in rules):
        delay_ms = sum(int(rule.argument) for rule in rules if rule.action == "delay")
        reply = partial(_reply, session, f"{request.route.answer}{request_id}", request_id, client_keys, shared_keys)
        steps.append(partial(session.later, delay_ms, reply))
    for step in cloud.random.sample(steps, len(steps)):
        step()


def _reply(
    session: "Session", topic: str, request_id: int, client_keys: list[str] | None, shared_keys: list[str] | None
) -> None:
    body = found(session.device, client_keys, shared_keys)
    session.cloud.log("attribute_response", device=session.device.name, request_id=request_id, body=body)
    session.publish(topic, json.dumps(body).encode())


def found(device: Device, client_keys: list[str] | None, shared_keys: list[str] | None) -> dict[str, dict[str, Value]]:
    """The sections asked for, without those that would be empty; asking for no section asks for everything."""
    if client_keys is None and shared_keys is None:
        sections = {"client": dict(device.client), "shared": dict(device.shared)}
    else:
        sections = {"client": _pick(device.client, client_keys), "shared": _pick(device.shared, shared_keys)}
    return {name: values for name, values in sections.items() if values}


def _pick(values: dict[str, Value], keys: list[str] | None) -> dict[str, Value]:
    return {key: values[key] for key in keys or () if key in values}
